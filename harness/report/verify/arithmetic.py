"""The report's statistics a second time, from the published procedures, with scipy.stats where the report has its own.

Where a procedure draws, the draws are part of it (see docs/statistics.md): bootstrap resamples of n values come from
numpy's default generator seeded ``[20, n]``, sign patterns from ``[21, n]``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import stats

FLAT = 1e-12
BOOTSTRAP_FROM, HALF_OF_RESAMPLES = 15, 4999
EXACT_SIGNS, RANDOM_SIGNS = 16, 19_999
FEWEST_SUBJECTS, FEWEST_SEEDS = 6, 5
FEWEST_PAIRS = 3
ROOM, LOPSIDED = 0.42, 0.8
ROOM_BEYOND_PILOT = 0.7
Ends = tuple[float, float] | None


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, correctly rounded sum."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """Standard deviation with n − 1."""
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def flat(values: Sequence[float]) -> bool:
    """Whether values are equal but for rounding, or fewer than two."""
    return len(values) < 2 or deviation(values) <= FLAT * max(1.0, *(abs(value) for value in values))


def student(values: Sequence[float], level: float = 0.95) -> float:
    """Half-width of the two-sided t interval of two values or more."""
    n = len(values)
    return float(stats.t.ppf((1 + level) / 2, n - 1)) * deviation(values) / math.sqrt(n)


def room(values: Sequence[float]) -> float:
    """Factor of the t quantile of skewed values: 1 + 0.42 |g| / √(n − 1), g their moment skewness."""
    return 1 + ROOM * asymmetry(values) / math.sqrt(len(values) - 1) if len(values) > 1 else 1.0


def asymmetry(values: Sequence[float]) -> float:
    """|g|, the size of the moment skewness; 0 where values are equal."""
    return 0.0 if flat(values) else abs(float(stats.skew(np.asarray(values))))


def leading(values: Mapping[Any, float], pilot: Collection[Any] | None) -> tuple[list[float], int | None]:
    """Values by seed with the pilot's first, and how many those are; None without a pilot that fixed their number."""
    if not pilot:
        return list(values.values()), None
    named = {str(seed) for seed in pilot}
    first = [value for seed, value in values.items() if str(seed) in named]
    return first + [value for seed, value in values.items() if str(seed) not in named], len(first)


def half_width(values: Sequence[float], pilot: int | None = None) -> tuple[float, bool] | None:
    """Half-width of the printed 95 % interval, and whether it is the bootstrap's; None below two values.

    Of a ``pilot`` that fixed the number of values, the first of them, below two of its.
    """
    if len(values[:pilot]) < 2:
        return None
    if pilot is not None:
        return float(stats.t.ppf(0.975, pilot - 1)) * pilot_error(values[:pilot], len(values)), False
    if len(values) < BOOTSTRAP_FROM:
        return student(values) * room(values), False
    if flat(values):
        return student(values), False
    quantile = _bootstrap_quantile(tuple(sorted(values)))
    if not math.isfinite(quantile):
        return student(values), False
    return quantile * deviation(values) / math.sqrt(len(values)), True


def pilot_error(pilot: Sequence[float], n: int) -> float:
    """Standard error of the mean of ``n`` values by the spread of the pilot's, which fixed how many they are.

    Stretched like the t quantile of skewed values, and by more where there are values beyond the pilot's.
    """
    share = ROOM if n == len(pilot) else ROOM_BEYOND_PILOT
    stretch = 1 + share * asymmetry(pilot) / math.sqrt(len(pilot) - 1)
    return deviation(pilot) * stretch / math.sqrt(n)


def pilot_seeds(pilot: Sequence[float], halfwidth: float) -> int:
    """How many values a pilot asks for (Stein 1945): its own where these reach the half-width, else more."""
    quantile, n = float(stats.t.ppf(0.975, len(pilot) - 1)), len(pilot)
    if quantile * pilot_error(pilot, n) <= halfwidth:
        return n
    n += 1
    alone = quantile * pilot_error(pilot, n) * math.sqrt(n)
    return max(n, math.ceil((alone / halfwidth) ** 2 - 1e-9))


@lru_cache(maxsize=4096)
def _bootstrap_quantile(ordered: tuple[float, ...]) -> float:
    """95 % quantile of |mean* − mean| / se* over resamples and their mirror images."""
    x, n = np.array(ordered), len(ordered)
    drawn = _draws(n)
    resamples = np.repeat(np.tile(x, len(drawn)), drawn.ravel()).reshape(len(drawn), n)
    mirrored = np.repeat(np.tile(x, len(drawn)), drawn[:, ::-1].ravel()).reshape(len(drawn), n)
    both = np.concatenate([resamples, mirrored])
    errors = both.std(axis=1, ddof=1) / math.sqrt(n) if n > 1 else np.zeros(len(both))
    far = np.abs(both.mean(axis=1) - mean(ordered))
    still = errors <= 1e-9 * deviation(ordered)
    sizes = np.sort(np.where(still, np.inf, far / np.where(still, 1.0, errors)))
    return float(sizes[min(len(sizes), round((len(sizes) + 1) * 0.95)) - 1])


@lru_cache(maxsize=8)
def _draws(n: int) -> np.ndarray:
    return np.random.default_rng([20, n]).multinomial(n, np.full(n, 1 / n), size=HALF_OF_RESAMPLES)


