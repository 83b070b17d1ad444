"""Had a run converged? Read off the validation curve over the last fifth of the steps."""

from __future__ import annotations

import numpy as np

from harness.training.state import Curve

FALLING_SHARE = 0.005
"""A run counts as still falling if another fifth at the same slope would lower its error by more
than this share."""


def slope(curves: list[Curve], steps: int) -> tuple[float, bool]:
    """Slope of the validation MPJPE over the last fifth of the steps.

    Args:
        curves: all points of the run; ``val_mpjpe`` is read.
        steps: the run's number of steps.
    Returns:
        slope in mm per 1,000 steps by least squares (NaN with fewer than two points in the last
        fifth), and whether the run was still falling.
    """
    points = [(step, value) for name, step, value in curves if name == "val_mpjpe" and step >= 0.8 * steps - 0.5]
    if len(points) < 2:
        return float("nan"), False
    x, y = np.array(points, dtype=float).T
    rate = float(np.polyfit(x - x.mean(), y, 1)[0])
    return rate * 1000.0, -rate * steps / 5.0 > FALLING_SHARE * float(y[-1])
