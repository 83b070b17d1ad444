"""Error over two swept numbers, such as the weights λ of two terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import UserError, unknown
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, panels, title
from harness.report.selection import Values
from harness.report.selection import metric as shown_as

_MOST_ROWS = 4
# From near white to mid blue: its lightness falls all the way, so that grey print keeps the order.
MAP = ("#f7f7f7", "#c6dbef", "#6baed6", "#2a6ea6")


def draw(evidence: Evidence, *, axes: list[str] | None = None, metric: str = "mpjpe") -> Sketch:
    """``metric`` over the numbers of two axes, a panel for each level; a row of panels for each value of the rest.

    Without ``axes``, the first two numeric axes of the grid, weights of terms before others.

    Raises:
        Unfilled: fewer than two axes have numbers.
        UserError: ``axes`` aren't two numeric axes.
    """
    across, up = _axes(evidence, axes)
    numeric = arms.numeric(evidence)
    others = [axis for axis in evidence.axes if axis not in (across, up)]
    crossed = [arm for arm in evidence.arms if arm.finished and "-" not in (arm.labels[across], arm.labels[up])]
    rest = list(dict.fromkeys(tuple(arm.labels[axis] for axis in others) for arm in crossed))
    if not crossed:
        raise Unfilled(f"no arm has a number on both {across} and {up}")
    levels = [*([arms.endpoint(evidence)] if evidence.scale else []), *evidence.levels]
    found = arms.measured(evidence, (*evidence.axes, "test_occlusion"), metric=metric, test_occlusion=levels)
    x, y = numeric[across], numeric[up]
    width, height = 0.9 + 0.42 * len(x), 0.7 + 0.3 * len(y)
    figure, grid = panels(len(rest[:_MOST_ROWS]), len(levels), width, height, sharex=True, sharey=True)
    seeds = set()
    for line, labels in zip(grid, rest, strict=False):
        for panel, level in zip(line, levels, strict=True):
            means = np.full((len(y), len(x)), np.nan)
            for arm in crossed:
                values = found.get(arms.key(evidence, arm, level), {})
                if tuple(arm.labels[axis] for axis in others) == labels and values:
                    place = y.index(float(arm.labels[up])), x.index(float(arm.labels[across]))
                    means[place] = np.mean(list(values.values()))
                    seeds.add(len(values))
            _panel(panel, means, x, y, metric)
            title(
                panel,
                arms.level_head(evidence, level) + _baseline(evidence, crossed, others, labels, found, level, metric),
            )
        named = arms.named(dict(zip(others, labels, strict=True)), evidence.words)
        line[0].set_ylabel(arms.heading(evidence, up) + (f"\n{named}" if len(rest) > 1 else ""))
    figure.supxlabel(arms.heading(evidence, across), fontsize=9)
    return Sketch(figure, _caption(evidence, metric, seeds, len(rest)))


def _axes(evidence: Evidence, asked: Sequence[str] | None) -> tuple[str, str]:
    numeric = list(arms.numeric(evidence))
    for axis in asked or ():
        if axis not in numeric:
            raise unknown("numeric axis of a figure", str(axis), numeric, key="report.figures")
    if asked is not None and len(set(asked)) != 2:
        raise UserError("a heat-map has two axes: axes: [one, other]", key="report.figures")
    pair = list(asked or numeric)[:2]
    if len(pair) < 2:
        raise Unfilled("fewer than two axes of the grid have numbers")
    return pair[0], pair[1]


def _baseline(
    evidence: Evidence,
    crossed: Sequence[Arm],
    others: Sequence[str],
    labels: tuple[str, ...],
    found: Values,
    level: str,
    metric: str,
) -> str:
    """The number that the cells of a panel are compared with; nothing where they have no baseline in common."""
    members = [arm for arm in crossed if tuple(arm.labels[axis] for axis in others) == labels]
    bases = {id(base): base for arm in members if (base := evidence.baseline_of(arm))}
    values = [found.get(arms.key(evidence, base, level), {}) for base in bases.values()]
    if len(bases) != 1 or not values[0]:
        return ""
    mean = np.mean(list(values[0].values()))
    return f" · {arms.named(evidence.baseline, evidence.words)} {mean:.{shown_as(metric).decimals}f}"


def _panel(panel: Any, means: np.ndarray, x: Sequence[float], y: Sequence[float], metric: str) -> None:
    """One heat-map with its numbers; the colours span this panel alone."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    panel.grid(False)
    panel.set_xticks(range(len(x)), [f"{value:g}" for value in x], fontsize=8)
    panel.set_yticks(range(len(y)), [f"{value:g}" for value in y], fontsize=8)
    panel.tick_params(length=0)
    panel.set_xlim(-0.5, len(x) - 0.5)
    panel.set_ylim(-0.5, len(y) - 0.5)
    there = means[~np.isnan(means)]
    if not there.size:
        return
    shades = LinearSegmentedColormap.from_list("light to dark", MAP)
    low, high = there.min(), there.max()
    # Squares drawn one by one stay vectors; an image would be pixels in the PDF.
    for (row, column), value in np.ndenumerate(means):
        missing = np.isnan(value)
        share = 0.0 if missing or high == low else (value - low) / (high - low)
        place = (column - 0.5, row - 0.5)
        face = "white" if missing else shades(share)
        panel.add_patch(Rectangle(place, 1, 1, facecolor=face, edgecolor="white", linewidth=0.8))
        text = "–" if missing else f"{value:.{shown_as(metric).decimals}f}"
        panel.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if share > 0.75 else "black")
    better = shown_as(metric).better
    if better:
        best = np.nanargmin(means) if better == "lower" else np.nanargmax(means)
        row, column = np.unravel_index(int(best), means.shape)
        frame = (float(column) - 0.46, float(row) - 0.46)
        panel.add_patch(Rectangle(frame, 0.92, 0.92, fill=False, edgecolor="black", linewidth=1.6))


def _caption(evidence: Evidence, metric: str, seeds: set[int], rest: int) -> str:
    count = f"{min(seeds)} to {max(seeds)} seeds" if len(seeds) > 1 else f"{next(iter(seeds), 0)} seed"
    count += "s" if len(seeds) == 1 and max(seeds) > 1 else ""
    said = f"{shown_as(metric).head}, mean of {count} a cell; darker is higher, each panel on its own scale"
    said += "; framed: the best of a panel, which need not be separated from its neighbours." if rest else "."
    if evidence.baseline:
        said += f" Beside a panel's name: {arms.named(evidence.baseline, evidence.words)}, which has neither."
    said += " Area: under the occlusion curve." if evidence.scale else ""
    said += arms.over_cameras(evidence)
    if rest > _MOST_ROWS:
        said += f" The first {_MOST_ROWS} of {rest} rows are drawn."
    return said
