"""What a metric is: something that turns one reassembled test clip into numbers for the record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from torch import Tensor

from harness.metrics import position
from harness.skeleton import Skeleton


class Value(NamedTuple):
    """One number: the value in the metric's unit (NaN where nothing counts), and what it rests on.

    Attributes:
        value: NaN with n = 0 where it isn't defined.
        n: frames, steps, keypoints or pairs behind it; clips are weighted by it.
        joint: a joint's name, or ``all``.
        group: the part of the metric it speaks of; ``all`` is the whole.
    """

    value: Tensor | float
    n: int
    joint: str = "all"
    group: str = "all"


@dataclass(frozen=True, eq=False)
class Clip:
    """One test clip and its prediction, frames in order, relative to the root as the protocol has it.

    Attributes:
        pred, target: (F, J, 3) metres, camera coordinates, float64; the true root of each frame is the origin, and the
            predicted one, too, unless the protocol keeps it.
        hidden: (F, J) bool, keypoints hidden at the test level.
        fixed: (F, J) bool, the set scored at every level: what ``severe`` hides.
        valid: (F,) bool; invalid frames are never scored.
        skeleton: names the joints.
        root: the joint at the origin.
        joints: places of the joints that the protocol counts for this metric; None: all.
    """

    pred: Tensor
    target: Tensor
    hidden: Tensor
    fixed: Tensor
    valid: Tensor
    skeleton: Skeleton
    root: int
    joints: tuple[int, ...] | None = None

    @cached_property
    def frames(self) -> int:
        """Number of valid frames."""
        return int(self.valid.sum())

    @cached_property
    def poses(self) -> tuple[Tensor, Tensor]:
        """Prediction and truth of the valid frames, all joints, (frames, J, 3) each."""
        return self.pred[self.valid], self.target[self.valid]

    @property
    def counted(self) -> list[int]:
        """Places of the joints that count, C of them."""
        return list(range(len(self.skeleton)) if self.joints is None else self.joints)

    @cached_property
    def counted_poses(self) -> tuple[Tensor, Tensor]:
        """`poses` of the joints that count, (frames, C, 3) each."""
        pred, target = self.poses
        return (pred, target) if self.joints is None else (pred[:, self.counted], target[:, self.counted])

    @cached_property
    def errors(self) -> Tensor:
        """Position errors of the valid frames, of the joints that count, (frames, C) mm."""
        return position.position_errors(*self.counted_poses)


class Metric(ABC):
    """Base of all metrics. The class attributes are literals: they are read without importing the class.

    Attributes:
        label: what tables print.
        unit: ``mm``, ``%``, …; empty for a ratio.
        decimals: of a mean, as printed.
        better: ``lower``, ``higher``, or None for a metric that has no better.
        cheap: whether it is scored for the last epoch's weights too, beside the chosen ones.
    """

    label: ClassVar[str]
    unit: ClassVar[str] = ""
    decimals: ClassVar[int] = 2
    better: ClassVar[str | None] = None
    cheap: ClassVar[bool] = False

    @abstractmethod
    def values(self, clip: Clip) -> Iterable[Value]:
        """The numbers of one clip."""
