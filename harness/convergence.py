"""Had a run converged? Read off its validation curve: how far the last fifth of the steps lowered the lowest error.

The lowest error is what the epoch is chosen by. A slope over the last fifth was tried first: it takes a bump that is
over for progress, and misses progress under noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

SHARE = 0.005
"""A run counts as still falling if the last fifth of its steps lowered its lowest error by more than this share."""


def late_gain(curve: Iterable[Sequence[float]]) -> float:
    """By how much the last fifth of the steps lowered the lowest validation error.

    Args:
        curve: (step, MPJPE in mm) of every point; the last step is the run's.
    Returns:
        mm, 0 or more; NaN with no point in the last fifth, or none before it.
    """
    points = np.array(list(curve), dtype=float).reshape(-1, 2)
    if len(points) < 2:
        return float("nan")
    step, error = points.T
    early = step <= 0.8 * step.max() + 0.5  # the ends of epochs are rounded to whole steps
    return float(error[early].min() - error.min()) if early.any() else float("nan")


def falling(gain: float, error: float) -> bool:
    """Whether a run was still falling when training ended.

    Args:
        gain: mm, see `late_gain`; not told by NaN.
        error: its lowest validation error, mm.
    """
    return bool(gain > SHARE * error)
