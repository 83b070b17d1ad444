"""Ordinal depth across the joints of a frame, ties included."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.errors import UserError
from harness.objectives.averaging import without_padding
from harness.objectives.term import LossTerm


class OrdinalDepth(LossTerm):
    """Ordinal depth ranking: mean over frames and unordered pairs {i, j} of joints of a cost of d = (ẑ_j − ẑ_i)/τ.

    A pair whose true depths are more than ``tie`` apart costs log(1 + exp(−s·d)), s the sign of z_j − z_i; any other,
    a tie, costs d². So depths are pushed apart in the true order, and together where there is none: unlike the
    relational terms, which leave ties alone. A pair counts where its frame is valid.

    Source: Pavlakos et al., CVPR 2018 (ordinal depth supervision), whose joints' relations were annotated
    by people and are worked out from true depths here; τ = 1 is their form in metres.

    Args:
        pairs: all pairs of joints, or bones only.
        tau: the scale τ, metres: much below it a pair is nearly tied, much above it nearly settled.
        tie: largest difference of true depth that counts as the same depth, metres.
        over: all pairs, or only those of two visible joints, or with an occluded one.
    """

    def __init__(
        self,
        *,
        pairs: Literal["all", "skeleton"] = "all",
        tau: Annotated[float, Gt(0)] = 0.1,
        tie: Annotated[float, Ge(0)] = 0.05,
        over: Literal["all", "visible", "occluded"] = "all",
    ) -> None:
        self.bones_only, self.tau, self.tie, self.over = pairs == "skeleton", tau, tie, over

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        """See the class; arguments as in `LossTerm.value`.

        Raises:
            UserError: bones are asked for, and the skeleton has none.
            ValueError: bones are asked for without a skeleton of as many joints.
        """
        depth, true = (_joints_first(without_padding(poses, valid)) for poses in (pred, target))
        real = None if valid is None else valid.reshape(-1)  # (B·T,)
        hidden = None if self.over == "all" else _joints_first(_hidden(visible, target))
        return _Ranking.apply(depth, true, hidden, real, self._pairs(pred.shape[2], pred.device), self)

    def _pairs(self, joints: int, device: torch.device) -> list[tuple[Tensor | slice, Tensor | slice]]:
        """The unordered pairs, in groups of (earlier, later) joints.

        All pairs go by distance, so that a group is two slices and nothing of K² pairs is ever held.
        """
        if not self.bones_only:
            return [(slice(0, joints - apart), slice(apart, joints)) for apart in range(1, joints)]
        if self.skeleton is None or len(self.skeleton) != joints:
            have = "no skeleton is known" if self.skeleton is None else f"the skeleton has {len(self.skeleton)}"
            raise ValueError(f"pairs: skeleton needs the skeleton of the {joints} joints; {have}")
        if not self.skeleton.bones:
            raise UserError(f"pairs: skeleton needs a skeleton with bones; '{self.skeleton.name}' has none")
        parent, child = torch.tensor(self.skeleton.bones, device=device).T
        return [(parent, child)]


class _Ranking(torch.autograd.Function):
    """The mean cost and its gradient in one loop over groups of pairs; only the gradient is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        depth: Tensor,
        true: Tensor,
        hidden: Tensor | None,
        real: Tensor | None,
        pairs: list[tuple[Tensor | slice, Tensor | slice]],
        term: OrdinalDepth,
    ) -> Tensor:
        slope, total, number = torch.zeros_like(depth), depth.new_zeros(()), 0
        for earlier, later in pairs:
            d = (depth[later] - depth[earlier]) / term.tau  # (P, B·T)
            gap = true[later] - true[earlier]
            ordered = gap.abs() > term.tie
            sign = gap.sign_()
            wrong = sign * d.neg()
            cost = torch.where(ordered, torch.nn.functional.softplus(wrong), d.square())
            push = torch.where(ordered, -sign * wrong.sigmoid_(), 2.0 * d)
            counts = _counted(term.over, hidden, earlier, later)
            if real is not None:
                counts = real.expand_as(d) if counts is None else counts & real
            if counts is None:
                number += d.numel()
            else:
                cost, push = cost.masked_fill_(~counts, 0.0), push.masked_fill_(~counts, 0.0)
                number += int(counts.sum())
            total += cost.sum()
            if isinstance(earlier, slice) or isinstance(later, slice):
                slope[later] += push
                slope[earlier] -= push
            else:
                slope.index_add_(0, later, push).index_add_(0, earlier, push, alpha=-1)
        number = max(number, 1)
        ctx.save_for_backward(slope.div_(number * term.tau))
        return total / number

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * upstream, None, None, None, None, None


def _counted(over: str, hidden: Tensor | None, earlier: Tensor | slice, later: Tensor | slice) -> Tensor | None:
    """Which pairs of a group count, (P, B·T); None: all."""
    if hidden is None:
        return None
    touched = hidden[earlier] | hidden[later]
    return touched if over == "occluded" else ~touched


def _joints_first(x: Tensor) -> Tensor:
    """Depths of (B, T, J, 3) poses, or a mask (B, T, J), as contiguous rows (J, B·T)."""
    x = x[..., 2] if x.ndim == 4 else x
    return x.flatten(0, 1).T.contiguous()


def _hidden(visible: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros(like.shape[:3], dtype=torch.bool, device=like.device) if visible is None else ~visible
