"""What really stands before the camera: for processes that look at the person, not only at the clock."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Scene:
    """The truth behind a batch of windows, before noise and occlusion; given to the levels that ask for it.

    Attributes:
        poses: (B, T, J, 3) metres, camera coordinates: x to the right, y down, z away; the root isn't removed.
        pixels: (B, T, J, 2) where the keypoints are in the image, pixels of the native resolution.
        intrinsic: (B, 9) as in `harness.data.camera`.
        resolution: (B, 2) width and height of the image, pixels.
        fps: (B,) frames a second.
    """

    poses: Tensor
    pixels: Tensor
    intrinsic: Tensor
    resolution: Tensor
    fps: Tensor
