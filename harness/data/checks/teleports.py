"""Joints that are elsewhere from one frame to the next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks.examined import Examined, Finding, length, numbers

_AROUND = 5
"""Steps on either side that say how fast a joint is on its way."""
_TIMES, _JUMP, _FPS = 2.0, 0.06, 50.0
"""A step may be so many times the median of those around it and so many metres more at this rate."""
_FASTEST = 25.0
"""Metres a second that no joint exceeds on any way."""


def check(data: Examined) -> Iterator[Finding]:
    """Per clip the frames to which a joint jumps: steps beside which all around them are small, or beyond all speed.

    What a body can do more within one frame grows with the square of its duration, as speed gained does.
    """
    for clip in data.metric:
        if len(clip) < 2:
            continue
        steps = np.linalg.norm(np.diff(numbers(clip.positions), axis=0), axis=-1)  # (F-1, J)
        around = _median_around(steps)
        room = _JUMP * max(1.0, (_FPS / clip.fps) ** 2)
        bad = (steps > _TIMES * around + room) | (steps > _FASTEST / clip.fps)  # NaN never is
        if not bad.any():
            continue
        at, joint = np.unravel_index(int(np.where(bad, steps, 0).argmax()), steps.shape)
        name, more = data.skeleton.joints[joint], int(bad.any(axis=0).sum()) - 1
        said = f"{name} moves by {length(steps[at, joint])} to frame {at + 1}, by {length(around[at, joint])} a frame "
        said += "around it"
        said += f" ({more} more joint{'s' if more > 1 else ''} in these frames)" if more else ""
        expected = f"at most {length(_TIMES * around[at, joint] + room)}"
        yield data.finding("teleports", said, expected, clip, np.concatenate([[False], bad.any(axis=1)]))


def _median_around(steps: np.ndarray) -> np.ndarray:
    """(F-1, J) the median of each step and those around it; at the ends the last one counts again."""
    padded = np.pad(steps, ((_AROUND, _AROUND), (0, 0)), mode="edge")
    found = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1, axis=0)
    return np.median(found, axis=-1)
