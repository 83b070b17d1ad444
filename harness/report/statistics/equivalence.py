"""Two one-sided tests: the only way to say that two arms are equal, within a margin named before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from harness.report.statistics import two_stage
from harness.report.statistics.intervals import LEVEL, checked, interval, sd, widened_interval, without_spread
from harness.report.statistics.paired import MIN_PAIRS
from harness.report.statistics.skew import widening

ALPHA = (1 - LEVEL) / 2
"""Of each of the two tests. At the usual 5 %, differences of skewness 1 are called equal in 9–10 % of the studies in
which they lie at the margin, at 2.5 % in 5 % (docs/statistics.md)."""


@dataclass(frozen=True)
class Equivalence:
    """What two one-sided t-tests at 2.5 % each say.

    Attributes:
        p: the larger of the two one-sided p-values; NaN with fewer than three differences or without spread.
        low, high: 95 % t interval with room for skew, which from three differences on lies within ±margin exactly
            where both tests reject.
        equivalent: whether it does.
        n: number of differences.
    """

    p: float
    low: float
    high: float
    equivalent: bool
    n: int


def equivalence(differences: Sequence[float] | np.ndarray, margin: float, pilot: int | None = None) -> Equivalence:
    """Whether the mean of independent differences lies within ±margin (Schuirmann 1987).

    The widened t interval at every n: that of the bootstrap has no p-value. Three differences or more that are all
    equal are equivalent if they lie within the margin; fewer never are. Where a pilot fixed the number of differences,
    the first ``pilot`` of them are what must be three or more, and tell the spread (`two_stage`).

    Raises:
        ValueError: the margin isn't a positive number, or a difference is NaN.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"the margin must be a positive number, got {margin}")
    d = checked(differences, LEVEL)
    found = widened_interval(d) if pilot is None else interval(d, LEVEL, pilot)
    telling = d[:pilot]
    if telling.size < MIN_PAIRS:
        return Equivalence(math.nan, found.low, found.high, False, d.size)
    if without_spread(telling):
        return Equivalence(math.nan, found.low, found.high, abs(found.mean) < margin, d.size)
    if pilot is None:
        error = sd(d) / math.sqrt(d.size) * float(widening(d))
    else:
        error = float(two_stage.errors(telling, d.size))
    p = float(stdtr(telling.size - 1, -(margin - abs(found.mean)) / error))
    return Equivalence(p, found.low, found.high, p < ALPHA, d.size)
