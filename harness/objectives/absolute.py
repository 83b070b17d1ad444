"""Terms that compare positions and motion with the truth directly.

All average over valid frames and all joints, occluded ones included: an occluded joint still has a
true position, and predicting it is the point. Nothing to average over gives 0 with zero gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.objectives.term import LossTerm


def mean_of(error: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of ``error`` (B, T, J) over the True frames of ``valid`` (B, T); 0 when there are none.

    The caller has already put zeros where ``valid`` is False.
    """
    if valid is None:
        return error.sum() / max(error.numel(), 1)
    return error.sum() / (valid.sum() * error.shape[-1]).clamp(min=1)


def error_of(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """pred − target, zero (whatever the padding holds, NaN included) in invalid frames."""
    error = pred - target
    return error if valid is None else error.masked_fill(~valid[:, :, None, None], 0.0)


class Mpjpe(LossTerm):
    """Mean per-joint position error: mean over frames t and joints k of ‖p̂(t,k) − p(t,k)‖₂, metres.

    Source: the protocol-1 error of Ionescu et al., Human3.6M (TPAMI 2014), used as the training
    loss of VideoPose3D (Pavllo et al., CVPR 2019).
    """

    absolute = True

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        return mean_of(torch.linalg.vector_norm(error_of(pred, target, valid), dim=-1), valid)


class Mpjve(LossTerm):
    """Mean per-joint velocity error, metres per frame.

    Mean over frames t and joints k of ‖(p̂(t+1,k) − p̂(t,k)) − (p(t+1,k) − p(t,k))‖₂, over the t for
    which t and t+1 are both valid. Source: Pavllo et al., CVPR 2019, section 3 (MPJVE).
    """

    absolute = True
    min_frames = 2

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        both = None if valid is None else valid[:, 1:] & valid[:, :-1]
        error = error_of(pred, target, valid)
        return mean_of(torch.linalg.vector_norm(error_of(error[:, 1:], error[:, :-1], both), dim=-1), both)


class DepthL1(LossTerm):
    """Absolute depth error: mean over frames t and joints k of |ẑ(t,k) − z(t,k)|, metres.

    The control for the relational terms: added to `Mpjpe` it puts more weight on depth without
    saying anything about order.
    """

    absolute = True

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        return mean_of(error_of(pred, target, valid)[..., 2].abs(), valid)


class Mse(LossTerm):
    """Mean squared error: mean over frames t, joints k and the three axes of (p̂ − p)², metres².

    Source: the loss of Martinez et al., ICCV 2017 (a simple yet effective baseline), section 3.1.
    """

    absolute = True

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        return mean_of(error_of(pred, target, valid).square().mean(dim=-1), valid)
