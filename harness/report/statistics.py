"""Statistics of small ablations: t-intervals over seeds, paired differences, Holm's correction.

At 3 to 10 seeds a percentile bootstrap covers far less than it says; Student's t covers 95 % on
normal draws. What can't be computed is NaN, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

# scipy.stats costs a second to import; these two functions are all of it that is needed.
from scipy.special import stdtr, stdtrit

LEVEL = 0.95
Pairing = TypeVar("Pairing", bound=Hashable)


@dataclass(frozen=True)
class Interval:
    """A mean with a two-sided Student t interval.

    Attributes:
        mean: arithmetic mean of the values; NaN without values.
        half: half-width of the interval; NaN with fewer than two values.
        n: number of values.
    """

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


@dataclass(frozen=True)
class Paired:
    """The mean difference a − b over common keys (seeds), with its interval and test.

    Attributes:
        difference: interval of the differences; its ``n`` is the number of pairs.
        p: two-sided paired t-test; NaN with fewer than two pairs, and when all differences are equal.
        effect: mean difference over the sd of the differences (Cohen's d_z); NaN where p is.
        unpaired: keys that only one side has; they enter nothing.
    """

    difference: Interval
    p: float
    effect: float
    unpaired: tuple[Any, ...] = ()

    @property
    def n(self) -> int:
        return self.difference.n


def t_interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Mean and half-width of the two-sided t interval of independent values, in their unit.

    NaNs among the values are refused: a missing value must be left out by the one who knows why.

    Raises:
        ValueError: a value is NaN, or the level isn't between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, got {level}")
    x = np.asarray(list(values), dtype=float)
    if np.isnan(x).any():
        raise ValueError("a value is NaN; leave missing values out")
    if x.size == 0:
        return Interval(math.nan, math.nan, 0)
    mean = math.fsum(x) / x.size
    if x.size == 1:
        return Interval(mean, math.nan, 1)
    return Interval(mean, float(stdtrit(x.size - 1, (1 + level) / 2)) * _sd(x) / math.sqrt(x.size), x.size)


def paired_difference(a: Mapping[Pairing, float], b: Mapping[Pairing, float], level: float = LEVEL) -> Paired:
    """Compare ``a`` with ``b`` pair by pair: key (seed) → value on each side.

    Pairing removes what both sides share (data order, test cameras and masks), so the interval is
    that of the difference. Only common keys count; the others are named in the result.
    """
    common = [key for key in a if key in b]
    unpaired = tuple(key for key in (*a, *b) if (key in a) != (key in b))
    differences = np.array([a[key] - b[key] for key in common], dtype=float)
    interval = t_interval(differences, level)
    sd = _sd(differences)
    # Equal differences (two deterministic baselines) leave no variance to test against.
    if not sd > 1e-12 * max(1.0, float(np.abs(differences).max(initial=0.0))):
        return Paired(interval, math.nan, math.nan, unpaired)
    effect = interval.mean / sd
    p = 2 * float(stdtr(len(common) - 1, -abs(effect) * math.sqrt(len(common))))
    return Paired(interval, p, effect, unpaired)


def holm(pvalues: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number by Holm's step-down procedure (Holm 1979).

    NaNs stay NaN and don't count as tests.
    """
    p = np.asarray(list(pvalues), dtype=float)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return corrected


def _sd(x: np.ndarray) -> float:
    return float(np.std(x, ddof=1)) if x.size > 1 else math.nan
