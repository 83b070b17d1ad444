"""What a dataset is to the rest of the harness: clips of world positions, and who is on which side.

Importable without numpy or torch, because plans and validation look at splits and fingerprints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.skeleton import Skeleton

if TYPE_CHECKING:
    import numpy as np

SIDES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class RecordedCamera:
    """A static camera that really filmed a clip; conventions are those of `harness.data.camera`.

    Attributes:
        name: unique among the clip's cameras.
        orientation: unit quaternion (w, x, y, z), camera to world. translation: metres, its place in the world.
        intrinsic: nine numbers in normalised screen units. resolution: width and height, pixels.
        pixels: float32 (frames, joints, 2), what a detector reported, native pixels; None where nobody recorded any.
        score: float32 (frames, joints), the detector's confidence; None where it gave none.
    """

    name: str
    orientation: tuple[float, ...]
    translation: tuple[float, ...]
    intrinsic: tuple[float, ...]
    resolution: tuple[float, float]
    pixels: np.ndarray | None = None
    score: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Clip:
    """One continuous motion of one subject.

    Attributes:
        name: unique in its dataset; keyed draws (cameras, noise, masks) depend on it.
        subject: the name that splits use.
        performer: the person; several subjects can be one performer. None when nobody knows.
        action: a coarse label to average over.
        fps: frames per second.
        positions: float32 (frames, joints, 3), metres, world coordinates, z up.
        repeats: names of clips that show the same recording; a clip with any is never used.
        cameras: those that filmed it; none, and virtual ones are drawn.
        scored: bool (frames,), the frames that count when the clip is tested on; None: all. Windows see every frame.
    """

    name: str
    subject: str
    performer: str | None
    action: str
    fps: float
    positions: np.ndarray
    repeats: tuple[str, ...] = ()
    cameras: tuple[RecordedCamera, ...] = ()
    scored: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Split:
    """Which subjects are trained on, chosen by, and tested on; a subject on no side is left out.

    The sides to choose by and to test on have no person in common, or are one: see `chosen_on_test`.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def side(self, name: str) -> tuple[str, ...]:
        """The subjects of one of `SIDES`."""
        return getattr(self, name)

    @property
    def chosen_on_test(self) -> bool:
        """Whether the subjects that choose the epoch are those that are tested on: a test score is optimistic then."""
        return bool(self.test) and set(self.validation) == set(self.test)


def itself(subject: str) -> tuple[str, ...]:
    """The performers of a dataset whose subjects are all different people."""
    return (subject,)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Clips on one skeleton, with the identity and the licence of what was loaded.

    Attributes:
        fingerprint: 16 hexadecimal digits that decide what is in ``clips``.
        splits: the named splits this dataset offers.
        performers: who a subject may be: one name, or several when nobody knows which.
    """

    name: str
    skeleton: Skeleton
    clips: tuple[Clip, ...]
    fingerprint: str
    licence: str
    splits: Mapping[str, Split] = field(default_factory=dict)
    performers: Callable[[str], tuple[str, ...]] = itself

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject names, sorted."""
        return tuple(sorted({clip.subject for clip in self.clips}))


def longest(clips: tuple[Clip, ...]) -> int:
    """Frames of the longest clip (0 for none): a window longer than this is refused."""
    return max(map(len, clips), default=0)
