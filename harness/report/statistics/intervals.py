"""Intervals of a mean over independent values: t with room for skew at small n, studentised bootstrap beyond.

A percentile bootstrap covers far less than it says at a few seeds, and less than 95 % even at thirty; it isn't offered.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# scipy.stats costs a second to import; scipy.special holds the few functions that are needed.
from scipy.special import stdtrit

from harness.report.statistics import two_stage
from harness.report.statistics.skew import widening

LEVEL = 0.95
STUDENTISED_FROM = 15
"""Below it the bootstrap covers more than 97 % where tails are heavy (docs/statistics.md), and t 96–97 %."""
RESAMPLES = 9_998  # even: each resample has its mirror image


@dataclass(frozen=True)
class Interval:
    """A mean with a two-sided interval.

    Attributes:
        mean: arithmetic mean of the values; NaN without values.
        low, high: ends; NaN where undefined.
        n: number of values (of subjects, where the interval speaks of new subjects).
        method: ``t``, ``widened`` (t with room for skew), ``studentised`` (bootstrap), ``two-stage`` (t by the
            spread of a pilot) or ``crossed`` (random seeds and subjects).
        reason: why the ends are undefined; empty where they are not.
    """

    mean: float
    low: float
    high: float
    n: int
    method: str = "t"
    reason: str = ""

    @property
    def half(self) -> float:
        """Half-width: all these intervals lie evenly about their mean."""
        return (self.high - self.low) / 2


def t_interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Mean and two-sided t interval of independent values, in their unit.

    NaNs among the values are refused: a missing value must be left out by the one who knows why.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    x = checked(values, level)
    if x.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0, "t", "no values")
    mean = math.fsum(x) / x.size
    if x.size == 1:
        return Interval(mean, math.nan, math.nan, 1, "t", "one value has no spread")
    half = float(stdtrit(x.size - 1, (1 + level) / 2)) * sd(x) / math.sqrt(x.size)
    return Interval(mean, mean - half, mean + half, x.size, "t")


def widened_interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Mean and two-sided t interval, stretched by `widening` as far as the values look skewed; in their unit.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    x = checked(values, level)
    plain = t_interval(x, level)
    if x.size < 2:
        return plain
    half = plain.half * float(widening(x))
    return Interval(plain.mean, plain.mean - half, plain.mean + half, x.size, "widened")


def interval(values: Sequence[float] | np.ndarray, level: float = LEVEL, pilot: int | None = None) -> Interval:
    """The interval that reports print: widened t below `STUDENTISED_FROM` values, studentised bootstrap from there on.

    Args:
        values: independent ones.
        level: of confidence.
        pilot: where a pilot fixed their number, how many of them, the first ones, are its (`two_stage`); else None.
    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    x = checked(values, level)
    if pilot is not None:
        return _two_stage(x, level, pilot)
    return widened_interval(x, level) if x.size < STUDENTISED_FROM else studentised_interval(x, level)


def seed_interval(values: Mapping[int, float], pilot: Collection[int] = (), level: float = LEVEL) -> Interval:
    """`interval` of seed → value; ``pilot`` are the seeds of the pilot that fixed how many there are, if one did."""
    ordered, first = two_stage.pilot_first(values, pilot)
    return interval(ordered, level, first)


def _two_stage(x: np.ndarray, level: float, pilot: int) -> Interval:
    mean = math.fsum(x) / x.size if x.size else math.nan
    if pilot < 2:
        reason = "one value has no spread" if x.size else "no values"
        return Interval(mean, math.nan, math.nan, x.size, "two-stage", reason)
    half = float(two_stage.half_widths(x[:pilot], x.size, level))
    return Interval(mean, mean - half, mean + half, x.size, "two-stage")


def studentised_interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Mean and symmetric bootstrap-t interval of independent values, in their unit.

    Each resample gives t* = (mean* − mean) / se*, and the quantile of |t*| takes the place of Student's (Efron, *The
    Jackknife, the Bootstrap and Other Resampling Plans*, 1982, section 10.10; symmetric: Hall, Annals of Statistics 16,
    1988). Equal tails would cover less where tails are heavy, as paired differences have them. Resamples depend on
    the number of values only, so equal values give equal intervals. Where resamples without spread reach into the
    tails (few values, or nearly all equal) the t interval stands instead, and ``method`` says so.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    x = checked(values, level)
    plain = t_interval(x, level)
    if without_spread(x):
        return plain
    size = np.abs(bootstrap_t(x))
    # Of B sorted resamples the (B + 1) q-th is the quantile q.
    at = min(size.size, round((size.size + 1) * level)) - 1
    quantile = float(np.partition(size, at)[at])
    if not math.isfinite(quantile):
        return plain
    half = quantile * sd(x) / math.sqrt(x.size)
    return Interval(plain.mean, plain.mean - half, plain.mean + half, x.size, "studentised")


def bootstrap_t(x: np.ndarray) -> np.ndarray:
    """(RESAMPLES,) t* of values that have a spread; infinite where a resample has none."""
    n = x.size
    centred, counts = np.sort(x) - x.mean(), _resamples(n)
    means = counts @ centred / n
    errors = np.sqrt(np.maximum(counts @ np.square(centred) / n - np.square(means), 0.0) / (n - 1))
    flat = errors <= 1e-9 * sd(x)
    if not flat.any():
        return means / errors
    return np.where(flat, np.copysign(np.inf, means), means / np.where(flat, 1.0, errors))


def checked(values: Sequence[float] | np.ndarray, level: float) -> np.ndarray:
    """The values as a flat float array.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, got {level}")
    x = np.asarray(list(values), dtype=float)
    if np.isnan(x).any():
        raise ValueError("a value is NaN; leave missing values out")
    return x


def sd(x: np.ndarray) -> float:
    """Standard deviation with n − 1; NaN with fewer than two values."""
    return float(np.std(x, ddof=1)) if x.size > 1 else math.nan


def without_spread(x: np.ndarray) -> bool:
    """Whether values are equal but for rounding, or fewer than two: nothing to test against."""
    return not sd(x) > 1e-12 * max(1.0, float(np.abs(x).max(initial=0.0)))


@lru_cache(maxsize=8)
def _resamples(n: int) -> np.ndarray:
    """(RESAMPLES, n): how often each of the sorted values is drawn; the second half mirrors the first."""
    drawn = np.random.default_rng([20, n]).multinomial(n, np.full(n, 1 / n), size=RESAMPLES // 2)
    return np.concatenate([drawn, drawn[:, ::-1]]).astype(float)
