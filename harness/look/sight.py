"""What is drawn of a clip: the person, where a camera sees the joints, what a network is given when some are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Sight:
    """One clip before one camera; F frames, J joints.

    Attributes:
        clip, action: the clip. camera: which one, in words. fps: frames a second.
        poses: (F, J, 3) metres, camera axes: x to the right, y down, z away.
        image: (F, J, 2) where the camera sees the joints, normalised screen coordinates.
        seen: occlusion level → (F, J, 2) what the network is given, noise and all.
        visible: occlusion level → (F, J) bool, whether that is the joint itself.
        scored: (F,) bool, the frames that count when the clip is tested on.
    """

    clip: str
    action: str
    camera: str
    fps: float
    skeleton: Skeleton
    poses: np.ndarray
    image: np.ndarray
    seen: Mapping[str, np.ndarray]
    visible: Mapping[str, np.ndarray]
    scored: np.ndarray

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def levels(self) -> tuple[str, ...]:
        """The occlusion levels."""
        return tuple(self.seen)

    @property
    def body(self) -> np.ndarray:
        """(F, J, 3) metres from the root of each frame."""
        return self.poses - self.poses[:, self.skeleton.root, None]

    @property
    def reach(self) -> float:
        """Metres from the root to the farthest joint of any frame, and some room."""
        return 1.1 * float(np.linalg.norm(self.body, axis=-1).max())

    def square(self, at: int | slice = slice(None)) -> tuple[np.ndarray, float]:
        """Middle and half side of a square around the person in the image: in one frame or in several."""
        points = self.image[at].reshape(-1, 2)
        low, high = points.min(axis=0), points.max(axis=0)
        return (low + high) / 2, 0.62 * max(float((high - low).max()), 1e-6)
