"""Terms that ask for smooth motion without looking at the truth."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor

from harness.objectives.averaging import Averaged, along, lengths


class Acceleration(Averaged):
    """Mean over frames and joints of max(0, ‖p̂(t+1) − 2 p̂(t) + p̂(t−1)‖₂ − free), metres per frame².

    Three frames count where all are valid. Source: differences as a penalty on roughness, Whittaker, Proc. Edinburgh
    Math. Soc. 1923.

    Args:
        free: acceleration that costs nothing, metres per frame².
        over: all joints, or only those visible in all three frames, or occluded in one of them.
    """

    min_frames = 3
    span = 3

    def __init__(
        self, *, free: Annotated[float, Ge(0)] = 0.0, over: Literal["all", "visible", "occluded"] = "all"
    ) -> None:
        super().__init__(over)
        self.free = free

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (lengths(along(pred, 2)) - self.free).relu()


class Jerk(Averaged):
    """Mean over frames and joints of max(0, ‖third difference of p̂‖₂ − free), metres per frame³.

    Constant acceleration costs nothing. Four frames count where all are valid. Source: the minimum jerk of Flash and
    Hogan, J. Neuroscience 1985, as a penalty.

    Args:
        free: jerk that costs nothing, metres per frame³.
        over: all joints, or only those visible in all four frames, or occluded in one of them.
    """

    min_frames = 4
    span = 4

    def __init__(
        self, *, free: Annotated[float, Ge(0)] = 0.0, over: Literal["all", "visible", "occluded"] = "all"
    ) -> None:
        super().__init__(over)
        self.free = free

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (lengths(along(pred, 3)) - self.free).relu()
