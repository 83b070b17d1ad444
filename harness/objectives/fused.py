"""The pair loops of `harness.objectives.pairwise` on a CPU: each pair is worked on in registers, none is stored.

One function a form, all of one shape, compiled by numba when first called and kept on disk. They take blocks of
columns small enough for the processor's caches; the pairs of two rows are one pass along the columns, which the
compiler turns into vector instructions. One thread works, and nothing is reordered for speed: the numbers are
the same on every machine.

A row whose true depth is NaN has no label and so costs nothing: the caller marks invalid rows that way.

Forms with an exponential need none for each pair: with E = exp(ẑ/τ) for each row, the logistic function of the
gap between two rows a and b is E_b / (E_a + E_b).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_FLUSH = 96  # factors, each at least ½, that are multiplied before their logarithm is taken


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # there is no folder to keep it in: compile anew in each process
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def hinge(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """Add the slopes of all pairs to ``slope``.

    Args:
        pred, true: as in `harness.objectives.pairwise.Rows`, here and below (blocks, N, columns).
        settled: likewise; read where ``partly``, and finite elsewhere.
        order: likewise; read by `placebo`.
        power: E of the module's text; read by `logistic`, whose ``pred`` is in units of τ, and `soft`.
        gap, limit: ``min_gap`` and the margin, metres.
        radius: the largest distance between the two rows of a pair.
        slope: written.
    Returns:
        What Σ slope·d lacks of the sum (see `harness.objectives.forms`).
    """
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine = [np.zeros(columns, pred.dtype) for _ in range(4)]
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    g = s if s * (pred[k, j, c] - p[c]) < zero else zero
                    slope[k, j, c] += g
                    mine[c] -= g
            for c in range(columns):
                slope[k, i, c] = mine[c]
    return 0.0


@_compiled
def placebo(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """As `hinge`, with labels of a random order where the true one has labels."""
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine, own = [np.zeros(columns, pred.dtype) for _ in range(5)]
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c], own[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                    order[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    turn = order[k, j, c] - own[c]
                    s = abs(s) if turn > zero else -abs(s)
                    g = s if s * (pred[k, j, c] - p[c]) < zero else zero
                    slope[k, j, c] += g
                    mine[c] -= g
            for c in range(columns):
                slope[k, i, c] = mine[c]
    return 0.0


@_compiled
def difference(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """As `hinge`; ``pred`` holds errors, ẑ − z."""
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine = [np.zeros(columns, pred.dtype) for _ in range(4)]
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    d = pred[k, j, c] - p[c]
                    g = ((one if d > zero else zero) - (one if d < zero else zero)) * abs(s)
                    slope[k, j, c] += g
                    mine[c] -= g
            for c in range(columns):
                slope[k, i, c] = mine[c]
    return 0.0


@_compiled
def margin(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """As `hinge`."""
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine = [np.zeros(columns, pred.dtype) for _ in range(4)]
    total, pending = 0.0, 0
    rest = np.zeros(columns, pred.dtype)
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    size = abs(h)
                    bound = size if size < limit else limit
                    g = s if bound > s * (pred[k, j, c] - p[c]) else zero
                    rest[c] += bound * abs(g)
                    slope[k, j, c] += g
                    mine[c] -= g
                pending += 1
                if pending == _FLUSH:
                    for c in range(columns):
                        total += rest[c]
                        rest[c] = zero
                    pending = 0
            for c in range(columns):
                slope[k, i, c] = mine[c]
    for c in range(columns):
        total += rest[c]
    return total


@_compiled
def logistic(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """As `hinge`."""
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine, own = [np.zeros(columns, pred.dtype) for _ in range(5)]
    total, pending = 0.0, 0
    rest = np.zeros(columns, pred.dtype)
    product = np.ones(columns, pred.dtype)
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c], own[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                    power[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    a, b = own[c], power[k, j, c]
                    q = (a if s > zero else b) / (a + b)
                    g = q * s
                    # log(1 + exp(−x)) = max(0, −x) − log max(q, 1 − q)
                    x = s * (pred[k, j, c] - p[c])
                    rest[c] += -x if x < zero else zero
                    larger = q if q > one - q else one - q
                    product[c] *= larger if s != zero else one
                    slope[k, j, c] += g
                    mine[c] -= g
                pending += 1
                if pending == _FLUSH:
                    for c in range(columns):
                        total += rest[c] - np.log(product[c])
                        rest[c], product[c] = zero, one
                    pending = 0
            for c in range(columns):
                slope[k, i, c] = mine[c]
    for c in range(columns):
        total += rest[c] - np.log(product[c])
    return total


@_compiled
def soft(pred, true, settled, order, power, gap, limit, radius, partly, slope):
    """As `hinge`."""
    blocks, n, columns = pred.shape
    one, zero = pred.dtype.type(1), pred.dtype.type(0)
    p, t, v, mine, own = [np.zeros(columns, pred.dtype) for _ in range(5)]
    total, pending = 0.0, 0
    rest = np.zeros(columns, pred.dtype)
    for k in range(blocks):
        for i in range(n):
            for c in range(columns):
                p[c], t[c], v[c], mine[c], own[c] = (
                    pred[k, i, c],
                    true[k, i, c],
                    settled[k, i, c] if partly else zero,
                    slope[k, i, c],
                    power[k, i, c],
                )
            for j in range(i + 1, min(n, i + radius + 1)):
                for c in range(columns):
                    h = true[k, j, c] - t[c]
                    s = (one if h > gap else zero) - (one if h < -gap else zero)
                    s *= one - settled[k, j, c] * v[c]
                    a, b = own[c], power[k, j, c]
                    q = (a if s > zero else b) / (a + b)
                    g = (q - q * q) * s
                    rest[c] += (q + q) * abs(s)
                    slope[k, j, c] += g
                    mine[c] -= g
                pending += 1
                if pending == _FLUSH:
                    for c in range(columns):
                        total += rest[c]
                        rest[c] = zero
                    pending = 0
            for c in range(columns):
                slope[k, i, c] = mine[c]
    for c in range(columns):
        total += rest[c]
    return total
