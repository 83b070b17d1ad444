"""Sums over pairs of rows, exact in value and gradient, in memory that grows with the rows only.

The pair axis (joints or frames) comes first, everything else is flattened behind it: (N, R). All
pairs at one distance o are then the difference of two contiguous slices of one flat vector, so that
a pass over a few thousand pairs is one call, and no tensor with two pair axes is ever made. Value and
gradient leave the same loop; nothing is kept for the backward pass but the gradient itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.objectives.forms import Form

Operands = list[Tensor | None]  # pred or error, true, weight, settled, order: as in `Rows`

_SLAB = 1 << 17  # pairs worked on at once: a handful of such float32 buffers stay in the processor's cache


@dataclass(frozen=True)
class Reach:
    """Pairs of rows at most ``radius`` apart; None: all pairs."""

    radius: int | None = None


@dataclass(frozen=True)
class Edges:
    """The listed pairs of rows."""

    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Rows:
    """What the pair sum looks at, each (N, R) and contiguous.

    Attributes:
        pred: predicted depth (or another coordinate), metres.
        true: the true one, metres, same dtype.
        weight: 1 for a valid row, 0 for an invalid one; None: all valid.
        settled: 1 for a row that is valid and visible: pairs of two such rows are left out. None:
            no pair is left out.
        order: the random order that labels a shuffled form.
    """

    pred: Tensor
    true: Tensor
    weight: Tensor | None = None
    settled: Tensor | None = None
    order: Tensor | None = None


@dataclass(frozen=True)
class Sums:
    """Σφ over unordered pairs (float64 scalar), its gradient (N, R), and how many pairs have one."""

    value: Tensor
    gradient: Tensor
    active: int | None = None


def pair_sums(rows: Rows, select: Reach | Edges, form: Form, min_gap: float = 0.0, count: bool = False) -> Sums:
    """Sum a form over the unordered pairs of rows in each column.

    Args:
        rows: see `Rows`; the caller has put zeros where rows are invalid.
        select: which pairs.
        form: what a pair costs.
        min_gap: pairs whose true gap is at most this (metres) cost nothing, like ties.
        count: also count the pairs whose gradient is not zero.
    """
    base = rows.pred - rows.true if form.of_error else rows.pred
    n, columns = base.shape
    gradient = torch.zeros_like(base)
    rest: list[Tensor] = []
    active = [] if count else None
    per_chunk = max(1, _SLAB // max(n, 1))
    for start in range(0, columns, per_chunk):
        part = slice(start, start + per_chunk)
        operands = [None if x is None else x[:, part] for x in (base, rows.true, rows.weight, rows.settled, rows.order)]
        loop = _edges if isinstance(select, Edges) else _reach
        gradient[:, part] = loop(operands, select, form, min_gap, rest, active)
    gradient.mul_(form.scale)
    value = torch.stack(rest).sum(dtype=torch.float64) if rest else gradient.new_zeros((), dtype=torch.float64)
    if form.homogeneous:
        value = value + (base.double() * gradient.double()).sum()
    return Sums(value, gradient, None if active is None else int(sum(active)))


def _reach(
    operands: Operands, select: Reach, form: Form, min_gap: float, rest: list[Tensor], active: list[Tensor] | None
) -> Tensor:
    """Pairs by distance along the first axis. Returns Σ slope for each row, (N, R)."""
    base = operands[0]
    n, r = base.shape
    radius = n - 1 if select.radius is None else min(select.radius, n - 1)
    circular = radius == n - 1
    # Written twice over, a vector holds distances o and n − o together as one slice of full length.
    flat = [x if x is None else (torch.cat((x, x)) if circular else x).reshape(-1) for x in operands]
    sums = base.new_zeros(2 * n * r if circular else n * r)
    spans = list(_circular_spans(n)) if circular else [(o, n - o) for o in range(1, radius + 1)]
    buffers = [base.new_empty(n * r) for _ in range(3)]
    for offset, length in spans:
        begin, size = offset * r, length * r
        later = [None if x is None else x[begin : begin + size] for x in flat]
        earlier = [None if x is None else x[:size] for x in flat]
        slope = _slab(later, earlier, form, min_gap, [b[:size] for b in buffers], rest, active)
        sums[begin : begin + size].add_(slope)
        sums[:size].sub_(slope)
    sums = sums.view(-1, r)
    return sums[:n] + sums[n:] if circular else sums


def _edges(
    operands: Operands, select: Edges, form: Form, min_gap: float, rest: list[Tensor], active: list[Tensor] | None
) -> Tensor:
    """The listed pairs. Returns Σ slope for each row, (N, R)."""
    base = operands[0]
    first, second = torch.tensor(select.pairs, device=base.device).T
    later = [None if x is None else x[second].reshape(-1) for x in operands]
    earlier = [None if x is None else x[first].reshape(-1) for x in operands]
    slope = _slab(later, earlier, form, min_gap, [torch.empty_like(later[0]) for _ in range(3)], rest, active)
    slope = slope.view(len(second), -1)
    return torch.zeros_like(base).index_add_(0, second, slope).index_add_(0, first, slope, alpha=-1)


def _slab(
    later: Operands,
    earlier: Operands,
    form: Form,
    min_gap: float,
    buffers: list[Tensor],
    rest: list[Tensor],
    active: list[Tensor] | None,
) -> Tensor:
    """Slopes of one slab of pairs (earlier, later); the remaining value goes to ``rest``."""
    d, h, scratch = buffers
    torch.sub(later[1], earlier[1], out=h)
    if min_gap:
        torch.hardshrink(h, min_gap, out=h)
    if later[2] is not None:
        h.mul_(torch.mul(later[2], earlier[2], out=scratch))
    if later[3] is not None:
        h.addcmul_(h, torch.mul(later[3], earlier[3], out=scratch), value=-1.0)
    if form.shuffled:
        torch.sub(later[4], earlier[4], out=scratch).sign_()
        h.ne_(0).mul_(scratch)
    torch.sub(later[0], earlier[0], out=d)
    slope, more = form.slope(d, h, scratch, form.parameter)
    if more is not None:
        rest.append(more)
    if active is not None:
        active.append(torch.count_nonzero(slope))
    return slope


def _circular_spans(n: int) -> Iterator[tuple[int, int]]:
    """(distance, pairs) covering every unordered pair of n rows on a ring once."""
    for offset in range(1, (n + 1) // 2):
        yield offset, n
    if n % 2 == 0 and n:
        yield n // 2, n // 2
