"""The bootstrap of the t statistic: how far it strays under resampling, of many samples of one size at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RESAMPLES = 9_998  # even: each resample has its mirror image
_AT_ONCE = 16
"""Samples that are resampled together: their sums stay in a processor's cache."""
_ALONE = 200_000
"""Multiplications of a product that a BLAS library makes in one thread: threads wait for each other, and where a
machine has other work as well, a report's many small products take fifty times as long in two threads as in one."""
_BEYOND = 1.75
"""Of Student's distribution hardly a tenth lies beyond: the quantiles of a high level are looked for there."""
FLAT = 1e-6
"""Of the sample's sd: a resample that spreads less has no spread but the rounding of a difference of two sums."""


def bootstrap_t(x: np.ndarray) -> np.ndarray:
    """(RESAMPLES,) t* of values that have a spread; infinite where a resample has none."""
    n = x.size
    centred, counts = np.sort(x) - x.mean(), _resamples(n).T
    means = counts @ centred / n
    errors = np.sqrt(np.maximum(counts @ np.square(centred) / n - np.square(means), 0.0) / (n - 1))
    flat = errors <= FLAT * float(np.std(x, ddof=1))
    if not flat.any():
        return means / errors
    return np.where(flat, np.copysign(np.inf, means), means / np.where(flat, 1.0, errors))


def t_quantiles(samples: np.ndarray, level: float) -> np.ndarray:
    """(samples,) quantile of |t*| at ``level``, of the t* of `bootstrap_t`; of (samples, n) that have a spread each."""
    n = samples.shape[1]
    centred = np.sort(samples, axis=1) - samples.mean(axis=1, keepdims=True)
    least = (n - 1) * np.square(FLAT * samples.std(axis=1, ddof=1))
    # Of B sorted resamples the (B + 1) q-th is the quantile q.
    at = min(RESAMPLES, round((RESAMPLES + 1) * level)) - 1
    found = np.empty(len(samples))
    for begin in range(0, len(samples), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        squares = _squares(centred[some], least[some])
        found[some] = [_ordered(row, at, _BEYOND**2 / (n - 1)) for row in squares]
    return np.sqrt(found * (n - 1))


def _squares(centred: np.ndarray, least: np.ndarray) -> np.ndarray:
    """(samples, RESAMPLES) t*² / (n − 1): it has the order of |t*|, without a root of each."""
    n = centred.shape[1]
    counts, both = _resamples(n), np.concatenate([centred, np.square(centred)])
    sums, width = np.empty((len(both), RESAMPLES)), max(1, _ALONE // both.size)
    for begin in range(0, RESAMPLES, width):
        some = slice(begin, begin + width)
        np.matmul(both, counts[:, some], out=sums[:, some])
    means, variances = sums[: len(centred)], sums[len(centred) :]  # n and n² times what they are called
    np.square(means, out=means)
    variances *= n
    variances -= means
    flat = variances <= n * n * least[:, None]
    if flat.any():
        variances[flat], means[flat] = 1.0, np.inf
    return np.divide(means, variances, out=means)


def _ordered(values: np.ndarray, at: int, beyond: float) -> float:
    """The value at a place of the sorted ones; it is looked for among those above ``beyond`` first."""
    few = values[values > beyond]
    place = at - (values.size - few.size)
    return float(np.partition(few, place)[place] if place >= 0 else np.partition(values, at)[at])


@lru_cache(maxsize=8)
def _resamples(n: int) -> np.ndarray:
    """(n, RESAMPLES): how often each of the sorted values is drawn; the second half mirrors the first."""
    drawn = np.random.default_rng([20, n]).multinomial(n, np.full(n, 1 / n), size=RESAMPLES // 2)
    return np.ascontiguousarray(np.concatenate([drawn, drawn[:, ::-1]]).T, dtype=float)
