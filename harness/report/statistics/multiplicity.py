"""Corrections for many tests that control the chance of any false positive at all (the familywise error)."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Arm = TypeVar("Arm", bound=Hashable)


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


def fixed_order(pvalues: Mapping[Arm, Sequence[float]]) -> dict[Arm, np.ndarray]:
    """p-values corrected by Holm across arms and in fixed order within an arm.

    Each arm's tests stand in the order in which they are made (the area under the curve, then severe → none); a test
    counts only once all before it in its arm are rejected, and only an arm with nothing left to test hands its share
    of α to the others. This is a sequentially rejective graph (Bretz, Maurer, Brannath, Posch, Statistics in
    Medicine 28, 2009) with equal initial weights, so the chance of any false positive stays at α, however the tests
    depend on each other. With one test an arm it is `holm`.

    A NaN ends its arm's chain: it and what stands behind it aren't tests and stay NaN.

    Args:
        pvalues: arm → p-values in the order of testing.
    Returns:
        the same shape; a corrected p below α is a rejection at α.
    """
    corrected = {arm: np.full(len(p), np.nan) for arm, p in pvalues.items()}
    left = {arm: [float(p) for p in _until_nan(chain)] for arm, chain in pvalues.items()}
    left = {arm: chain for arm, chain in left.items() if chain}
    reached = 0.0
    while left:
        # All arms that still test hold the same share, 1 / their number.
        arm = min(left, key=lambda one: left[one][0])
        chain = left[arm]
        reached = max(reached, min(1.0, len(left) * chain[0]))
        done = int(np.flatnonzero(np.isnan(corrected[arm]))[0])
        corrected[arm][done] = reached
        del chain[0]
        if not chain:
            del left[arm]
    return corrected


def _until_nan(chain: Sequence[float]) -> list[float]:
    end = next((i for i, p in enumerate(chain) if math.isnan(p)), len(chain))
    return list(chain[:end])
