"""The area under the occlusion curve: one number a run, the primary endpoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def curve_area(severity: Sequence[float], values: Sequence[float]) -> float:
    """Area under values against severity by the trapezoid rule, over the range of severities: a mean, in mm.

    Args:
        severity: positions of the levels, in any order, no two equal.
        values: the measure at each of them.
    Raises:
        ValueError: unequal lengths, fewer than two levels, two at one severity, or a NaN.
    """
    x, y = np.asarray(list(severity), dtype=float), np.asarray(list(values), dtype=float)
    if x.size != y.size:
        raise ValueError(f"{x.size} severities but {y.size} values")
    if x.size < 2:
        raise ValueError("an area needs two levels or more")
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("a severity or a value is NaN; an area needs all of its levels")
    order = np.argsort(x)
    x, y = x[order], y[order]
    widths = np.diff(x)
    if (widths <= 0).any():
        raise ValueError("two levels stand at one severity")
    return float(np.sum(widths * (y[1:] + y[:-1]) / 2) / (x[-1] - x[0]))
