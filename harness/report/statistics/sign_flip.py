"""The sign-flip test of paired differences: needs no normality, only symmetry about the null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

EXACT_UP_TO = 16
DRAWS = 19_999
_ALONE = 8_000
"""Numbers of a matrix that a BLAS library multiplies with a vector in one thread; see `resampling`."""


def sign_flip(differences: Sequence[float] | np.ndarray) -> float:
    """Two-sided p-value of mean 0: the share of sign patterns whose sum lies at least as far from 0 as the one seen.

    Exact (all 2^n patterns) up to n = 16; beyond that 19,999 random patterns that depend on n only, the one seen
    counted among them (Phipson and Smyth 2010). With n ≤ 5 it can't fall below 0.0625, however large the effect.
    NaN with fewer than two differences. Skewed differences aren't of its null hypothesis, and it finds too many of
    them: reports leave it out where differences look so (`Paired.p_sign_flip`).
    """
    d = np.asarray(list(differences), dtype=float)
    if d.size < 2:
        return math.nan
    # Sums of the same numbers in another order differ in their last digits: those count as equal.
    seen = abs(float(d.sum())) - 1e-12 * float(np.abs(d).sum())
    if d.size <= EXACT_UP_TO:
        # A pattern and its opposite lie equally far out: half of them, with the first sign fixed, will do.
        sums = d[:1]
        for one in d[1:]:
            sums = np.concatenate([sums + one, sums - one])
        return float(np.mean(np.abs(sums) >= seen))
    sums = 2.0 * (_patterns(d.size) @ d).ravel()[:DRAWS] - d.sum()
    return float((1 + np.count_nonzero(np.abs(sums) >= seen)) / (1 + DRAWS))


@lru_cache(maxsize=4)
def _patterns(n: int) -> np.ndarray:
    """(blocks, rows, n) zeros and ones, as the numbers they are multiplied with: products of integers are slow.

    The first `DRAWS` rows are the patterns; a block is what a BLAS library multiplies in one thread.
    """
    drawn = np.random.default_rng([21, n]).integers(0, 2, (DRAWS, n), dtype=np.int8)
    rows = max(1, _ALONE // n)
    blocks = np.zeros((-(-DRAWS // rows), rows, n))
    blocks.reshape(-1, n)[:DRAWS] = drawn
    return blocks
