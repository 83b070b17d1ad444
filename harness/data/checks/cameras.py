"""Recorded cameras that can't have seen the person: most often a matrix that is inverted or transposed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks import lens
from harness.data.checks.examined import Examined, Finding, finite

_NEAREST = 0.1
"""Metres before the camera at which a joint may be."""
_AROUND = 0.25
"""How far beyond the picture's edges, in shares of its size, a person still counts as filmed."""


def check(data: Examined) -> Iterator[Finding]:
    """Frames with joints behind the camera, and cameras whose picture the person is out of most of the time."""
    for clip in data.metric:
        whole = finite(clip.positions)
        for camera in clip.cameras:
            if not np.isfinite([*camera.orientation, *camera.translation, *camera.intrinsic, *camera.resolution]).all():
                yield data.finding(
                    "cameras", "NaN or infinity in what is known of it", "numbers", clip, camera=camera.name
                )
                continue
            turn = float(np.linalg.norm(camera.orientation))
            if not abs(turn - 1) < 1e-3:
                said = f"the camera's orientation is a quaternion of length {turn:.3g}"
                yield data.finding("cameras", said, "length 1", clip, camera=camera.name)
                continue
            points = lens.in_camera(clip.positions, camera)  # (F, J, 3)
            behind = whole & (points[..., 2] < _NEAREST).any(axis=1)
            if behind.any():
                nearest = float(points[whole, :, 2].min())
                said = f"the person is behind the camera: a joint's depth is {nearest:.2f} m"
                yield data.finding("cameras", said, f"at least {_NEAREST:g} m", clip, behind, camera=camera.name)
                continue
            size = np.asarray(camera.resolution, dtype=np.float64)
            root = lens.pixels(points[:, data.skeleton.root], camera)
            out = whole & ((root < -_AROUND * size) | (root > (1 + _AROUND) * size)).any(axis=1)
            if whole.any() and out.sum() > whole.sum() / 2:
                said = f"the person is out of the picture in {out.sum():,} of {whole.sum():,} frames"
                yield data.finding("cameras", said, "in it most of the time", clip, out, camera=camera.name)
