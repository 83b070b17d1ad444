"""What may be wrong with motion data: one file a check, one line here, `run` for all of them. No torch.

A check is a function ``check(data: Examined) -> Iterator[Finding]``. It tells of each clip at most a few things, with
the frames, what is there and what was expected, and lets values pass that another check is about.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.errors import unknown

if TYPE_CHECKING:
    from harness.data.checks.examined import Examined, Finding

LINES = {
    "values": ("harness.data.checks.values", "NaN and infinity in positions, keypoints and scores"),
    "units": ("harness.data.checks.units", "lengths of no body in metres, keypoints that are no pixels, z not up"),
    "bones": ("harness.data.checks.bones", "bones whose length changes within a clip or between clips of a subject"),
    "teleports": ("harness.data.checks.teleports", "joints that are elsewhere from one frame to the next"),
    "sides": ("harness.data.checks.sides", "left and right exchanged, for some frames or throughout"),
    "cameras": ("harness.data.checks.cameras", "recorded cameras that can't have seen the person"),
    "detections": ("harness.data.checks.detections", "keypoints that aren't where the camera sees the joints"),
    "performers": ("harness.data.checks.performers", "one person on two sides of a split"),
    "lengths": ("harness.data.checks.lengths", "clips shorter than a window, and clips no frame of which is scored"),
}  # fmt: skip


def run(data: Examined, only: Iterable[str] | None = None) -> list[Finding]:
    """The findings of all checks, or of those named, in the order of `LINES` and of the clips.

    Raises:
        UserError: an unknown check.
    """
    chosen = list(LINES) if only is None else list(only)
    for name in chosen:
        if name not in LINES:
            raise unknown("check", name, LINES)
    return [found for name in LINES if name in chosen for found in importlib.import_module(LINES[name][0]).check(data)]
