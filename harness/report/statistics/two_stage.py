"""Stein's two stages: a pilot of fixed size says how many values there are to be, and alone says how far they spread.

Under normal values the mean of all of them doesn't depend on how the pilot's lie about their mean, whatever number of
values was fixed by that. So mean / (s₀ / √n), s₀ the pilot's sd, has Student's distribution with the pilot's degrees of
freedom (Stein, Annals of Mathematical Statistics 16, 1945), of this endpoint and of any other one that is measured on
the same runs. An interval from the sd of all values would be short: a pilot that spreads little by chance stops early.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.report.statistics.skew import WIDENING, skewness

LEVEL = 0.95
ROOM_BEYOND = 0.7
"""In place of `WIDENING` where there are values beyond the pilot's: the mean of many is all but normal, but the spread
that a skewed or heavy-tailed pilot shows is more often too small. Chosen by simulation (docs/statistics.md)."""


def seeds_fixed(pilot: Sequence[float] | np.ndarray, halfwidth: float, level: float = LEVEL) -> int:
    """How many values a pilot asks for, its own among them, so that the interval reaches ±``halfwidth`` or less.

    Raises:
        ValueError: fewer than two values in the pilot, a NaN, or a half-width that isn't above 0.
    """
    x = np.asarray(pilot, dtype=float)
    if x.size < 2 or np.isnan(x).any() or not halfwidth > 0:
        raise ValueError("a pilot of two values or more and a half-width above 0 are needed")
    return int(wanted(x, halfwidth, level))


def wanted(pilots: np.ndarray, halfwidth: float, level: float = LEVEL) -> np.ndarray:
    """(…,) what `seeds_fixed` says of (…, n₀) pilots; as floats, for there may be many."""
    n = pilots.shape[-1]
    enough = half_widths(pilots, n, level) <= halfwidth
    # One value's half-width, of those that stand beyond a pilot.
    alone = half_widths(pilots, n + 1, level) * math.sqrt(n + 1)
    return np.where(enough, n, np.maximum(n + 1, np.ceil(np.square(alone / halfwidth) - 1e-9)))


def half_widths(pilots: np.ndarray, n: np.ndarray | int, level: float = LEVEL) -> np.ndarray:
    """(…,) half-widths of the mean of ``n`` values, (…, n₀) pilots among them: the pilot's sd, with room for skew."""
    return stdtrit(pilots.shape[-1] - 1, (1 + level) / 2) * errors(pilots, n)


def errors(pilots: np.ndarray, n: np.ndarray | int) -> np.ndarray:
    """(…,) standard errors of the mean of ``n`` values by their (…, n₀) pilots, times the room for skew."""
    few = pilots.shape[-1]
    share = np.where(np.asarray(n) > few, ROOM_BEYOND, WIDENING)
    room = 1.0 + share * np.abs(skewness(pilots)) / math.sqrt(max(few - 1, 1))
    return pilots.std(-1, ddof=1) * room / np.sqrt(n)


def two_stage_p(values: np.ndarray, pilot: int) -> float:
    """Two-sided p that the mean of all values is 0, by the spread of the first ``pilot`` of them."""
    t = abs(math.fsum(values) / values.size) / float(errors(values[:pilot], values.size))
    return 2 * float(stdtr(pilot - 1, -t))


def pilot_first(values: Mapping[int, float], pilot: Collection[int]) -> tuple[list[float], int | None]:
    """The values of seeds with those of the pilot's before the others, and how many these are.

    None where there is no pilot: all values tell of the spread.
    """
    if not pilot:
        return list(values.values()), None
    first = [value for seed, value in values.items() if seed in pilot]
    return [*first, *(value for seed, value in values.items() if seed not in pilot)], len(first)