def paired_p(differences: Sequence[float], pilot: int | None = None) -> float:
    """Two-sided p of the paired t-test with room for skew; NaN below three pairs and for equal differences."""
    telling = differences[:pilot]
    if len(telling) < FEWEST_PAIRS or flat(telling):
        return math.nan
    if pilot is not None:
        return 2 * float(stats.t.sf(abs(mean(differences)) / pilot_error(telling, len(differences)), pilot - 1))
    t = mean(differences) / (deviation(differences) / math.sqrt(len(differences)))
    return 2 * float(stats.t.sf(abs(t) / room(differences), len(differences) - 1))


def sign_flip_p(differences: Sequence[float], pilot: int | None = None) -> float:
    """Two-sided p of the sign-flip test; NaN below three pairs, where they look skewed, and after a pilot."""
    d, n = np.array(differences), len(differences)
    if n < FEWEST_PAIRS or pilot is not None or asymmetry(differences) > LOPSIDED:
        return math.nan
    reached = abs(d.sum()) - 1e-12 * np.abs(d).sum()
    if n <= EXACT_SIGNS:
        signs = np.array(list(itertools.product((1, -1), repeat=n)))
        return float((np.abs(signs @ d) >= reached).mean())
    flips = np.random.default_rng([21, n]).integers(0, 2, (RANDOM_SIGNS, n), dtype=np.int8)
    sums = np.where(flips == 1, d, -d).sum(axis=1)
    return float((1 + (np.abs(sums) >= reached).sum()) / (1 + RANDOM_SIGNS))


def left_out(differences: Sequence[float], pilot: int | None = None) -> str:
    """Which of the two tests isn't made of so many differences, or of such as these, and why."""
    telling = differences[:pilot]
    if len(telling) < FEWEST_PAIRS:
        return "p, p_sign_flip: two pairs" if len(telling) == 2 else ""
    equal = "p: equal differences" if flat(telling) else ""
    if pilot is not None:
        return "; ".join(filter(None, (equal, "p_sign_flip: seeds fixed by the differences")))
    if equal:
        return equal
    return "p_sign_flip: skewed differences" if asymmetry(differences) > LOPSIDED else ""


def effect_size(differences: Sequence[float], pilot: int | None = None) -> float:
    """d_z with Hedges' exact correction; NaN below three pairs and for equal differences."""
    telling = differences[:pilot]
    m = len(telling) - 1
    if m < 2 or flat(telling):
        return math.nan
    correction = math.gamma(m / 2) / (math.sqrt(m / 2) * math.gamma((m - 1) / 2)) if m < 300 else 1 - 3 / (4 * m - 1)
    return mean(differences) / deviation(telling) * correction


def share_better(differences: Sequence[float], better: str | None) -> float:
    """Share of pairs in which the first is the better one, ties one half."""
    sign = 1 if better == "higher" else -1
    told = [round(d, 9) for d in differences]
    return sum(1.0 if sign * d > 0 else 0.5 if d == 0 else 0.0 for d in told) / len(told)


def new_subjects(table: np.ndarray) -> tuple[float, Ends]:
    """Mean of (seeds, subjects) differences, and ends of its interval for new seeds and subjects where one is told."""
    seeds, subjects = table.shape
    centre = mean(table.ravel().tolist())
    if subjects < FEWEST_SUBJECTS or seeds < FEWEST_SEEDS:
        return centre, None
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    square_seeds = subjects * ((rows - centre) ** 2).sum() / (seeds - 1)
    square_subjects = seeds * ((columns - centre) ** 2).sum() / (subjects - 1)
    freedom = (seeds - 1) * (subjects - 1)
    residual = ((table - rows[:, None] - columns + centre) ** 2).sum() / freedom
    # Expected mean squares of the two-way random model: a component that comes out negative counts as none.
    terms = [(square_seeds, seeds - 1)] if square_seeds > residual else []
    terms += [(square_subjects, subjects - 1)] if square_subjects > residual else []
    if len(terms) == 2:
        terms.append((-residual, freedom))
    elif not terms:
        terms = [(square_seeds / 2, seeds - 1), (square_subjects / 2, subjects - 1)]
    total = sum(square for square, _ in terms)
    if total <= 0:
        return centre, (centre, centre)
    satterthwaite = total**2 / sum(square**2 / df for square, df in terms)
    share = max(0.0, (square_seeds - residual) / total)
    half = float(stats.t.ppf(0.975, satterthwaite)) * math.sqrt(total / table.size)
    half *= 1 + share**2 * (room(rows.tolist()) - 1)
    return centre, (centre - half, centre + half)


def equivalence_p(differences: Sequence[float], margin: float, pilot: int | None = None) -> float:
    """The larger p of two one-sided t-tests against ±margin; NaN below three pairs and for equal differences."""
    telling = differences[:pilot]
    if len(telling) < FEWEST_PAIRS or flat(telling):
        return math.nan
    if pilot is None:
        error = deviation(differences) / math.sqrt(len(differences)) * room(differences)
    else:
        error = pilot_error(telling, len(differences))
    freedom = len(telling) - 1
    above = float(stats.t.sf((mean(differences) + margin) / error, freedom))
    below = float(stats.t.sf((margin - mean(differences)) / error, freedom))
    return max(above, below)


def area(places: Sequence[float], values: Sequence[float]) -> float:
    """Area under values over places by trapezoids, divided by the range of the places."""
    points = sorted(zip(places, values, strict=True))
    strips = [(b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points)]
    return math.fsum(strips) / (points[-1][0] - points[0][0])
