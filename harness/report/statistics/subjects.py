"""Intervals for subjects that weren't tested: seeds and subjects both count as drawn at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from harness.report.statistics.intervals import LEVEL, Interval

MIN_SUBJECTS = 6
METHOD = "crossed"


def new_subjects(values: np.ndarray | Sequence[Sequence[float]], level: float = LEVEL) -> Interval:
    """Mean and interval for new seeds *and* new subjects, from a table in which each seed meets each subject.

    Crossed random effects y_is = μ + seed_i + subject_s + rest_is without replication (Searle, Casella and McCulloch,
    *Variance Components*, 1992, chapter 4). The grand mean has the variance (MS_seeds + MS_subjects − MS_rest) / (I S),
    its degrees of freedom Satterthwaite's (Biometrics Bulletin 2, 1946). Where one of the two mean squares doesn't
    exceed that of the rest, its component counts as 0 and the larger of the two stands alone.

    Args:
        values: (seeds, subjects) of one arm's errors, or of paired differences of two arms.
    Returns:
        an interval whose ``n`` is the number of subjects. Its ends are NaN, with the reason, under six subjects, and
        with a single seed.
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
    if seeds < 2:
        return Interval(mean, math.nan, math.nan, subjects, METHOD, "one seed: the spread between seeds can't be told")
    variance, freedom = _variance(y, mean)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance) if variance > 0 else 0.0
    return Interval(mean, mean - half, mean + half, subjects, METHOD)


def _variance(y: np.ndarray, mean: float) -> tuple[float, float]:
    """Variance of the grand mean and its degrees of freedom."""
    seeds, subjects = y.shape
    of_seeds, of_subjects = y.mean(axis=1), y.mean(axis=0)
    rest = y - of_seeds[:, None] - of_subjects[None, :] + mean
    freedom = np.array([seeds - 1, subjects - 1, (seeds - 1) * (subjects - 1)], dtype=float)
    squares = np.array(
        [subjects * np.sum((of_seeds - mean) ** 2), seeds * np.sum((of_subjects - mean) ** 2), np.sum(rest**2)]
    )
    between_seeds, between_subjects, within = squares / freedom
    if min(between_seeds, between_subjects) > within:
        parts = np.array([between_seeds, between_subjects, -within])
    elif between_subjects >= between_seeds:
        parts = np.array([0.0, between_subjects, 0.0])
    else:
        parts = np.array([between_seeds, 0.0, 0.0])
    total = float(parts.sum())
    spread = float(np.sum(parts**2 / freedom))
    return total / y.size, total**2 / spread if spread > 0 else 1.0
