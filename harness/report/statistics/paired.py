"""Two arms compared pair by pair: interval, tests, size of the effect."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, stdtr

from harness.report.statistics.intervals import LEVEL, Interval, interval, sd, without_spread, without_spreads
from harness.report.statistics.sign_flip import sign_flip
from harness.report.statistics.skew import lopsided, widening
from harness.report.statistics.two_stage import pilot_first, two_stage_p

MIN_PAIRS = 3
"""Two differences show no skew: where they are skewed, a t-test of two finds 5.7 % false positives."""
TWO_PAIRS = "p, p_sign_flip: two pairs"
EQUAL, SKEWED = "p: equal differences", "p_sign_flip: skewed differences"
PILOT = "p_sign_flip: seeds fixed by the differences"


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
        left_out: which of the two p-values isn't there, and why: `TWO_PAIRS`, `EQUAL`, `SKEWED` or `PILOT`; empty where
            both are there, and where there is no pair or a single one.
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


def paired_difference(
    a: Mapping[int, float], b: Mapping[int, float], level: float = LEVEL, pilot: Collection[int] = ()
) -> Paired:
    """Compare ``a`` with ``b`` pair by pair: key (seed) → value on each side.

    Pairing removes what both sides share (data order, test cameras and masks), so the interval is
    that of the difference. Only common keys count; the others are named in the result.

    Args:
        a, b: key → value.
        level: of the interval.
        pilot: keys of the pilot that fixed how many there are: their differences alone tell the spread (`two_stage`),
            and no sign-flip test is made, for which their number would have to be fixed without them. Else empty.
    Raises:
        ValueError: a value of a common key is NaN, or the level isn't between 0 and 1.
    """
    common = [key for key in a if key in b]
    unpaired = tuple(key for key in (*a, *b) if (key in a) != (key in b))
    ordered, first = pilot_first({key: a[key] - b[key] for key in common}, pilot)
    differences = np.array(ordered, dtype=float)
    found = interval(differences, level, first)
    n = differences.size
    told = np.round(differences, 9)  # beyond that only the order tells in which values were averaged
    lower = float(np.mean((told < 0) + 0.5 * (told == 0))) if n else math.nan
    p, p_sign_flip, left_out = _tests(differences, first)
    effect = math.nan if math.isnan(p) else found.mean / sd(differences[:first]) * hedges(n if first is None else first)
    return Paired(found, p, p_sign_flip, effect, lower, unpaired, left_out)


def _tests(differences: np.ndarray, pilot: int | None) -> tuple[float, float, str]:
    """p of the t-test, p of the sign-flip test, and why one isn't there."""
    telling = differences.size if pilot is None else pilot
    if telling < MIN_PAIRS:
        return math.nan, math.nan, TWO_PAIRS if telling == 2 else ""
    p = paired_p(differences, pilot)
    if pilot is not None:
        return p, math.nan, f"{EQUAL}; {PILOT}" if math.isnan(p) else PILOT
    if math.isnan(p):
        return p, sign_flip(differences), EQUAL
    if lopsided(differences):
        return p, math.nan, SKEWED
    return p, sign_flip(differences), ""


def paired_p(differences: Sequence[float] | np.ndarray, pilot: int | None = None) -> float:
    """Two-sided p-value of the t-test that the mean difference is 0, with room for skew.

    The t statistic is divided by `widening`, which the interval of few differences is multiplied with: the two agree.
    NaN with fewer than three differences (`MIN_PAIRS`), and where all are equal: two deterministic baselines leave no
    variance to test against. Of the first ``pilot`` differences all of this, where a pilot fixed their number.
    """
    return float(paired_ps([differences], [pilot])[0])


def paired_ps(many: Sequence[Sequence[float] | np.ndarray], pilots: Sequence[int | None]) -> np.ndarray:
    """`paired_p` of each: those of equal number, without a pilot, at once."""
    found = np.full(len(many), math.nan)
    alike: dict[int, list[int]] = {}
    for i, (differences, pilot) in enumerate(zip(many, pilots, strict=True)):
        if pilot is None:
            alike.setdefault(len(differences), []).append(i)
            continue
        d = np.asarray(differences, dtype=float)
        if d[:pilot].size >= MIN_PAIRS and not without_spread(d[:pilot]):
            found[i] = two_stage_p(d, pilot)
    for n, places in alike.items():
        if n < MIN_PAIRS:
            continue
        d = np.array([many[i] for i in places], dtype=float)
        spreads = d.std(axis=1, ddof=1)
        means = np.array([math.fsum(row) for row in d.tolist()]) / n
        varied = ~without_spreads(d)
        t = np.abs(means) / np.where(varied, spreads, 1.0) * math.sqrt(n)
        found[places] = np.where(varied, 2 * stdtr(n - 1, -t / widening(d)), math.nan)
    return found


def hedges(n: int) -> float:
    """Factor that makes d_z of ``n`` pairs unbiased for normal differences; NaN below three pairs.

    Γ(m/2) / (√(m/2) Γ((m − 1)/2)) with m = n − 1 degrees of freedom (Hedges 1981, equation 6e).
    """
    m = n - 1
    if m < 2:
        return math.nan
    return math.exp(float(gammaln(m / 2) - gammaln((m - 1) / 2))) / math.sqrt(m / 2)
