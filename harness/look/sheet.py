"""Clips on one sheet: moments across, the person in space and what the network is given below each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.look.canvas import panels
from harness.look.sight import Sight
from harness.look.skeletons import TRUTH, body, frame, turned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = 6
WRONG, GIVEN = "#D55E00", "#0072B2"
_HIGH, WIDE = 1.35, 0.85  # inches, and their share that a panel is wide


def sheet(sights: Sequence[Sight]) -> Figure:
    """For each sight a row of poses and one of what is given for each of its levels, at six moments of the clip.

    Joints that the row's level hides are crossed circles (in the pose: those of the last level); what is reported in
    their place is an orange cross, and a thin line leads there.
    """
    rows = sum(1 + len(one.levels) for one in sights)
    figure, axes = panels(rows, MOMENTS + 1, WIDE * _HIGH, _HIGH)
    at = 0
    for one in sights:
        moments = np.linspace(0, len(one) - 1, MOMENTS + 2).round().astype(int)[1:-1]
        hidden = ~one.visible[one.levels[-1]]
        words(axes[at, 0], f"{one.clip}\n{one.action}\n{one.camera}\n{len(one)} frames, {one.fps:g} a second")
        for panel, moment in zip(axes[at, 1:], moments, strict=True):
            body(panel, turned(one.body[moment]), one.skeleton, TRUTH, hidden[moment])
            frame(panel, np.zeros(2), one.reach, WIDE)
            panel.set_title(f"frame {moment}{'' if one.scored[moment] else ', not scored'}", fontsize=7)
        for level in one.levels:
            at += 1
            share = 100 * (~one.visible[level]).mean()
            words(axes[at, 0], f"{level}\n{share:.0f} % hidden")
            for panel, moment in zip(axes[at, 1:], moments, strict=True):
                given(panel, one, level, moment)
        at += 1
    return figure


def words(panel: Any, text: str) -> None:
    """What a row shows, in the place of a panel."""
    panel.axis("off")
    panel.text(0, 0.5, text, fontsize=7, va="center", transform=panel.transAxes, wrap=True)


def given(panel: Any, one: Sight, level: str, at: int) -> None:
    """One frame as a camera sees it and as the network is given it."""
    image, seen, visible = one.image[at], one.seen[level][at], one.visible[level][at]
    middle, half = one.square(at)
    body(panel, image, one.skeleton, TRUTH, ~visible, seen=visible)
    for joints, colour, mark in ((visible, GIVEN, "."), (~visible, WRONG, "x")):
        lines = np.stack([image[joints], seen[joints], np.full_like(seen[joints], np.nan)], axis=1).reshape(-1, 2)
        panel.plot(lines[:, 0], lines[:, 1], color=colour, linewidth=0.5, alpha=0.7)
        panel.plot(*seen[joints].T, mark, color=colour, markersize=3.2, markeredgewidth=0.9, linestyle="none")
    frame(panel, middle, 1.15 * half, WIDE)
