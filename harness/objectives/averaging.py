"""Means over frames and joints (or bones, or angles): which of them count, and what padding may hold."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.objectives.term import LossTerm


def mean_of(cost: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of ``cost`` (B, T, N) over the True frames of ``valid`` (B, T); 0 when there are none.

    The caller has already put zeros where ``valid`` is False.
    """
    if valid is None:
        return cost.sum() / max(cost.numel(), 1)
    return cost.sum() / (valid.sum() * cost.shape[-1]).clamp(min=1)


def error_of(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """pred − target, zero (whatever the padding holds, NaN included) in invalid frames."""
    error = pred - target
    return error if valid is None else error.masked_fill(~valid[:, :, None, None], 0.0)


def without_padding(poses: Tensor, valid: Tensor | None) -> Tensor:
    """Poses (B, T, J, C) with zeros in invalid frames, whatever stood there; no gradient goes there."""
    return poses if valid is None else poses.masked_fill(~valid[:, :, None, None], 0.0)


def together(mask: Tensor, span: int) -> Tensor:
    """Where ``span`` frames in a row are True: (B, T, …) → (B, T − span + 1, …)."""
    if span == 1:
        return mask
    length = max(mask.shape[1] - span + 1, 0)
    found = mask[:, :length]
    for shift in range(1, span):
        found = found & mask[:, shift : shift + length]
    return found


class Averaged(LossTerm):
    """The mean over frames and items of one cost each; an item is a joint unless a subclass says otherwise.

    A subclass overrides `cost`, which is never shown padding, and `shown` if its items aren't the joints.
    An item of several joints or frames is hidden as soon as one of its joints is, in one of its frames.
    Nothing to average over gives 0 with zero gradient.

    Args:
        over: which items count: all of them (a hidden joint still has a true position, and predicting it is the
            point), only visible ones, or only hidden ones. With unknown visibility everything is visible.

    Attributes:
        span: how many frames in a row one cost is made of.
    """

    span = 1

    def __init__(self, over: str) -> None:
        self.over = over

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        """Costs (B, T − span + 1, N) of poses (B, T, J, 3), finite with finite gradients for any finite poses."""
        raise NotImplementedError(f"{type(self).__name__} can't be computed from poses and masks alone")

    def shown(self, visible: Tensor) -> Tensor:
        """Which items are visible, (B, T, N), from the joints' visibility (B, T, J)."""
        return visible

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        cost = self.cost(without_padding(pred, valid), without_padding(target, valid))
        return self.mean(cost, visible, valid)

    def mean(self, cost: Tensor, visible: Tensor | None, valid: Tensor | None) -> Tensor:
        """Mean of costs (B, T − span + 1, N) over the items that count; masks are those of the frames."""
        real = None if valid is None else together(valid, self.span)
        if self.over == "all" or (self.over == "visible" and visible is None):
            return mean_of(cost if real is None else cost.masked_fill(~real[:, :, None], 0.0), real)
        if visible is None:
            return cost.sum() * 0.0
        chosen = together(self.shown(visible), self.span)
        chosen = chosen if self.over == "visible" else ~chosen
        if real is not None:
            chosen = chosen & real[:, :, None]
        return cost.masked_fill(~chosen, 0.0).sum() / chosen.sum().clamp(min=1)


def along(vectors: Tensor, order: int) -> Tensor:
    """Differences between neighbouring frames, ``order`` times over: (B, T, …) → (B, T − order, …)."""
    for _ in range(order):
        vectors = vectors[:, 1:] - vectors[:, :-1]
    return vectors


def between(poses: Tensor, starts: Sequence[int], ends: Sequence[int]) -> Tensor:
    """The vectors from joints to others in poses (B, T, J, 3), items first: (N, B, T, 3).

    So that a joint is gathered, and its gradient scattered, as one long row.
    """
    rows = poses.permute(2, 0, 1, 3).contiguous()  # (J, B, T, 3)
    start, end = (rows.index_select(0, torch.tensor(which, device=poses.device)) for which in (starts, ends))
    return end - start


def lengths(vectors: Tensor) -> Tensor:
    """Euclidean lengths (…) of vectors (…, C); the gradient of a zero length is 0."""
    return torch.linalg.vector_norm(vectors, dim=-1)
