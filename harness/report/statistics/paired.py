"""Two arms compared pair by pair: interval, tests, size of the effect."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy.special import gammaln, stdtr

from harness.report.statistics.intervals import LEVEL, Interval, interval, sd, without_spread
from harness.report.statistics.sign_flip import sign_flip
from harness.report.statistics.skew import lopsided, widening

MIN_PAIRS = 3
"""Two differences show no skew: where they are skewed, a t-test of two finds 5.7 % false positives."""
TWO_PAIRS = "p, p_sign_flip: two pairs"
EQUAL, SKEWED = "p: equal differences", "p_sign_flip: skewed differences"
Pairing = TypeVar("Pairing", bound=Hashable)


@dataclass(frozen=True)
class Paired:
    """The mean difference a − b over common keys (seeds), with its interval and tests.

    Attributes:
        difference: interval of the differences; its ``n`` is the number of pairs.
        p: two-sided paired t-test with room for skew (`paired_p`); NaN with fewer than three pairs, and when all
            differences are equal.
        p_sign_flip: two-sided sign-flip test; NaN with fewer than three pairs, and where the differences look skewed
            (`lopsided`), as it takes them for symmetric.
        effect: mean difference over the sd of the differences, d_z, times Hedges' correction for few pairs
            (`hedges`); NaN with fewer than three pairs, for which d_z has no expectation, and where p is NaN.
        improvement: probability of improvement: the share of pairs in which a is *lower* than b, ties one half; the
            complement where higher is better. NaN without pairs.
        unpaired: keys that only one side has; they enter nothing.
        left_out: which of the two p-values isn't there, and why: `TWO_PAIRS`, `EQUAL` or `SKEWED`; empty where both are
            there, and where there is no pair or a single one.
    """

    difference: Interval
    p: float
    p_sign_flip: float
    effect: float
    improvement: float
    unpaired: tuple[Any, ...] = ()
    left_out: str = ""

    @property
    def n(self) -> int:
        return self.difference.n


def paired_difference(a: Mapping[Pairing, float], b: Mapping[Pairing, float], level: float = LEVEL) -> Paired:
    """Compare ``a`` with ``b`` pair by pair: key (seed) → value on each side.

    Pairing removes what both sides share (data order, test cameras and masks), so the interval is
    that of the difference. Only common keys count; the others are named in the result.

    Raises:
        ValueError: a value of a common key is NaN, or the level isn't between 0 and 1.
    """
    common = [key for key in a if key in b]
    unpaired = tuple(key for key in (*a, *b) if (key in a) != (key in b))
    differences = np.array([a[key] - b[key] for key in common], dtype=float)
    found = interval(differences, level)
    n = differences.size
    lower = float(np.mean((differences < 0) + 0.5 * (differences == 0))) if n else math.nan
    p, p_sign_flip, left_out = _tests(differences)
    effect = math.nan if math.isnan(p) else found.mean / sd(differences) * hedges(n)
    return Paired(found, p, p_sign_flip, effect, lower, unpaired, left_out)


def _tests(differences: np.ndarray) -> tuple[float, float, str]:
    """p of the t-test, p of the sign-flip test, and why one isn't there."""
    if differences.size < MIN_PAIRS:
        return math.nan, math.nan, TWO_PAIRS if differences.size == 2 else ""
    p = paired_p(differences)
    if math.isnan(p):
        return p, sign_flip(differences), EQUAL
    if lopsided(differences):
        return p, math.nan, SKEWED
    return p, sign_flip(differences), ""


def paired_p(differences: Sequence[float] | np.ndarray) -> float:
    """Two-sided p-value of the t-test that the mean difference is 0, with room for skew.

    The t statistic is divided by `widening`, which the interval of few differences is multiplied with: the two agree.
    NaN with fewer than three differences (`MIN_PAIRS`), and where all are equal: two deterministic baselines leave no
    variance to test against.
    """
    d = np.asarray(differences, dtype=float)
    if d.size < MIN_PAIRS or without_spread(d):
        return math.nan
    t = abs(math.fsum(d) / d.size) / sd(d) * math.sqrt(d.size)
    return 2 * float(stdtr(d.size - 1, -t / float(widening(d))))


def hedges(n: int) -> float:
    """Factor that makes d_z of ``n`` pairs unbiased for normal differences; NaN below three pairs.

    Γ(m/2) / (√(m/2) Γ((m − 1)/2)) with m = n − 1 degrees of freedom (Hedges 1981, equation 6e).
    """
    m = n - 1
    if m < 2:
        return math.nan
    return math.exp(float(gammaln(m / 2) - gammaln((m - 1) / 2))) / math.sqrt(m / 2)
