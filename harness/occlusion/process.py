"""What a process of occlusion must offer, whichever way it hides keypoints."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton


class Process(Protocol):
    """A frozen dataclass with these fields, so that equal processes are equal and can be hashed.

    Attributes:
        name, version: part of every draw's key; a change of what is drawn needs a new version.
        needs_scene: whether it reads the `Scene`; a level all of whose processes don't is drawn without one.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def needs_scene(self) -> bool: ...


@runtime_checkable
class Hiding(Process, Protocol):
    """A process that hides keypoints."""

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """For each keypoint the event that hides it at the lowest severity.

        A pure function of (key, frame) and of the scene at that frame, whatever the window and the batch: draw with
        `harness.keyed.combine(keys, keyed.key("occlusion", name, version, …), …)`, never from a stream. Severities
        nest because an event's *activation* is the lowest severity at which it's there.

        Args:
            skeleton: declares joints, bones and groups.
            keys: (B,) int64.
            frames: (B, T) int64 frame numbers within the clip. Frames held beyond the clip's ends repeat.
            fill: what hidden keypoints read as; `cause_of` picks one by an event's random number. A process with
                answers of its own may ignore it.
            scene: the truth, where the process declares that it needs it.
        Returns:
            (B, T, J) int64 packed events (`harness.occlusion.event.pack`), `event.NEVER` where none.
        """
        ...


@runtime_checkable
class Moving(Process, Protocol):
    """A process that shifts keypoints which the detector still sees."""

    def shift(
        self, severity: float | Tensor, skeleton: Skeleton, keys: Tensor, frames: Tensor, scene: Scene | None
    ) -> Tensor:
        """How far each keypoint is reported from its place, (B, T, J, 2), normalised screen units.

        The same draw at every severity, only larger; nothing at 0. Else as `Hiding.strike`.

        Args:
            severity: 0 to 1, or (B,) float64, each window's own.
        """
        ...


@runtime_checkable
class Doubting(Process, Protocol):
    """A hiding process under which the detector isn't sure."""

    def certainty(self, packed: Tensor, severity: Tensor) -> Tensor:
        """How surely the detector sees each keypoint, (B, T, J) float32 from 0 to 1; never rises with severity.

        Below 0.5 where, and only where, the keypoint is hidden.

        Args:
            packed: (B, T, J) the events of the level, of all its processes.
            severity: broadcasts against ``packed``.
        """
        ...
