"""Sums over pairs of rows, exact in value and gradient, in memory that grows with the rows only.

On a CPU they are computed by the compiled loops of `harness.objectives.fused`, elsewhere by the tensor operations
below. There the pair axis (joints or frames) comes first, everything else is flattened behind it: (N, R). All pairs at
one distance are then the difference of two contiguous slices of one flat vector, so that a pass over many thousand
pairs is one call, and no tensor with two pair axes is ever made. Value and gradient leave the same loop; nothing is
kept for the backward pass but the gradient itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor

from harness.objectives.forms import Form
from harness.objectives.random_order import ranks

_SLAB = 1 << 17  # pairs worked on at once: a handful of such buffers stay in the processor's cache


@dataclass(frozen=True)
class Reach:
    """Pairs of rows at most ``radius`` apart; None: all pairs."""

    radius: int | None = None


@dataclass(frozen=True)
class Edges:
    """The listed pairs of rows."""

    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Task:
    """What is summed.

    Attributes:
        pred, target: (B, T, J, 3), metres, of one dtype.
        axis: of these, the one whose members (rows) are paired: 1 or 2.
        first: the first coordinate that is ordered; all after it are too.
        select: which pairs.
        form: what a pair costs.
        min_gap: pairs whose true gap is at most this (metres) cost nothing, like ties.
        valid: (B, T) bool, False for rows of frames that cost nothing, whatever they hold; None: all are valid.
        settled: (B, T, J) bool; pairs of two such rows are left out. None: no pair is left out.
        keys: (B,) int64, read by a shuffled form.
    """

    pred: Tensor
    target: Tensor
    axis: int
    first: int
    select: Reach | Edges
    form: Form
    min_gap: float = 0.0
    valid: Tensor | None = None
    settled: Tensor | None = None
    keys: Tensor | None = None


class Sums(NamedTuple):
    """What a task comes to.

    Attributes:
        value: Σφ over unordered pairs.
        slope: what its gradient is made of, in an order of its own.
        scale: the gradient is ``spread(slope, scale)``.
        active: how many pairs have a gradient, where counted.
        spread: called with ``slope`` and a scalar tensor; their product as (B, T, J, 3).
    """

    value: float
    slope: Tensor
    scale: float
    active: int = 0
    spread: Callable[[Tensor, Tensor], Tensor] = torch.mul


@torch.no_grad()
def pair_sums(task: Task, count: bool = False) -> Sums:
    """Sum a form over the unordered pairs of rows in each column.

    Args:
        count: also count the pairs whose gradient is not zero.
    """
    if task.pred.device.type == "cpu" and task.pred.numel() and not count:
        from harness.objectives.fused_sums import fused_sums  # compiled loops load where they are needed

        found = fused_sums(task)
        if found is not None:
            return found
    return tensor_sums(task, count)


def tensor_sums(task: Task, count: bool) -> Sums:
    """As `pair_sums`, by tensor operations."""
    form, coords = task.form, slice(task.first, 3)
    p, t = task.pred[..., coords], task.target[..., coords]
    weight = settled = order = None
    if task.valid is not None:
        padded = ~task.valid[:, :, None, None]
        p, t = p.masked_fill(padded, 0.0), t.masked_fill(padded, 0.0)
        # Where whole columns are padded their zeros tie, and ties cost nothing.
        weight = task.valid[:, :, None, None].to(p.dtype).expand(p.shape) if task.axis == 1 else None
    if task.settled is not None:
        settled = task.settled[..., None].to(p.dtype).expand(p.shape)
    if task.keys is not None and form.shuffled:
        order = ranks(task.keys, task.valid, p.shape, task.axis).to(p.dtype)
    if form.of_error:
        p = p - t
    each = (x if x is None else _flatten(x, task.axis) for x in (p, t, weight, settled, order))
    rows = Rows(*each)  # type: ignore[arg-type]  # the first two are there
    tally = _Tally(form, task.min_gap, count)
    n, columns = rows.pred.shape
    slopes = []
    width = max(1, _SLAB // max(n, 1))
    for start in range(0, columns, width):
        part = rows
        if width < columns:
            part = rows.map(partial(_columns, start=start, width=width))
        select = task.select
        slopes.append(_edges(part, select, tally) if isinstance(select, Edges) else _reach(part, select, tally))
    slope = slopes[0] if len(slopes) == 1 else torch.cat(slopes, dim=1) if slopes else torch.zeros_like(rows.pred)
    value = torch.stack(tally.rest).sum(dtype=torch.float64).item() if tally.rest else 0.0
    if form.homogeneous:
        value += form.scale * torch.mul(rows.pred, slope).sum(dtype=torch.float64).item()
    gradient = torch.zeros_like(task.pred)
    place = gradient[..., coords].movedim(task.axis, 0)
    place.copy_(slope.view(place.shape))
    return Sums(value, gradient, form.scale, tally.active)


def _flatten(x: Tensor, axis: int) -> Tensor:
    """(B, T, J, C) → (pair axis, everything else), contiguous."""
    return x.movedim(axis, 0).reshape(x.shape[axis], -1).contiguous()


class Rows(NamedTuple):
    """What the pair sum looks at, each (N, R).

    pred: predicted depth (or another coordinate), metres.
    true: the true one, metres, same dtype.
    weight: 1 for a valid row, 0 for an invalid one; None: all valid.
    settled: 1 for a row that is valid and visible: pairs of two such rows are left out. None: no
        pair is left out.
    order: the random order that labels a shuffled form.
    """

    pred: Tensor
    true: Tensor
    weight: Tensor | None = None
    settled: Tensor | None = None
    order: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Rows:
        """Each tensor that is there, changed."""
        pred, true, *masks = self
        return Rows(change(pred), change(true), *(x if x is None else change(x) for x in masks))


class _Tally:
    """What a pass over the pairs collects besides the slopes."""

    def __init__(self, form: Form, min_gap: float, count: bool) -> None:
        self.form, self.min_gap, self.count = form, min_gap, count
        self.rest: list[Tensor] = []
        self.active = 0


def _reach(rows: Rows, select: Reach, tally: _Tally) -> Tensor:
    """Pairs by distance along the first axis. Returns Σ slope for each row, (N, R)."""
    n, r = rows.pred.shape
    if n < 2:
        return torch.zeros_like(rows.pred)
    radius = n - 1 if select.radius is None else min(select.radius, n - 1)
    ring = radius == n - 1
    # Written twice over, a vector holds the pairs at distances o and n − o as one slice of full length.
    flat = rows.map(lambda x: (torch.cat((x, x)) if ring else x).reshape(-1))
    sums = torch.zeros_like(flat.pred)
    buffers = [flat.pred.new_empty(n * r) for _ in range(3)]
    begin = flat.map(lambda x: x[: n * r])
    starts = list(range(1, n // 2 + 1 if ring else radius + 1))
    windows = zip(*(_windows(x, starts, n, r) for x in (sums, *flat)), strict=False)
    for offset, (into, *operands) in zip(starts, windows, strict=True):
        later, earlier, scratch = Rows(*operands), begin, buffers
        size = into.numel()
        if ring and 2 * offset == n:  # across the ring: each pair would come twice
            size //= 2
            into, later = into[:size], later.map(partial(_first, size=size))
        if size != n * r:
            earlier = begin.map(partial(_first, size=size))
            scratch = [x[:size] for x in buffers]
        slope = _slab(later, earlier, scratch, tally)
        into.add_(slope)
        sums[:size].sub_(slope)
    sums = sums.view(-1, r)
    return sums[:n] + sums[n:] if ring else sums


def _windows(x: Tensor | None, starts: list[int], n: int, r: int) -> Iterator[Tensor | None]:
    """The up to n rows of flat ``x`` from each start on."""
    if x is None:
        return repeat(None)
    if x.numel() == n * r:
        return iter([x[start * r :] for start in starts])
    return iter(x[: (starts[-1] + n) * r].unfold(0, n * r, r).unbind(0)[1:])


def _columns(x: Tensor, start: int, width: int) -> Tensor:
    return x[:, start : start + width].contiguous()


def _first(x: Tensor, size: int) -> Tensor:
    return x[:size]


def _edges(rows: Rows, select: Edges, tally: _Tally) -> Tensor:
    """The listed pairs. Returns Σ slope for each row, (N, R)."""
    first, second = torch.tensor(select.pairs, device=rows.pred.device).T
    later, earlier = rows.map(lambda x: x[second].view(-1)), rows.map(lambda x: x[first].view(-1))
    slope = _slab(later, earlier, [torch.empty_like(later.pred) for _ in range(3)], tally).view(len(second), -1)
    return torch.zeros_like(rows.pred).index_add_(0, second, slope).index_add_(0, first, slope, alpha=-1)


def _slab(later: Rows, earlier: Rows, buffers: list[Tensor], tally: _Tally) -> Tensor:
    """Slopes of one slab of pairs (earlier, later); what else they add to the value is tallied."""
    d, h, scratch = buffers
    form = tally.form
    torch.sub(later.true, earlier.true, out=h)
    if tally.min_gap:
        torch.hardshrink(h, tally.min_gap, out=h)
    if later.weight is not None and earlier.weight is not None:
        h.mul_(torch.mul(later.weight, earlier.weight, out=scratch))
    if later.settled is not None and earlier.settled is not None:
        h.addcmul_(h, torch.mul(later.settled, earlier.settled, out=scratch), value=-1.0)
    if later.order is not None and earlier.order is not None:
        h.ne_(0).mul_(torch.sub(later.order, earlier.order, out=scratch).sign_())
    torch.sub(later.pred, earlier.pred, out=d)
    slope, rest = form.slope(d, h, scratch, form.parameter)
    if rest is not None:
        tally.rest.append(rest)
    if tally.count:
        tally.active += int(torch.count_nonzero(slope))
    return slope
