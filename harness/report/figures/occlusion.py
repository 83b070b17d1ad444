"""Error against test occlusion, with bands over seeds."""

from __future__ import annotations

import numpy as np

from harness.occlusion.ladder import curves
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, legend, line, panels
from harness.report.selection import Values
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, seed_interval


def draw(evidence: Evidence, *, metric: str = "mpjpe") -> Sketch:
    """``metric`` against the test level, a panel for each camera condition, or for each of several processes.

    Raises:
        Unfilled: there is only one test level.
    """
    if len(evidence.levels) < 2:
        raise Unfilled("there is only one test level")
    rows = (*evidence.axes, "cameras", "test_occlusion")
    found = arms.measured(evidence, rows, metric=metric)
    drawn, styles = arms.shown(evidence), arms.styles(evidence)
    # Levels of one ladder are evenly spaced steps of one process; those of several are as many curves over severity.
    ladders: dict[str, dict[str, float]] = curves(evidence.levels)
    curved = ladders or {"": {level: float(i) for i, level in enumerate(evidence.levels)}}
    across, down = (len(curved), len(evidence.cameras)) if ladders else (len(evidence.cameras), 1)
    figure, axes = panels(down, across, 3.0 if ladders else 4.0, 3.4, sharey=True)
    panes = ((cameras, name) for cameras in evidence.cameras for name in curved)
    for panel, (cameras, name) in zip(axes.flat, panes, strict=True):
        places = curved[name]
        for i, arm in enumerate(drawn):
            x, intervals = _along(evidence, found, arm, cameras, places)
            if not x:
                continue
            # A small shift keeps markers of near-equal arms apart.
            spread = 0.01 if ladders else 0.03
            at = np.array(x) + (i - (len(drawn) - 1) / 2) * spread
            line(panel, at, intervals, styles[id(arm)], arms.name(evidence, arm), among=len(drawn))
        if ladders:
            panel.set_xticks(list(places.values()), [f"{place:g}" for place in places.values()])
            panel.set_xlabel("severity")
        else:
            panel.set_xticks(list(places.values()), [arms.level_head(evidence, x) for x in places])
            panel.set_xlabel(arms.heading(evidence, "test_occlusion"))
        shown = f"{arms.camera(evidence, cameras)} cameras"
        panel.set_title(f"{name}, {shown}" if ladders and down > 1 else name or shown, fontsize=9)
    for row in axes:
        row[0].set_ylabel(shown_as(metric).head)
    legend(figure, axes[0][0])
    against = "severity, a panel for each process" if ladders else "test occlusion"
    caption = f"{shown_as(metric).label} against {against}, with 95 % intervals over seeds."
    return Sketch(figure, caption + arms.cut(evidence))


def _along(
    evidence: Evidence, found: Values, arm: Arm, cameras: str, places: dict[str, float]
) -> tuple[list[float], list[Interval]]:
    x, intervals = [], []
    for level, place in places.items():
        key = arms.key(evidence, arm, cameras, level)
        if key in found:
            x.append(place)
            intervals.append(seed_interval(found[key], evidence.pilot))
    return x, intervals
