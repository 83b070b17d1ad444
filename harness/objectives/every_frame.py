"""Supervision of a second head that answers for every frame of the window, beside the pose that is scored."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.objectives.averaging import Averaged, lengths
from harness.objectives.term import Batch, Context, Output


class MpjpeEveryFrame(Averaged):
    """MPJPE of the second head, over all frames of the window that the network reads, metres.

    For networks that answer for the centre frame and also guess all others on the way, one frame being asked for.
    Frames beyond a clip's ends don't count. Source: Shan et al., P-STMO, ECCV 2022, section 3.3.

    Args:
        over: which joints count, in the frame in which they stand: all, or only visible or occluded ones.
    """

    absolute = True
    head = "every"

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return lengths(pred - target)

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        if "every" not in output.extra or batch.whole is None:
            raise ValueError("this term needs a network's poses of every frame of the window, and their targets")
        return self.value(output.extra["every"], batch.whole, batch.whole_visible, batch.whole_valid)
