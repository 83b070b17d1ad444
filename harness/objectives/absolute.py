"""Terms that compare positions and motion with the truth directly.

All average over valid frames and, unless ``over`` says otherwise, all joints, occluded ones included: an
occluded joint still has a true position, and predicting it is the point.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.objectives.averaging import Averaged, along, lengths


class Mpjpe(Averaged):
    """Mean per-joint position error: mean over frames t and joints k of ‖p̂(t,k) − p(t,k)‖₂, metres.

    Source: the protocol-1 error of Ionescu et al., Human3.6M (TPAMI 2014), used as the training
    loss of VideoPose3D (Pavllo et al., CVPR 2019).

    Args:
        over: all joints, or only the visible or the occluded ones.
    """

    absolute = True

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return lengths(pred - target)


class Mpjve(Averaged):
    """Mean per-joint velocity error, metres per frame.

    Mean over frames t and joints k of ‖(p̂(t+1,k) − p̂(t,k)) − (p(t+1,k) − p(t,k))‖₂, over the t for
    which t and t+1 are both valid. Source: Pavllo et al., CVPR 2019, section 3 (MPJVE).

    Args:
        over: all joints, or only steps of a joint that is visible in both frames, or occluded in one of them.
    """

    absolute = True
    min_frames = 2
    span = 2

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return lengths(along(pred - target, 1))


class DepthL1(Averaged):
    """Absolute depth error: mean over frames t and joints k of |ẑ(t,k) − z(t,k)|, metres.

    The control for the relational terms: added to `Mpjpe` it puts more weight on depth without
    saying anything about order.

    Args:
        over: all joints, or only the visible or the occluded ones.
    """

    absolute = True

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target)[..., 2].abs()


class Mse(Averaged):
    """Mean squared error: mean over frames t, joints k and the three axes of (p̂ − p)², metres².

    Source: the loss of Martinez et al., ICCV 2017 (a simple yet effective baseline), section 3.1.

    Args:
        over: all joints, or only the visible or the occluded ones.
    """

    absolute = True

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean(dim=-1)
