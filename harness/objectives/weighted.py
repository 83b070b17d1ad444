"""Terms of MPJPE and of motion in which some joints, or some distances, count more than others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from annotated_types import Ge, MinLen
from torch import Tensor

from harness.errors import UserError
from harness.objectives.averaging import Averaged, along, lengths
from harness.skeleton import Skeleton

MIXSTE_WEIGHTS = {
    **dict.fromkeys(("RKnee", "RFoot", "LKnee", "LFoot"), 2.5),
    **dict.fromkeys(("Head", "LShoulder", "RShoulder"), 1.5),
    **dict.fromkeys(("LElbow", "LWrist", "RElbow", "RWrist"), 4.0),
}
"""MixSTE's weight of each joint of Human3.6M by name; all others count 1."""


def mixste_weights(skeleton: Skeleton) -> tuple[float, ...]:
    """MixSTE's weights for the joints of a skeleton."""
    return tuple(MIXSTE_WEIGHTS.get(name, 1.0) for name in skeleton.joints)


class _PerJoint(Averaged):
    """What terms with a weight for each joint share.

    Args:
        per_joint: the joints' weights in the skeleton's order; None takes MixSTE's, by the joints' names.
        over: see `Averaged`.
    """

    def __init__(self, per_joint: Sequence[float] | None, over: str) -> None:
        super().__init__(over)
        self.per_joint = None if per_joint is None else tuple(per_joint)

    def weights(self, like: Tensor) -> Tensor:
        """The weight of each joint, (J,), as ``like`` (…, J, 3) is stored.

        Raises:
            UserError: another number of weights than joints.
            ValueError: MixSTE's weights are asked for, and no skeleton says what the joints are called.
        """
        given = self.per_joint
        if given is None:
            if self.skeleton is None:
                raise ValueError("MixSTE's weights go by the joints' names: bind the term to a skeleton")
            given = mixste_weights(self.skeleton)
        if len(given) != like.shape[-2]:
            raise UserError(f"per_joint has {len(given)} weights, and a pose has {like.shape[-2]} joints")
        return like.new_tensor(given)


class WeightedMpjpe(_PerJoint):
    """MPJPE with a weight for each joint: mean over t, k of w(k)·‖p̂(t,k) − p(t,k)‖₂, metres.

    The mean divides by the number of joints, not by the sum of the weights, as published.
    Source: Zhang et al., MixSTE, CVPR 2022, section 3.4.

    Args:
        per_joint: the joints' weights in the skeleton's order; None takes MixSTE's, by the joints' names.
        over: all joints, or only the visible or the occluded ones.
    """

    absolute = True

    def __init__(
        self,
        *,
        per_joint: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
        over: Literal["all", "visible", "occluded"] = "all",
    ) -> None:
        super().__init__(per_joint, over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return self.weights(pred) * lengths(pred - target)


class TemporalConsistency(_PerJoint):
    """How much the prediction moves: mean over t, k and the axes of w(k)·(p̂(t+1,k) − p̂(t,k))², metres² per frame².

    It sees no truth, and still poses cost nothing: with a large λ it smooths. Steps count where both frames are valid.
    Source: the TCLoss of MixSTE (Zhang et al., CVPR 2022, section 3.4), after Hossain and Little, ECCV 2018; λ = 0.5.

    Args:
        per_joint: the joints' weights in the skeleton's order; None takes MixSTE's, by the joints' names.
        over: all joints, or only steps of a joint that is visible in both frames, or occluded in one of them.
    """

    min_frames = 2
    span = 2

    def __init__(
        self,
        *,
        per_joint: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
        over: Literal["all", "visible", "occluded"] = "all",
    ) -> None:
        super().__init__(per_joint, over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return self.weights(pred) * along(pred, 1).square().mean(dim=-1)
