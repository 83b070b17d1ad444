"""How much of a spread each of its sources makes: variance components of nested and crossed random effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from harness.report.statistics.intervals import LEVEL


@dataclass(frozen=True)
class Components:
    """Variances, in the squared unit of the values; NaN is a source that the values don't vary.

    Attributes:
        mean: of all values, each fold's weighing alike.
        seed: of a run's mean over subjects, from seed to seed.
        draw: of the mean, from draw to draw of the data's cameras and noise.
        subject: from subject to subject of one fold.
        subject_draw: of a subject's own, from draw to draw, beyond what the draw does to all and the subject always.
        fold: of a fold's mean, beyond what its few seeds, draws and subjects explain.
    """

    mean: float
    seed: float
    draw: float
    subject: float
    subject_draw: float
    fold: float


def components(folds: Sequence[np.ndarray]) -> Components:
    """Components of tables in which each subject meets each run, by the method of moments.

    In a fold y_dsu = μ + draw_d + seed_s(d) + subject_u + (subject × draw)_du + rest_dsu: seeds are nested in draws,
    since another draw is other data, and another network. Mean squares are set equal to what they are expected to be
    (Searle, Casella and McCulloch, *Variance Components*, 1992, chapter 4); of several folds each component is the
    mean; a component below 0 counts as 0.

    Args:
        folds: (draws, seeds, subjects) of each.
    Raises:
        ValueError: no fold, one that isn't such a table, or a NaN in it.
    """
    tables = [np.asarray(fold, dtype=float) for fold in folds]
    if not tables or any(table.ndim != 3 or not table.size or np.isnan(table).any() for table in tables):
        raise ValueError("tables (draws, seeds, subjects) without NaN are needed, one for each fold")
    parts = np.array([_of_fold(table) for table in tables])  # (folds, seed, draw, subject, subject_draw)
    means = np.array([table.mean() for table in tables])
    seed, draw, subject, both = (_known(column) for column in parts.T)
    fold = math.nan
    if len(tables) > 1:
        inside = [_of_mean(part, table.shape) for part, table in zip(parts, tables, strict=True)]
        fold = float(means.var(ddof=1) - np.mean(inside))
    kept = [value if math.isnan(value) else max(value, 0.0) for value in (seed, draw, subject, both, fold)]
    return Components(float(means.mean()), *kept)


def believable(seed: float, n: int, level: float = LEVEL) -> float:
    """The smallest difference of two arms of ``n`` seeds each, unpaired, that a t-interval tells from none.

    It is the half-width for two arms whose runs vary by ``seed`` (a variance) and share nothing, with n − 1 degrees of
    freedom, as the paired difference has.
    """
    return float(stdtrit(n - 1, (1 + level) / 2)) * math.sqrt(2.0 * seed / n)


def _of_fold(y: np.ndarray) -> tuple[float, float, float, float]:
    """Seed, draw, subject and subject × draw of one fold; NaN where it has one value of a factor."""
    draws, seeds, subjects = y.shape
    of_runs, of_draws, of_subjects, mean = y.mean(2), y.mean((1, 2)), y.mean((0, 1)), y.mean()
    seed = draw = subject = both = rest = ms_both = math.nan
    if seeds > 1:
        seed = float(np.square(of_runs - of_draws[:, None]).sum() / (draws * (seeds - 1)))  # of means over subjects
    if seeds > 1 and subjects > 1:
        left = y - of_runs[..., None] - y.mean(1)[:, None] + of_draws[:, None, None]
        rest = float(np.square(left).sum() / (draws * (seeds - 1) * (subjects - 1)))
    if draws > 1 and subjects > 1:
        left = y.mean(1) - of_draws[:, None] - of_subjects + mean  # (draws, subjects)
        ms_both = float(seeds * np.square(left).sum() / ((draws - 1) * (subjects - 1)))
        both = (ms_both - rest) / seeds
    if draws > 1:
        # The mean of a draw moves with its seeds, and with what its subjects make of it.
        moved = seed / seeds + (0.0 if math.isnan(both) else both / subjects)
        draw = float(of_draws.var(ddof=1)) - moved
    if subjects > 1:
        noise = rest if draws == 1 else ms_both
        subject = float(of_subjects.var(ddof=1)) - noise / (draws * seeds)
    return seed, draw, subject, both


def _of_mean(part: np.ndarray, shape: tuple[int, ...]) -> float:
    """Variance of a fold's mean by what varies inside it."""
    seed, draw, subject, both = np.nan_to_num(part)
    draws, seeds, subjects = shape
    return float(seed / (draws * seeds) + draw / draws + subject / subjects + both / (draws * subjects))


def _known(values: np.ndarray) -> float:
    """The mean of the folds that tell a component; NaN where none does."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else math.nan
