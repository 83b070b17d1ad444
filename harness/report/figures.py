"""Figures as SVG text: error against occlusion, paired differences, learning curves.

Readable in grey and by colour-blind readers: an arm has its colour (Okabe and Ito's palette), its
marker and its dashes. matplotlib is imported when the first figure is drawn.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report.records import Arm, Evidence
from harness.report.selection import Column, Key, Values, metric, values
from harness.report.statistics import Interval, Paired, paired_difference, t_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours without yellow, which is lost on white; darkest first.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)))
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
}
_MOST_ARMS = 12


def figures(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """File stem → (caption, SVG text) of every figure that the evidence can fill."""
    made = {}
    arms = sum(bool(arm.finished) for arm in evidence.arms)
    cut = f" The first {_MOST_ARMS} of {arms} arms are drawn." if arms > _MOST_ARMS else ""
    for name, (caption, draw) in {
        "occlusion": ("Error against test occlusion, with 95 % t-intervals over seeds.", occlusion),
        "difference": (
            "Paired differences to the baseline on common seeds, with 95 % t-intervals, each by itself: not corrected "
            "for their number.",
            forest,
        ),
        "learning": ("Validation error while training: one line a seed; grey: mean of the baseline arm.", learning),
    }.items():
        figure = draw(evidence)
        if figure is not None:
            made[name] = (caption + cut, _svg(figure, name))
    return made


def occlusion(evidence: Evidence) -> Figure | None:
    """MPJPE against the test level, a panel for each camera condition; None with a single level."""
    if len(evidence.levels) < 2:
        return None
    column = Column({"metric": "mpjpe"}, ("", ""))
    rows = (*evidence.axes, "cameras", "test_occlusion")
    found = values(evidence, rows, column)
    arms = _shown(evidence)
    figure, axes = _panels(1, len(evidence.cameras), 4.0, 3.4)
    for panel, cameras in zip(axes[0], evidence.cameras, strict=True):
        for i, arm in enumerate(arms):
            x, intervals = _along(evidence, found, arm, cameras)
            if not x:
                continue
            mean = np.array([interval.mean for interval in intervals])
            half = np.nan_to_num([interval.half for interval in intervals])
            # A small shift keeps markers of near-equal arms apart.
            at = np.array(x) + (i - (len(arms) - 1) / 2) * 0.03
            style = _style(i)
            panel.plot(at, mean, label=evidence.describe(arm), markersize=5, linewidth=1.4, **style)
            panel.fill_between(at, mean - half, mean + half, color=style["color"], alpha=0.13, linewidth=0)
        panel.set_xticks(range(len(evidence.levels)), evidence.levels)
        panel.set_xlabel("test occlusion")
        panel.set_title(f"{cameras} cameras", fontsize=9)
    axes[0][0].set_ylabel(metric("mpjpe").head)
    _legend(figure, axes[0][0])
    return figure


def forest(evidence: Evidence) -> Figure | None:
    """Paired differences of MPJPE: a panel for each level and camera condition; None without a baseline."""
    if not evidence.baseline:
        return None
    rows = (*evidence.axes, "cameras", "test_occlusion")
    found = values(evidence, rows, Column({"metric": "mpjpe"}, ("", "")))
    arms = [arm for arm in _shown(evidence) if any(arm.labels.get(a) != v for a, v in evidence.baseline.items())]
    if not arms:
        return None
    order = {id(arm): i for i, arm in enumerate(_shown(evidence))}
    paired = _differences(evidence, found, rows, arms)
    limit = _reach(paired, len(arms))
    figure, axes = _panels(
        len(evidence.cameras), len(evidence.levels), 2.3, 0.7 + 0.3 * len(arms), sharex=True, sharey=True
    )
    for line, cameras in zip(axes, evidence.cameras, strict=True):
        for panel, level in zip(line, evidence.levels, strict=True):
            panel.axvline(0, color="#555555", linewidth=0.8)
            for i, arm in enumerate(arms):
                if (i, cameras, level) in paired:
                    _forest_row(panel, -i, paired[i, cameras, level].difference, limit, _style(order[id(arm)]))
            panel.set_title(f"{level} · {cameras}" if len(evidence.cameras) > 1 else level, fontsize=9)
            panel.set_yticks([-i for i in range(len(arms))], [evidence.describe(arm) for arm in arms])
            panel.set_ylim(-len(arms) + 0.4, 0.6)
            panel.set_xlim(-limit, limit)
    named = " · ".join(evidence.baseline.values())
    signs = "left of 0: lower error; hollow: one seed; a number: off the scale"
    figure.supxlabel(f"difference to {named}, {metric('mpjpe').head} ({signs})", fontsize=9)
    return figure


def _differences(
    evidence: Evidence, found: Values, rows: tuple[str, ...], arms: Sequence[Arm]
) -> dict[tuple[int, str, str], Paired]:
    """(arm's number, cameras, level) → its paired difference to the baseline, where seeds are common."""
    paired = {}
    for (i, arm), cameras, level in itertools.product(enumerate(arms), evidence.cameras, evidence.levels):
        key = _key(evidence, arm, cameras, level)
        base = tuple(evidence.baseline.get(name, value) for name, value in zip(rows, key, strict=True))
        if key in found and base in found:
            pair = paired_difference(found[key], found[base])
            if pair.n:
                paired[i, cameras, level] = pair
    return paired


def _reach(paired: Mapping[tuple[int, str, str], Paired], arms: int) -> float:
    """Half of the forest's scale: what the arms need, less those that reach over four times the median arm's.

    A baseline that is far off would squeeze the arms one wants to compare into a point.
    """
    reaches = [0.0] * arms
    for (i, _, _), pair in paired.items():
        reaches[i] = max(reaches[i], abs(pair.difference.mean) + float(np.nan_to_num(pair.difference.half)))
    middle = float(np.median([reach for reach in reaches if reach > 0] or [1.0]))
    return 1.15 * max([reach for reach in reaches if reach <= 4 * middle] or [middle]) or 1.0


def _forest_row(panel: Any, y: float, difference: Interval, limit: float, style: dict) -> None:
    """One arm's difference with its interval; its number at the edge where it is off the scale."""
    if abs(difference.mean) > limit:
        right = difference.mean > 0
        text = f"{difference.mean:+.0f} ▸" if right else f"◂ {difference.mean:+.0f}"
        edge = 0.97 * limit if right else -0.97 * limit
        panel.text(edge, y, text, color=style["color"], ha="right" if right else "left", va="center", fontsize=8)
        return
    bar = None if np.isnan(difference.half) else [[difference.half]] * 2
    panel.errorbar(
        difference.mean,
        y,
        xerr=bar,
        fmt=style["marker"],
        color=style["color"],
        capsize=2.5,
        markersize=5,
        linewidth=1.3,
        markerfacecolor=style["color"] if bar else "white",
    )


def learning(evidence: Evidence) -> Figure | None:
    """Validation curves, a panel for each arm; None where no run left one."""
    arms = [arm for arm in _shown(evidence) if any(len(c) for c in _curves(evidence, arm))]
    if not arms:
        return None
    across = min(4, len(arms))
    figure, axes = _panels(-(-len(arms) // across), across, 2.4, 2.0, sharey=True)
    panels = [panel for line in axes for panel in line]
    order = {id(arm): i for i, arm in enumerate(_shown(evidence))}
    for panel, arm in zip(panels, arms, strict=False):
        base = next(
            (b for b in evidence.arms if evidence.baseline and b.labels == {**arm.labels, **evidence.baseline}), None
        )
        if base is not None and base is not arm:
            x, y = _mean_curve(_curves(evidence, base))
            panel.plot(x, y, color="#9a9a9a", linewidth=2.2, solid_capstyle="round")
        for points in _curves(evidence, arm):
            panel.plot(points[:, 0], points[:, 1], color=_style(order[id(arm)])["color"], linewidth=0.9)
        panel.set_title(evidence.describe(arm), fontsize=9)
    for panel in panels[len(arms) :]:
        panel.set_visible(False)
    figure.supxlabel("training step", fontsize=9)
    figure.supylabel("validation MPJPE, mm", fontsize=9)
    return figure


def _along(evidence: Evidence, found: Values, arm: Arm, cameras: str) -> tuple[list[int], list[Interval]]:
    x, intervals = [], []
    for i, level in enumerate(evidence.levels):
        key = _key(evidence, arm, cameras, level)
        if key in found:
            x.append(i)
            intervals.append(t_interval(list(found[key].values())))
    return x, intervals


def _key(evidence: Evidence, arm: Arm, cameras: str, level: str) -> Key:
    return (*(arm.labels[axis] for axis in evidence.axes), cameras, level)


def _curves(evidence: Evidence, arm: Arm) -> list[np.ndarray]:
    return [evidence.curves[r] for r in arm.runs.values() if len(evidence.curves.get(r, ()))]


def _mean_curve(curves: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Steps that all curves have, and the mean there."""
    if not curves:
        return np.empty(0), np.empty(0)
    steps = np.array(sorted(set.intersection(*(set(curve[:, 0]) for curve in curves))))
    return steps, np.mean([curve[np.isin(curve[:, 0], steps), 1] for curve in curves], axis=0)


def _shown(evidence: Evidence) -> Sequence[Arm]:
    """The first arms that left something: more than a dozen lines can't be told apart."""
    return [arm for arm in evidence.arms if arm.finished][:_MOST_ARMS]


def _style(i: int) -> dict:
    return {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
    }


def _panels(rows: int, columns: int, width: float, height: float, **shared: Any) -> tuple[Figure, Any]:
    import matplotlib
    from matplotlib.figure import Figure as New

    with matplotlib.rc_context(_STYLE):
        figure = New(figsize=(max(width * columns, 4.0), height * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **shared)
    return figure, axes


def _legend(figure: Figure, panel: Any) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        frameon=False,
        ncols=_legend_columns(figure, labels),
        handlelength=3.2,
        fontsize=8,
    )


def _legend_columns(figure: Figure, labels: list[str]) -> int:
    """As many as fit side by side: a letter of 8 points takes about 0.065 inches, the line before it 0.6."""
    widest = max((len(label) for label in labels), default=1)
    return max(1, min(4, len(labels), int(figure.get_figwidth() / (0.065 * widest + 0.6))))


def _svg(figure: Figure, salt: str) -> str:
    """SVG text that depends on the figure alone: no date, ids from a fixed salt, text kept as text."""
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
