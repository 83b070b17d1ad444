"""Forest plot: each arm's paired difference to the baseline with its interval."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.area import CURVE
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, panels, title
from harness.report.selection import Values
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, Paired, paired_difference


def draw(evidence: Evidence, *, metric: str = "mpjpe") -> Sketch:
    """Paired differences of ``metric``: a panel for each level and camera condition.

    Raises:
        Unfilled: no baseline is named, or there is no other arm.
    """
    if not evidence.baseline:
        raise Unfilled("the spec names no baseline (report.baseline)")
    rows = (*evidence.axes, "cameras", "test_occlusion")
    levels = [*([CURVE] if evidence.scale else []), *evidence.levels]
    found = arms.measured(evidence, rows, metric=metric, test_occlusion=levels)
    compared = [arm for arm in arms.shown(evidence) if not evidence.is_baseline(arm)]
    if not compared:
        raise Unfilled("no arm but the baseline is finished")
    styles = arms.styles(evidence)
    paired = _differences(evidence, found, compared, levels)
    if not paired:
        raise Unfilled("no arm shares a seed with its baseline")
    limit = _reach(paired, len(compared))
    figure, axes = panels(len(evidence.cameras), len(levels), 2.1, 0.7 + 0.3 * len(compared), sharex=True, sharey=True)
    for line, cameras in zip(axes, evidence.cameras, strict=True):
        for panel, level in zip(line, levels, strict=True):
            panel.axvline(0, color="#555555", linewidth=0.8)
            for i, arm in enumerate(compared):
                if (i, cameras, level) in paired:
                    _row(panel, -i, paired[i, cameras, level].difference, limit, styles[id(arm)])
            head = arms.level_head(evidence, level)
            title(panel, f"{head} · {arms.camera(evidence, cameras)}" if len(evidence.cameras) > 1 else head)
            panel.set_yticks([-i for i in range(len(compared))], [arms.name(evidence, arm) for arm in compared])
            panel.set_ylim(-len(compared) + 0.4, 0.6)
            panel.set_xlim(-limit, limit)
    named = arms.named(evidence.baseline, evidence.words)
    better = {"lower": "left of 0: better; ", "higher": "right of 0: better; "}.get(shown_as(metric).better or "", "")
    signs = f"{better}hollow: one seed; a number: off the scale"
    figure.supxlabel(f"difference to {named}, {shown_as(metric).head} ({signs})", fontsize=9)
    caption = (
        "Paired differences to the baseline on common seeds, with 95 % intervals, each by itself: not corrected "
        "for their number."
    )
    if evidence.scale:
        caption += " Area: under the occlusion curve, all levels in one number."
    return Sketch(figure, caption + arms.cut(evidence))


def _differences(
    evidence: Evidence, found: Values, compared: Sequence[Arm], levels: Sequence[str]
) -> dict[tuple[int, str, str], Paired]:
    """(arm's number, cameras, level) → its paired difference to the baseline, where seeds are common."""
    paired = {}
    bases = [evidence.baseline_of(arm) for arm in compared]
    for (i, arm), cameras, level in itertools.product(enumerate(compared), evidence.cameras, levels):
        base = bases[i]
        own = found.get(arms.key(evidence, arm, cameras, level), {})
        other = found.get(arms.key(evidence, base, cameras, level), {}) if base else {}
        if own.keys() & other.keys():
            paired[i, cameras, level] = paired_difference(own, other, pilot=evidence.pilot)
    return paired


def _reach(paired: Mapping[tuple[int, str, str], Paired], count: int) -> float:
    """Half of the forest's scale: what the arms need, less those that reach over four times the median arm's.

    A baseline that is far off would squeeze the arms one wants to compare into a point.
    """
    reaches = [0.0] * count
    for (i, _, _), pair in paired.items():
        ends = [pair.difference.mean, pair.difference.low, pair.difference.high]
        reaches[i] = max(reaches[i], float(np.nanmax(np.abs(ends))))
    middle = float(np.median([reach for reach in reaches if reach > 0] or [1.0]))
    return 1.15 * max([reach for reach in reaches if reach <= 4 * middle] or [middle]) or 1.0


def _row(panel: Any, y: float, difference: Interval, limit: float, look: dict) -> None:
    """One arm's difference with its interval; its number at the edge where it is off the scale."""
    if abs(difference.mean) > limit:
        right = difference.mean > 0
        text = f"{difference.mean:+.0f} ▸" if right else f"◂ {difference.mean:+.0f}"
        edge = 0.97 * limit if right else -0.97 * limit
        panel.text(edge, y, text, color="#444444", ha="right" if right else "left", va="center", fontsize=8)
        return
    alone = bool(np.isnan(difference.low))
    panel.errorbar(
        difference.mean,
        y,
        xerr=None if alone else [[difference.mean - difference.low], [difference.high - difference.mean]],
        fmt=look["marker"],
        color=look["color"],
        capsize=2.5,
        markersize=5,
        linewidth=1.3,
        markerfacecolor="white" if alone else look["color"],
    )
