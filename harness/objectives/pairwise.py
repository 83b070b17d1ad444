"""Sums over pairs of rows, exact in value and gradient, in memory that grows with the rows only.

The pair axis (joints or frames) comes first, everything else is flattened behind it: (N, R). All
pairs at one distance are then the difference of two contiguous slices of one flat vector, so that a
pass over many thousand pairs is one call, and no tensor with two pair axes is ever made. Value and
gradient leave the same loop; nothing is kept for the backward pass but the gradient itself.
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

_SLAB = 1 << 17  # pairs worked on at once: a handful of such buffers stay in the processor's cache


@dataclass(frozen=True)
class Reach:
    """Pairs of rows at most ``radius`` apart; None: all pairs."""

    radius: int | None = None


@dataclass(frozen=True)
class Edges:
    """The listed pairs of rows."""

    pairs: tuple[tuple[int, int], ...]


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


class Sums(NamedTuple):
    """Σφ over unordered pairs, its gradient / ``scale`` (N, R), and how many pairs have a gradient."""

    value: float
    slope: Tensor
    scale: float
    active: int


class _Tally:
    """What a pass over the pairs collects besides the slopes."""

    def __init__(self, form: Form, min_gap: float, count: bool) -> None:
        self.form, self.min_gap, self.count = form, min_gap, count
        self.rest: list[Tensor] = []
        self.active = 0


@torch.no_grad()
def pair_sums(rows: Rows, select: Reach | Edges, form: Form, min_gap: float = 0.0, count: bool = False) -> Sums:
    """Sum a form over the unordered pairs of rows in each column.

    Args:
        rows: see `Rows`; the caller has put zeros where rows are invalid.
        select: which pairs.
        form: what a pair costs.
        min_gap: pairs whose true gap is at most this (metres) cost nothing, like ties.
        count: also count the pairs whose gradient is not zero.
    """
    if form.of_error:
        rows = rows._replace(pred=rows.pred - rows.true)
    n, columns = rows.pred.shape
    if isinstance(select, Reach) and not count and rows.pred.device.type == "cpu" and n > 1 and columns:
        from harness.objectives.fused_sums import fused_sums  # compiled loops load where they are needed

        found = fused_sums(rows, n - 1 if select.radius is None else select.radius, form, min_gap)
        if found is not None:
            return Sums(_value(rows.pred, found[0], form, found[1]), found[0], form.scale, 0)
    tally = _Tally(form, min_gap, count)
    slopes = []
    width = max(1, _SLAB // max(n, 1))
    for start in range(0, columns, width):
        part = rows
        if width < columns:
            part = rows.map(partial(_columns, start=start, width=width))
        slopes.append(_edges(part, select, tally) if isinstance(select, Edges) else _reach(part, select, tally))
    slope = slopes[0] if len(slopes) == 1 else torch.cat(slopes, dim=1) if slopes else torch.zeros_like(rows.pred)
    rest = torch.stack(tally.rest).sum(dtype=torch.float64).item() if tally.rest else 0.0
    return Sums(_value(rows.pred, slope, form, rest), slope, form.scale, tally.active)


def _value(pred: Tensor, slope: Tensor, form: Form, rest: float) -> float:
    return rest + form.scale * torch.mul(pred, slope).sum(dtype=torch.float64).item() if form.homogeneous else rest


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
