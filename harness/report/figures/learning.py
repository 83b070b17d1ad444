"""Validation error while training."""

from __future__ import annotations

import numpy as np

from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import GREY, Sketch, Unfilled, panels, title


def draw(evidence: Evidence) -> Sketch:
    """Validation curves, a panel for each arm.

    Raises:
        Unfilled: no run left a curve.
    """
    drawn = [arm for arm in arms.shown(evidence) if _curves(evidence, arm)]
    if not drawn:
        raise Unfilled("no run left a validation curve")
    across = min(4, len(drawn))
    figure, axes = panels(-(-len(drawn) // across), across, 2.4, 2.0, sharey=True)
    every = [panel for line in axes for panel in line]
    styles = arms.styles(evidence)
    for panel, arm in zip(every, drawn, strict=False):
        base = evidence.baseline_of(arm)
        if base is not None:
            x, y = arms.mean_curve(_curves(evidence, base))
            panel.plot(x, y, color=GREY, linewidth=2.2, solid_capstyle="round")
        for points in _curves(evidence, arm):
            panel.plot(points[:, 0], points[:, 1], color=styles[id(arm)]["color"], linewidth=0.9)
        title(panel, arms.name(evidence, arm))
    for panel in every[len(drawn) :]:
        panel.set_visible(False)
    figure.supxlabel("training step", fontsize=9)
    figure.supylabel("validation MPJPE, mm", fontsize=9)
    caption = "Validation error while training: one line a seed; grey: mean of the baseline arm."
    return Sketch(figure, caption + arms.cut(evidence))


def _curves(evidence: Evidence, arm: Arm) -> list[np.ndarray]:
    """Of the arm's runs; one point, as methods solved at once leave, is no curve."""
    return [evidence.curves[r] for r in arm.runs.values() if len(evidence.curves.get(r, ())) > 1]
