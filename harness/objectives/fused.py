"""The depth-order sums on a CPU, in compiled loops: each pair is worked on in registers, none is stored.

A *column* holds the joints of one frame or the frames of one joint, in one coordinate; its *rows* are paired. `gather`
lays the columns of a batch of poses side by side, in blocks (rows, columns) that stay in the processor's caches. There
the pairs of two rows are one pass along the columns, which the compiler turns into vector instructions: `LOOPS`
has that loop for each form, made of one text and a few lines that say what a pair costs. `scatter` puts the slopes
where the poses had the rows. One thread works, and nothing is reordered for speed.

All are compiled by numba when first called and kept on disk. Arrays are C-contiguous, poses and masks flat:

    shape             (B, T, J)
    across_frames     rows are frames rather than joints
    first             the first coordinate that is ordered; all after it are too
    valid, settled    (B·T·J) bool: rows that count; those of which pairs of two are left out
    p, t, v, slope    (blocks, rows, columns): predicted and true depth, settled (1 or 0), and Σ slope
    order             likewise, int64: the draws whose order labels the placebo

Forms with an exponential need none for each pair: with E = exp(ẑ/τ) for each row, the logistic function of the
gap between two rows a and b is E_b / (E_a + E_b).
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np

from harness import keyed
from harness.compiled import compiled

_FLUSH = 96  # factors, each at least ½, that are multiplied before their logarithm is taken
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)  # no wider than what they meet
_NAN, _INF = np.float32(np.nan), np.float32(np.inf)
_GOLDEN, _MIX_1, _MIX_2 = keyed.GOLDEN, keyed.MIX_1, keyed.MIX_2


@numba.njit
def _places(shape, across_frames, first, block, width):
    """Where in flat (B·T·J·3) the first row of each column of a block lies, and how far apart its rows are.

    The last block may hold fewer columns than ``width``.
    """
    samples, frames, joints = shape
    coords = 3 - first
    columns = samples * (joints if across_frames else frames) * coords
    # Unsigned, as an index that may be negative costs a comparison each time.
    begins = np.empty(min(width, columns - block * width), np.uint64)
    for c in range(len(begins)):
        at, k = divmod(block * width + c, coords)
        if across_frames:
            n, j = divmod(at, joints)
            at = n * frames * joints + j
        else:
            at *= joints
        begins[c] = 3 * at + first + k
    return begins, np.uint64(3 * joints if across_frames else 3)


@numba.njit
def _row(begin, i, step):
    return (begin + np.uint64(i) * step) // np.uint64(3)


@compiled
def gather(shape, across_frames, first, pose, truth, valid, settled, masked, partly, of_error, p, t, v):
    """Write p (of errors ẑ − z where ``of_error``), t and, where ``partly``, v; columns that hold nothing are zeros.

    Args:
        pose, truth: flat (B·T·J·3), metres.
        valid: read where ``masked``. Other rows get a depth that is neither before nor behind any.
    Returns:
        Whether every true depth is a number.
    """
    blocks, rows, width = p.shape
    for block in range(blocks):
        begins, step = _places(shape, across_frames, first, block, width)
        count = len(begins)
        here_p, here_t = p[block], t[block]
        here_p[:, count:] = here_t[:, count:] = _ZERO
        for c in range(count):
            at = begins[c]
            for i in range(rows):
                here_p[i, c], here_t[i, c] = pose[at], truth[at]
                at += step
        if masked:
            for c in range(count):
                for i in range(rows):
                    if not valid[_row(begins[c], i, step)]:
                        here_p[i, c] = here_t[i, c] = _ZERO
        unlike = 0
        for i in range(rows):
            for c in range(width):
                unlike |= here_t[i, c] - here_t[i, c] != _ZERO
                if of_error:
                    here_p[i, c] -= here_t[i, c]
        if unlike:
            return False
        if masked:
            for c in range(count):
                for i in range(rows):
                    if not valid[_row(begins[c], i, step)]:
                        here_t[i, c] = _NAN
        if partly:
            v[block, :, count:] = _ZERO
            for c in range(count):
                for i in range(rows):
                    v[block, i, c] = _ONE if settled[_row(begins[c], i, step)] else _ZERO
    return True


@compiled
def inner(slope, p):
    """Σ slope · p, in double precision."""
    blocks, rows, width = p.shape
    sums = np.zeros(width, np.float64)
    for block in range(blocks):
        for i in range(rows):
            for c in range(width):
                sums[c] += np.float64(p[block, i, c]) * np.float64(slope[block, i, c])
    return sums.sum()


@compiled
def scatter(shape, across_frames, first, slope, factor, gradient):
    """Write slope · ``factor`` into flat (B·T·J·3) ``gradient``."""
    blocks, rows, width = slope.shape
    for block in range(blocks):
        begins, step = _places(shape, across_frames, first, block, width)
        here = slope[block]
        for c in range(len(begins)):
            at = begins[c]
            for i in range(rows):
                gradient[at] = here[i, c] * factor
                at += step


@compiled
def exponents(p, exponent, reach, power):
    """Multiply p by ``exponent``, and write log E; False where it spans more than ``reach`` in a column."""
    blocks, rows, width = p.shape
    low, high = np.zeros(width, p.dtype), np.zeros(width, p.dtype)
    for block in range(blocks):
        low[:], high[:] = _INF, -_INF
        for i in range(rows):
            for c in range(width):
                p[block, i, c] *= exponent
                low[c], high[c] = min(low[c], p[block, i, c]), max(high[c], p[block, i, c])
        for c in range(width):
            if not high[c] - low[c] <= reach:
                return False
        for i in range(rows):
            for c in range(width):
                power[block, i, c] = p[block, i, c] - (low[c] + high[c]) * _HALF
    return True


@numba.njit
def _combine(key, part):
    """One part more in a key: the step of `harness.keyed.combine`."""
    return _mix(key * 5 + part * _GOLDEN + 1)


@numba.njit
def _mix(x):
    """As `harness.keyed.mix`."""
    x = (x ^ ((x >> 30) & ((1 << 34) - 1))) * _MIX_1
    x = (x ^ ((x >> 27) & ((1 << 37) - 1))) * _MIX_2
    return x ^ ((x >> 31) & ((1 << 33) - 1))


@compiled
def random_order(shape, across_frames, first, keys, valid, masked, purpose, axis, order):
    """Write the draws that `harness.objectives.random_order.ranks` sorts; ``keys``: (B,) int64."""
    blocks, rows, width = order.shape
    samples, frames, joints = shape
    coords = 3 - first
    of_frame = np.zeros((samples, frames), np.int64)
    for n in range(samples):
        key, count = _combine(_combine(_mix(keys[n]), purpose), axis), -1
        for f in range(frames):
            count += 1 if not masked or valid[(n * frames + f) * joints] else 0
            of_frame[n, f] = _mix(_combine(key, count))
    of_frame = of_frame.ravel()
    for block in range(blocks):
        begins, _ = _places(shape, across_frames, first, block, width)
        place = begins.astype(np.int64)
        frame, place = place // (3 * joints), place % (3 * joints)
        part = place // 3 * coords + place % 3 - first
        here, key = order[block], np.empty(len(begins), np.int64)
        for i in range(rows):
            if across_frames or i == 0:
                for c in range(len(begins)):
                    key[c] = of_frame[frame[c] + i]
            for c in range(len(begins)):
                here[i, c] = _combine(key[c], part[c] + (0 if across_frames else i * coords))


@numba.njit
def _hinge(s, h, d, turn, a, b, limit):
    """What one pair costs.

    Args:
        s, h, d: label, true gap and predicted gap (in units of τ, for forms that have one).
        turn: the label of a random order.
        a, b: E of the module's text for both rows.
        limit: the margin, metres.
    Returns:
        The slope (see `harness.objectives.forms`), what slope · d lacks of the cost, and e to the power of minus
        what these two lack.
    """
    return s if s * d < _ZERO else _ZERO, _ZERO, _ONE


@numba.njit
def _placebo(s, h, d, turn, a, b, limit):
    s = abs(s) * turn
    return s if s * d < _ZERO else _ZERO, _ZERO, _ONE


@numba.njit
def _difference(s, h, d, turn, a, b, limit):
    return ((_ONE if d > _ZERO else _ZERO) - (_ONE if d < _ZERO else _ZERO)) * abs(s), _ZERO, _ONE


@numba.njit
def _margin(s, h, d, turn, a, b, limit):
    size = abs(h)
    bound = size if size < limit else limit
    g = s if bound > s * d else _ZERO
    return g, bound * abs(g), _ONE


@numba.njit
def _logistic(s, h, d, turn, a, b, limit):
    q = (a if s > _ZERO else b) / (a + b)
    x = s * d
    larger = q if q > _ONE - q else _ONE - q
    # log(1 + exp(−x)) = max(0, −x) − log max(q, 1 − q)
    return q * s, (-x if x < _ZERO else _ZERO), (larger if s != _ZERO else _ONE)


@numba.njit
def _soft(s, h, d, turn, a, b, limit):
    q = (a if s > _ZERO else b) / (a + b)
    return (q - q * q) * s, (q + q) * abs(s), _ONE


_cost, _SHUFFLED, _POWERS, _RESTS, _FACTORS = _hinge, False, False, False, False  # `_with` has others


def _pair_loop(p, t, v, order, power, begins, partners, gap, limit, partly, slope):
    """Add the slopes of all pairs to ``slope``.

    Args:
        power: E of the module's text.
        begins, partners: row i is paired with each of ``partners[begins[i] : begins[i + 1]]``.
        gap, limit: ``min_gap`` and the margin, metres.
    Returns:
        What Σ slope · d lacks of the sum.
    """
    blocks, rows, width = p.shape
    turn = a = b = _ONE
    rest, factor = np.zeros(width, p.dtype), np.ones(width, p.dtype)
    total, pending = 0.0, 0
    for block in range(blocks):
        for i in range(rows):
            for at in range(begins[i], begins[i + 1]):
                j = partners[at]
                for c in range(width):
                    h = t[block, j, c] - t[block, i, c]
                    s = (_ONE if h > gap else _ZERO) - (_ONE if h < -gap else _ZERO)
                    if partly:
                        s *= _ONE - v[block, j, c] * v[block, i, c]
                    if _SHUFFLED:
                        turn = _ONE if order[block, j, c] > order[block, i, c] else -_ONE
                    if _POWERS:
                        a, b = power[block, i, c], power[block, j, c]
                    g, more, times = _cost(s, h, p[block, j, c] - p[block, i, c], turn, a, b, limit)
                    slope[block, j, c] += g
                    slope[block, i, c] -= g
                    if _RESTS:
                        rest[c] += more
                    if _FACTORS:
                        factor[c] *= times
                pending += 1
                if pending == _FLUSH:
                    total += rest.sum() - (np.log(factor).sum() if _FACTORS else _ZERO)
                    rest[:], factor[:] = _ZERO, _ONE
                    pending = 0
    return total + rest.sum() - np.log(factor).sum()


def _with(cost: Callable[..., Any], **flags: bool) -> Callable[..., Any]:
    """`_pair_loop` with another cost and other flags: what globals name is a constant to the compiler, and inlined."""
    own = FunctionType(_pair_loop.__code__, {**globals(), "_cost": cost, **flags}, cost.__name__)
    own.__qualname__, own.__module__ = f"{_pair_loop.__name__}{cost.__name__}", __name__
    return compiled(own)


LOOPS = {
    "hinge": _with(_hinge),
    "margin": _with(_margin, _RESTS=True),
    "logistic": _with(_logistic, _POWERS=True, _RESTS=True, _FACTORS=True),
    "soft": _with(_soft, _POWERS=True, _RESTS=True),
    "difference": _with(_difference),
    "placebo": _with(_placebo, _SHUFFLED=True),
}
