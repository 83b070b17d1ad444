"""Terms that compare positions and motion with the truth directly.

All average over valid frames and all joints, occluded ones included: an occluded joint still has a
true position, and predicting it is the point. Nothing to average over gives 0 with zero gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.objectives.term import LossTerm


def _mean(error: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of (B, T, J) over the True frames of ``valid`` (B, T); 0 when there are none.

    The caller has already put zeros where ``valid`` is False.
    """
    if valid is None:
        return error.sum() / max(error.numel(), 1)
    return error.sum() / (valid.sum() * error.shape[-1]).clamp(min=1)


def _error(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
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
        return _mean(torch.linalg.vector_norm(_error(pred, target, valid), dim=-1), valid)


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
        error = _error(pred, target, valid)
        return _mean(torch.linalg.vector_norm(_error(error[:, 1:], error[:, :-1], both), dim=-1), both)


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
        return _mean(_error(pred, target, valid)[..., 2].abs(), valid)
