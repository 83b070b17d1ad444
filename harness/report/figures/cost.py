"""Accuracy against what a prediction costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.report import costs
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import GREY, Sketch, Unfilled, legend, panels, style
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, seed_interval
from harness.report.words import Labels

_APART = 0.07
"""Of the panel's width, between neighbouring names: two lines of small print, slanted."""


def draw(evidence: Evidence, *, metric: str = "mpjpe", level: str | None = None) -> Sketch:
    """``metric`` at ``level`` (the area under the occlusion curve without it) against MACs of a predicted frame.

    Raises:
        Unfilled: costs weren't counted, or all arms cost the same.
        UserError: there is no such level.
    """
    level = arms.level(evidence, level, arms.endpoint(evidence))
    macs = {id(arm): cost for arm in evidence.arms if arm.finished and (cost := _macs(evidence, arm)) > 0}
    if not macs:
        raise Unfilled("nobody counted the multiplications of these networks")
    if len(set(macs.values())) < 2:
        raise Unfilled("all arms cost the same")
    found = arms.measured(evidence, evidence.axes, metric=metric, test_occlusion=level)
    points = [
        (arm, macs[id(arm)], seed_interval(found[key], evidence.pilot))
        for arm in evidence.arms
        if id(arm) in macs and (key := arms.key(evidence, arm)) in found
    ]
    paying = _paying(evidence, macs)
    figure, ((panel,),) = panels(1, 1, 5.2, 4.2)
    groups: dict[str, list[tuple[Arm, float, Interval]]] = {}
    for point in points:
        labels = {axis: v for axis, v in point[0].labels.items() if axis in evidence.printed and axis not in paying}
        groups.setdefault(arms.named(labels, evidence.words), []).append(point)
    for i, (label, members) in enumerate(list(groups.items())[: arms.MOST]):
        # A small shift keeps arms of one cost apart.
        shift = 1.02 ** (i - (min(len(groups), arms.MOST) - 1) / 2)
        _points(panel, label, [(cost * shift, one) for _, cost, one in members], style(i))
    for steps in {arm.steps for arm, _, _ in points}:
        _front(panel, [point for point in points if point[0].steps == steps], shown_as(metric).better)
    panel.set_xscale("log")
    panel.margins(x=0.14, y=0.16)
    _names(panel, points, paying, evidence.words)
    panel.set_xlabel("multiply–accumulates a predicted frame")
    panel.set_ylabel(f"{shown_as(metric).head}, {arms.level_head(evidence, level)}")
    if len(groups) > 1:
        legend(figure, panel)
    return Sketch(figure, _caption(evidence, metric, level, len(groups)))


def _macs(evidence: Evidence, arm: Arm) -> float:
    return float(costs.of_arm(evidence, arm).get("macs", 0.0))


def _paying(evidence: Evidence, macs: Mapping[int, float]) -> list[str]:
    """The axes on which the cost depends: where two arms that differ in nothing else cost differently."""
    found = []
    for axis in evidence.axes:
        found_at: dict[tuple, set[float]] = {}
        for arm in evidence.arms:
            if id(arm) in macs:
                rest = tuple(value for name, value in arm.labels.items() if name != axis)
                found_at.setdefault(rest, set()).add(macs[id(arm)])
        if any(len(several) > 1 for several in found_at.values()):
            found.append(axis)
    return found


def _points(panel: Any, label: str, points: list[tuple[float, Interval]], look: dict) -> None:
    for i, (cost, one) in enumerate(sorted(points, key=lambda point: point[0])):
        panel.errorbar(
            cost,
            one.mean,
            yerr=None if one.n < 2 else [[one.mean - one.low], [one.high - one.mean]],
            fmt=look["marker"],
            color=look["color"],
            markerfacecolor="white" if one.n < 2 else look["color"],
            capsize=2.5,
            markersize=6,
            linewidth=1.2,
            label=label if i == 0 else None,
        )


def _front(panel: Any, points: list[tuple[Arm, float, Interval]], better: str | None) -> None:
    """A step line through the arms that nothing cheaper beats."""
    if better is None:
        return
    sign = 1 if better == "lower" else -1
    front: list[tuple[float, float]] = []
    for _, cost, one in sorted(points, key=lambda point: (point[1], sign * point[2].mean)):
        if not front or sign * one.mean < sign * front[-1][1]:
            front.append((cost, one.mean))
    x, y = zip(*front, strict=True)
    panel.step(x, y, where="post", color=GREY, linewidth=1.2, zorder=0)


def _names(panel: Any, points: list[tuple[Arm, float, Interval]], paying: list[str], words: Labels) -> None:
    """What costs so much, written once above the panel, with a line down to the highest of the arms that cost it."""
    tops: dict[str, tuple[float, float]] = {}
    for arm, cost, one in points:
        name = arms.named({axis: arm.labels[axis] for axis in paying}, words)
        top = one.mean if np.isnan(one.high) else one.high
        if name not in tops or top > tops[name][1]:
            tops[name] = (cost, top)
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    named = sorted(tops.items(), key=lambda item: item[1][0])
    at = [float(np.log(cost / left) / np.log(right / left)) for _, (cost, _) in named]
    thin = {"color": GREY, "linewidth": 0.6}
    for (name, (cost, top)), place, text in zip(named, at, spread(at, _APART), strict=True):
        panel.plot([cost, cost], [top, high], linestyle=":", zorder=0, **thin)
        panel.plot([place, text], [1, 1.05], transform=panel.transAxes, clip_on=False, **thin)
        panel.text(text, 1.06, name, transform=panel.transAxes, rotation=40, rotation_mode="anchor", fontsize=8)
    panel.set(xlim=(left, right), ylim=(low, high))


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Sorted ``places`` between 0 and 1, moved as little as possible (in squares) so that neighbours are ``gap`` apart.

    Where too many stand there, the gap is what fits.
    """
    gap = min(gap, 1 / max(1, len(places) - 1))
    # Less their rank's share, places must only not fall: neighbours that would are pooled at their mean.
    pools: list[tuple[float, int]] = []
    for i, place in enumerate(places):
        mean, size = place - i * gap, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    most = 1 - gap * (len(places) - 1)
    level = [min(max(mean, 0.0), most) for mean, size in pools for _ in range(size)]
    return [value + i * gap for i, value in enumerate(level)]


def _caption(evidence: Evidence, metric: str, level: str, groups: int) -> str:
    said = (
        f"{shown_as(metric).label}, {arms.level_words(evidence, level)}, against the multiply–accumulate operations "
        "of one predicted frame, with 95 % intervals over seeds. Hollow: one seed. Grey: the best for its cost or less "
        "among arms trained equally long; what lies beside it need not be separated. Methods without a count are "
        "left out."
    )
    said += arms.over_cameras(evidence)
    return said + (f" The first {arms.MOST} of {groups} groups are drawn." if groups > arms.MOST else "")
