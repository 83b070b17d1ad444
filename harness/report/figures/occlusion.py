"""Error against test occlusion, with bands over seeds."""

from __future__ import annotations

import numpy as np

from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, legend, line, panels
from harness.report.selection import Values
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, interval


def draw(evidence: Evidence, *, metric: str = "mpjpe") -> Sketch:
    """``metric`` against the test level, a panel for each camera condition.

    Raises:
        Unfilled: there is only one test level.
    """
    if len(evidence.levels) < 2:
        raise Unfilled("there is only one test level")
    rows = (*evidence.axes, "cameras", "test_occlusion")
    found = arms.measured(evidence, rows, metric=metric)
    drawn, styles = arms.shown(evidence), arms.styles(evidence)
    figure, axes = panels(1, len(evidence.cameras), 4.0, 3.4, sharey=True)
    for panel, cameras in zip(axes[0], evidence.cameras, strict=True):
        for i, arm in enumerate(drawn):
            x, intervals = _along(evidence, found, arm, cameras)
            if not x:
                continue
            # A small shift keeps markers of near-equal arms apart.
            at = np.array(x) + (i - (len(drawn) - 1) / 2) * 0.03
            line(panel, at, intervals, styles[id(arm)], arms.name(evidence, arm), among=len(drawn))
        panel.set_xticks(range(len(evidence.levels)), [arms.level_head(evidence, x) for x in evidence.levels])
        panel.set_xlabel(arms.heading(evidence, "test_occlusion"))
        panel.set_title(f"{arms.camera(evidence, cameras)} cameras", fontsize=9)
    axes[0][0].set_ylabel(shown_as(metric).head)
    legend(figure, axes[0][0])
    return Sketch(
        figure,
        f"{shown_as(metric).label} against test occlusion, with 95 % intervals over seeds." + arms.cut(evidence),
    )


def _along(evidence: Evidence, found: Values, arm: Arm, cameras: str) -> tuple[list[int], list[Interval]]:
    x, intervals = [], []
    for i, level in enumerate(evidence.levels):
        key = arms.key(evidence, arm, cameras, level)
        if key in found:
            x.append(i)
            intervals.append(interval(list(found[key].values())))
    return x, intervals
