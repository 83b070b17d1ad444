"""Intervals of a mean over independent values: t with room for skew at small n, studentised bootstrap beyond.

A percentile bootstrap covers far less than it says at a few seeds, and less than 95 % even at thirty; it isn't offered.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# scipy.stats costs a second to import; scipy.special holds the few functions that are needed.
from scipy.special import stdtrit

from harness.report.statistics import two_stage
from harness.report.statistics.resampling import t_quantiles
from harness.report.statistics.skew import widening

LEVEL = 0.95
STUDENTISED_FROM = 15
"""Below it the bootstrap covers more than 97 % where tails are heavy (docs/statistics.md), and t 96–97 %."""


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
    return intervals([values], level, [pilot])[0]


def intervals(
    many: Sequence[Sequence[float] | np.ndarray], level: float = LEVEL, pilots: Sequence[int | None] | None = None
) -> list[Interval]:
    """`interval` of each, of thousands in a fraction of the time: those of equal number share their resamples.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    checks = [checked(values, level) for values in many]
    found: list[Interval | None] = [None] * len(checks)
    several: dict[int, list[int]] = {}
    for i, (x, pilot) in enumerate(zip(checks, pilots or [None] * len(checks), strict=True)):
        if pilot is not None:
            found[i] = _two_stage(x, level, pilot)
        elif x.size < STUDENTISED_FROM:
            found[i] = widened_interval(x, level)
        else:
            several.setdefault(x.size, []).append(i)
    for places in several.values():
        for i, one in zip(places, _studentised(np.array([checks[i] for i in places]), level), strict=True):
            found[i] = one
    return [one for one in found if one is not None]


def seed_interval(values: Mapping[int, float], pilot: Collection[int] = (), level: float = LEVEL) -> Interval:
    """`interval` of seed → value; ``pilot`` are the seeds of the pilot that fixed how many there are, if one did."""
    return seed_intervals([values], pilot, level)[0]


def seed_intervals(
    many: Sequence[Mapping[int, float]], pilot: Collection[int] = (), level: float = LEVEL
) -> list[Interval]:
    """`seed_interval` of each; see `intervals`."""
    ordered = [two_stage.pilot_first(values, pilot) for values in many]
    return intervals([values for values, _ in ordered], level, [first for _, first in ordered])


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
    return _studentised(x[None], level)[0] if x.size > 1 else t_interval(x, level)


def _studentised(samples: np.ndarray, level: float) -> list[Interval]:
    """`studentised_interval` of (samples, n) values."""
    n = samples.shape[1]
    spreads = samples.std(axis=1, ddof=1)
    varied = ~without_spreads(samples)
    quantiles = np.full(len(samples), np.nan)
    quantiles[varied] = t_quantiles(samples[varied], level)
    halves = quantiles * spreads / math.sqrt(n)
    found = []
    for x, half, bounded in zip(samples, halves.tolist(), np.isfinite(quantiles).tolist(), strict=True):
        mean = math.fsum(x.tolist()) / n
        found.append(Interval(mean, mean - half, mean + half, n, "studentised") if bounded else t_interval(x, level))
    return found


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
    return x.size < 2 or bool(without_spreads(x))


def without_spreads(samples: np.ndarray) -> np.ndarray:
    """(…,) `without_spread` of (…, n) values, two of each or more."""
    return ~(samples.std(axis=-1, ddof=1) > 1e-12 * np.maximum(1.0, np.abs(samples).max(axis=-1)))
