"""The compiled loops of `harness.objectives.fused` over tensors: blocks of columns, pairs, precision."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from harness.objectives import fused, random_order
from harness.objectives.pairwise import Edges, Reach, Sums, Task

_COLUMNS, _CELLS = 240, 1 << 14  # of a block at most: long passes, in the second cache (columns: no 2ⁿ)
_LANES = 16  # a multiple of it is all vectors
_RANGE = {torch.float32: 160.0, torch.float64: 1400.0}  # of an exponent, so that sums and quotients stay normal


def fused_sums(task: Task) -> Sums | None:
    """The sums of a task on a CPU that has at least one row.

    Returns:
        None where a true depth that counts is no number, or the exponents of a form leave the range of double
        precision: then no numbers can be had this way.
    """
    found = _sums(task, task.pred, task.target)
    if found is None and task.form.exponent and task.pred.dtype != torch.float64:
        found = _sums(task, task.pred.double(), task.target.double())
    return found


def _sums(task: Task, pred: Tensor, target: Tensor) -> Sums | None:
    form, dtype = task.form, pred.dtype
    samples, frames, joints, _ = pred.shape
    shape = (samples, frames, joints)
    rows = shape[task.axis]
    how = (shape, task.axis == 1, task.first)
    columns = samples * frames * joints * (3 - task.first) // rows
    blocks = -(-columns // max(_COLUMNS, _CELLS // rows))
    width = -(-columns // (blocks * _LANES)) * _LANES
    p, t = (np.empty((blocks, rows, width), pred.detach().numpy().dtype) for _ in range(2))
    masked, partly = task.valid is not None, task.settled is not None
    v = np.empty_like(p) if partly else p
    valid = _flat(None if task.valid is None else task.valid[:, :, None].expand(shape))
    if not fused.gather(
        *how, _flat(pred), _flat(target), valid, _flat(task.settled), masked, partly, form.of_error, p, t, v
    ):
        return None
    power, order = p, np.zeros((0, *p.shape[1:]), np.int64)
    limit = p.dtype.type
    if form.exponent:
        power = np.empty_like(p)
        if not fused.exponents(p, limit(form.exponent), limit(_RANGE[dtype]), power):
            return None
        torch.from_numpy(power).exp_()
    if form.shuffled:
        order = np.zeros(p.shape, np.int64)
        fused.random_order(*how, _flat(task.keys), valid, masked, random_order.PURPOSE, task.axis, order)
    pairs, slope = _partners(task.select, rows), np.zeros_like(p)
    limits = (limit(task.min_gap), limit(form.parameter))
    value = fused.LOOPS[form.name](p, t, v, order, power, *pairs, *limits, partly, slope)
    if form.homogeneous:
        value += form.scale * fused.inner(slope, p)
    return Sums(value, torch.from_numpy(slope).to(task.pred.dtype), form.scale, spread=partial(_spread, *how))


def _spread(shape: tuple[int, int, int], across_frames: bool, first: int, slope: Tensor, factor: Tensor) -> Tensor:
    """Slopes · ``factor`` in their places among zeros: one pass, instead of one for each of the three."""
    gradient = torch.zeros((*shape, 3), dtype=slope.dtype)
    blocks = slope.numpy()
    fused.scatter(shape, across_frames, first, blocks, blocks.dtype.type(factor.item()), gradient.view(-1).numpy())
    return gradient


def _flat(x: Tensor | None) -> np.ndarray:
    """A tensor as one row, in memory; nothing for None."""
    return np.zeros(0, np.bool_) if x is None else x.detach().contiguous().view(-1).numpy()


@lru_cache(maxsize=16)
def _partners(select: Reach | Edges, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The selected pairs (i, j) as `fused` reads them: where those of each i begin, and all j."""
    if isinstance(select, Edges):
        first, second = np.sort(np.array(sorted(map(sorted, select.pairs)), np.int64).reshape(-1, 2)).T
    else:
        reach = rows if select.radius is None else select.radius
        ends = np.minimum(np.arange(rows) + reach, rows - 1)
        first = np.repeat(np.arange(rows), ends - np.arange(rows))
        second = np.concatenate([np.arange(i + 1, end + 1) for i, end in enumerate(ends)])
    return np.searchsorted(first, np.arange(rows + 1)), second.astype(np.int32)
