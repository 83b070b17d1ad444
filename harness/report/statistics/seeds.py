"""How many seeds a statement needs, from the spread of paired differences in a pilot."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from harness.report.statistics.intervals import LEVEL
from harness.report.statistics.paired import MIN_PAIRS
from harness.report.statistics.skew import usual_widening

MOST_SEEDS = 1_000_000


def seeds_needed(
    sd: float,
    *,
    effect: float | None = None,
    halfwidth: float | None = None,
    margin: float | None = None,
    power: float = 0.8,
    level: float = LEVEL,
) -> int:
    """The smallest number of seed pairs that does what is asked of it: one of the three, in the unit of ``sd``.

    Args:
        sd: standard deviation of the paired differences.
        effect: true difference that a two-sided t-test at 1 − level finds with probability ``power`` (noncentral t).
        halfwidth: half-width of the t interval at this sd.
        margin: margin within which two one-sided t-tests at (1 − level) / 2 each find equivalence with probability
            ``power`` where the true difference is 0.
        power, level: both between 0 and 1.
        All three with the room for skew that the report's intervals and tests take of normal values.
    Returns:
        3 or more for a test, 2 for an interval; `MOST_SEEDS` where it would be more, which says: out of reach.
    Raises:
        ValueError: not exactly one question, an sd or a size that is negative or NaN, or a power or level out of range.
    """
    asked = [size for size in (effect, halfwidth, margin) if size is not None]
    if len(asked) != 1:
        raise ValueError("exactly one of effect, halfwidth and margin is needed")
    size = abs(asked[0]) if effect is not None else asked[0]
    if not sd >= 0 or not size >= 0:
        raise ValueError(f"the sd and the size must be 0 or more, got {sd} and {asked[0]}")
    if not 0 < power < 1 or not 0 < level < 1:
        raise ValueError(f"power and level must lie between 0 and 1, got {power} and {level}")
    if size == 0:
        return MOST_SEEDS
    if sd == 0:
        return 2 if halfwidth is not None else MIN_PAIRS
    ratio = size / sd
    if effect is not None:
        return _smallest(lambda n: _power(n, ratio, level) >= power)
    if halfwidth is not None:
        return _smallest(lambda n: _critical(n, level) / math.sqrt(n) <= ratio)
    return _smallest(lambda n: _equivalence_power(n, ratio, level) >= power)


def _smallest(enough: Callable[[int], bool]) -> int:
    """The smallest n from 2 on that is enough; more is always enough where less is."""
    low, high = 1, 2
    while not enough(high):
        if high >= MOST_SEEDS:
            return MOST_SEEDS
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _power(n: int, ratio: float, level: float) -> float:
    """Power of the two-sided paired t-test at ``ratio`` = true difference / sd: two tails of a noncentral t.

    None under three pairs, which aren't tested. By integration, as scipy.special.nctdtr gives NaN in far tails.
    """
    if n < MIN_PAIRS:
        return 0.0
    critical, shift = _critical(n, level) * _spreads(n), ratio * math.sqrt(n)
    return float(np.mean(ndtr(shift - critical) + ndtr(-shift - critical)))


def _equivalence_power(n: int, ratio: float, level: float) -> float:
    """Chance that both one-sided tests reject at a true difference of 0."""
    if n < MIN_PAIRS:
        return 0.0
    room = ratio * math.sqrt(n) - _critical(n, level) * _spreads(n)
    return float(np.mean(np.maximum(2 * ndtr(room) - 1, 0.0)))


def _critical(n: int, level: float) -> float:
    """What the statistic must reach: Student's quantile with the usual room for skew."""
    return float(stdtrit(n - 1, (1 + level) / 2)) * usual_widening(n)


def _spreads(n: int) -> np.ndarray:
    """What the sd of ``n`` normal values turns out to be, over the true one: 2,000 equally likely values."""
    upper_tail = (np.arange(2_000) + 0.5) / 2_000
    return np.sqrt(chdtri(n - 1, upper_tail) / (n - 1))
