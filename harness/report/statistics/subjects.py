"""Intervals for subjects that weren't tested: seeds and subjects both count as drawn at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from harness.report.statistics.intervals import LEVEL, Interval
from harness.report.statistics.skew import WIDENING, skewness

MIN_SUBJECTS = 6
MIN_SEEDS = 5
"""Below it Satterthwaite's degrees of freedom are too many: with two seeds these intervals cover 84–96 %, with three or
four under 93 % of skewed values in some layouts (docs/statistics.md)."""
METHOD = "crossed"


def new_subjects(values: np.ndarray | Sequence[Sequence[float]], level: float = LEVEL) -> Interval:
    """Mean and interval for new seeds *and* new subjects, from a table in which each seed meets each subject.

    Crossed random effects y_is = μ + seed_i + subject_s + rest_is without replication (Searle, Casella and McCulloch,
    *Variance Components*, 1992, chapter 4). The grand mean has the variance (MS_seeds + MS_subjects − MS_rest) / (I S),
    its degrees of freedom Satterthwaite's (Biometrics Bulletin 2, 1946). Where one of the two mean squares doesn't
    exceed that of the rest, its component counts as 0 and the other stands alone; where neither does, their mean
    stands for both. There is room for skew as in `widening`, by the skewness of the
    seeds' means and as far as seeds make up the variance (their share squared); six subjects and more
    need none.

    Args:
        values: (seeds, subjects) of one arm's errors, or of paired differences of two arms.
    Returns:
        an interval whose ``n`` is the number of subjects. Its ends are NaN, with the reason, under six subjects, and
        under five seeds.
    Raises:
        ValueError: not a table, a NaN in it, or a level that isn't between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, got {level}")
    y = np.asarray(values, dtype=float)
    if y.ndim != 2:
        raise ValueError(f"a table (seeds, subjects) is needed, got {y.ndim} dimensions")
    if np.isnan(y).any():
        raise ValueError("a value is NaN; leave seeds or subjects that aren't complete out")
    seeds, subjects = y.shape
    mean = math.fsum(y.ravel()) / y.size if y.size else math.nan
    if subjects < MIN_SUBJECTS:
        reason = f"{subjects} subjects: new subjects can't be told under {MIN_SUBJECTS}"
        return Interval(mean, math.nan, math.nan, subjects, METHOD, reason)
    if seeds < MIN_SEEDS:
        counted = "one seed" if seeds == 1 else f"{seeds} seeds"
        reason = f"{counted}: new seeds and subjects together can't be told under {MIN_SEEDS}"
        return Interval(mean, math.nan, math.nan, subjects, METHOD, reason)
    half = float(half_widths(y, level))
    return Interval(mean, mean - half, mean + half, subjects, METHOD)


def half_widths(y: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """(…,) half-widths for (…, seeds, subjects) values: what `new_subjects` gives, of many tables at once."""
    seeds, subjects = y.shape[-2:]
    of_seeds, of_subjects, mean = y.mean(-1), y.mean(-2), y.mean((-2, -1))
    rest = y - of_seeds[..., None] - of_subjects[..., None, :] + mean[..., None, None]
    few, many, within = seeds - 1, subjects - 1, (seeds - 1) * (subjects - 1)
    ms_seeds = subjects * np.square(of_seeds - mean[..., None]).sum(-1) / few
    ms_subjects = seeds * np.square(of_subjects - mean[..., None]).sum(-1) / many
    ms_rest = np.square(rest).sum((-2, -1)) / within
    over_seeds, over_subjects = ms_seeds > ms_rest, ms_subjects > ms_rest
    cases = [over_seeds & over_subjects, over_seeds, over_subjects]
    total = np.select(cases, [ms_seeds + ms_subjects - ms_rest, ms_seeds, ms_subjects], (ms_seeds + ms_subjects) / 2)
    spread = np.select(
        cases,
        [
            ms_seeds**2 / few + ms_subjects**2 / many + ms_rest**2 / within,
            ms_seeds**2 / few,
            ms_subjects**2 / many,
        ],
        (ms_seeds**2 / few + ms_subjects**2 / many) / 4,
    )
    some = (total > 0) & (spread > 0)
    freedom = np.where(some, total**2 / np.where(some, spread, 1.0), 1.0)
    share = np.where(some, np.maximum(ms_seeds - ms_rest, 0.0) / np.where(some, total, 1.0), 0.0)
    room = 1.0 + WIDENING * share**2 * np.abs(skewness(of_seeds)) / math.sqrt(few)
    half = stdtrit(freedom, (1 + level) / 2) * np.sqrt(np.maximum(total, 0.0) / (seeds * subjects)) * room
    return np.asarray(np.where(some, half, 0.0))
