"""Two one-sided tests: the only way to say that two arms are equal, within a margin named before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from harness.report.statistics.intervals import checked, sd, t_interval, without_spread

ALPHA = 0.05


@dataclass(frozen=True)
class Equivalence:
    """What two one-sided t-tests at 5 % each say.

    Attributes:
        p: the larger of the two one-sided p-values; NaN with fewer than two differences or without spread.
        low90, high90: 90 % t interval, which lies within ±margin exactly where both tests reject.
        equivalent: whether it does.
        n: number of differences.
    """

    p: float
    low90: float
    high90: float
    equivalent: bool
    n: int


def equivalence(differences: Sequence[float] | np.ndarray, margin: float) -> Equivalence:
    """Whether the mean of independent differences lies within ±margin (Schuirmann 1987).

    Student's t at every n: the interval is one-sided in its use. Differences that are all equal are equivalent if
    they lie within the margin.

    Raises:
        ValueError: the margin isn't a positive number, or a difference is NaN.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"the margin must be a positive number, got {margin}")
    d = checked(differences, 1 - 2 * ALPHA)
    found = t_interval(d, 1 - 2 * ALPHA)
    if d.size < 2:
        return Equivalence(math.nan, math.nan, math.nan, False, d.size)
    if without_spread(d):
        return Equivalence(math.nan, found.low, found.high, abs(found.mean) < margin, d.size)
    t = (margin - abs(found.mean)) / (sd(d) / math.sqrt(d.size))
    p = float(stdtr(d.size - 1, -t))
    return Equivalence(p, found.low, found.high, p < ALPHA, d.size)
