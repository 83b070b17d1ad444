"""The random order of rows that labels the placebo: looked up by the samples' keys, not drawn from a stream."""

from __future__ import annotations

import torch
from torch import Tensor

from harness import keyed

PURPOSE = keyed.key("placebo order")


def ranks(keys: Tensor, valid: Tensor | None, shape: tuple[int, ...], axis: int) -> Tensor:
    """A random order of the pair axis for each sample: ranks, (B, T, J, C) int64.

    Frames are numbered by their place among the valid ones, so that padding changes no label.
    `harness.objectives.fused` compares the same draws without sorting them.

    Args:
        keys: (B,) int64.
        valid: (B, T) bool; None: every frame is valid.
        shape: B, T, J, C.
        axis: of these, the one whose members are paired.
    """
    b, t, j, c = shape
    device = keys.device
    frame = torch.arange(t, device=device).expand(b, t) if valid is None else valid.cumsum(1) - 1
    draws = keyed.combine(keys[:, None], PURPOSE, axis, frame)
    draws = keyed.combine(draws[:, :, None], torch.arange(j * c, device=device)).view(b, t, j, c)
    order = draws.argsort(axis)
    along = torch.arange(shape[axis], device=device).view(-1, *(1,) * (3 - axis))
    return torch.empty_like(order).scatter_(axis, order, along.expand_as(order))
