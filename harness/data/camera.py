"""Human3.6M's camera model: a unit quaternion and a position outside, nine numbers inside.

Extrinsics: ``orientation`` (…, 4) is the unit quaternion (w, x, y, z) that turns camera axes (x right,
y down, z forward) into world axes; ``translation`` (…, 3) is the camera's position, metres.

Intrinsics (…, 9), in normalised screen units: focal length (2), principal point (2), radial distortion
(3), tangential distortion (2). Screen units are those of `normalise_screen_coordinates`: the image's
width spans [−1, 1] and one unit is the same number of pixels on both axes.

The model and its clamp are those of VideoPose3D's reading of Human3.6M (Pavllo et al., CVPR 2019).
Every camera argument broadcasts against the leading axes of the points.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(quaternion: Tensor, vectors: Tensor) -> Tensor:
    """Turn ``vectors`` (…, 3) by unit ``quaternion`` (…, 4; w, x, y, z)."""
    w, axis = quaternion[..., :1], quaternion[..., 1:]
    axis, vectors = torch.broadcast_tensors(axis, vectors)
    across = torch.linalg.cross(axis, vectors)
    return vectors + 2.0 * (w * across + torch.linalg.cross(axis, across))


def world_to_camera(points: Tensor, orientation: Tensor, translation: Tensor) -> Tensor:
    """World positions (…, 3) in the camera's coordinates, metres; z grows away from the camera."""
    inverse = torch.cat((orientation[..., :1], -orientation[..., 1:]), dim=-1)
    return rotate(inverse, points - translation)


def camera_to_world(points: Tensor, orientation: Tensor, translation: Tensor) -> Tensor:
    """Inverse of `world_to_camera`."""
    return rotate(orientation, points) + translation


def project(points: Tensor, intrinsic: Tensor) -> Tensor:
    """Camera-space positions (…, 3) to normalised screen coordinates (…, 2), with distortion.

    X/Z and Y/Z are clamped to [−1, 1] before the distortion polynomial, which diverges outside the
    image; a point outside the field of view therefore lands on a finite place off the screen.
    """
    ray = _ray(points)
    squared = (ray * ray).sum(dim=-1, keepdim=True)
    radial, tangential = intrinsic[..., 4:7], intrinsic[..., 7:9]
    powers = torch.cat((squared, squared**2, squared**3), dim=-1)
    bend = 1.0 + (radial * powers).sum(dim=-1, keepdim=True) + (tangential * ray).sum(dim=-1, keepdim=True)
    return intrinsic[..., :2] * (ray * bend + tangential * squared) + intrinsic[..., 2:4]


def project_linear(points: Tensor, intrinsic: Tensor) -> Tensor:
    """`project` without distortion: focal length and principal point only."""
    return intrinsic[..., :2] * _ray(points) + intrinsic[..., 2:4]


def mirror_intrinsic(intrinsic: Tensor) -> Tensor:
    """The camera (…, 9) that sees a scene in the mirror x → −x as this one sees the scene, mirrored likewise."""
    signs = intrinsic.new_ones(9)
    signs[[2, 7]] = -1.0  # principal point and tangential distortion along x
    return intrinsic * signs


def _ray(points: Tensor) -> Tensor:
    return (points[..., :2] / points[..., 2:]).clamp(-1.0, 1.0)


def normalise_screen_coordinates(pixels: Tensor, resolution: Tensor) -> Tensor:
    """Pixels (…, 2) to screen units: ``X/w·2 − 1, Y/w·2 − h/w``.

    Args:
        resolution: (…, 2) width and height in pixels, broadcasting against ``pixels``.
    """
    width, height = resolution[..., :1], resolution[..., 1:]
    return pixels * (2.0 / width) - torch.cat((torch.ones_like(width), height / width), dim=-1)


def image_coordinates(screen: Tensor, resolution: Tensor) -> Tensor:
    """Inverse of `normalise_screen_coordinates`: screen units (…, 2) to pixels."""
    width, height = resolution[..., :1], resolution[..., 1:]
    return (screen + torch.cat((torch.ones_like(width), height / width), dim=-1)) * (width / 2.0)
