"""Where recorded cameras see positions: `harness.data.camera` without torch."""

from __future__ import annotations

import numpy as np

from harness.data.dataset import RecordedCamera


def in_camera(positions: np.ndarray, camera: RecordedCamera) -> np.ndarray:
    """World positions (…, 3) in the camera's axes, metres."""
    w, *axis = np.asarray(camera.orientation, dtype=np.float64)
    turned = np.asarray(axis) * -1  # from world to camera
    points = positions.astype(np.float64) - np.asarray(camera.translation)
    across = np.cross(turned, points)
    return points + 2 * (w * across + np.cross(turned, across))


def pixels(points: np.ndarray, camera: RecordedCamera) -> np.ndarray:
    """Points (…, 3) before the camera in pixels (…, 2), with distortion; off to the side they are held at 45°."""
    known = np.asarray(camera.intrinsic, dtype=np.float64)
    focal, centre, radial, tangential = known[:2], known[2:4], known[4:7], known[7:9]
    with np.errstate(divide="ignore", invalid="ignore"):
        ray = np.clip(points[..., :2] / points[..., 2:], -1, 1)
    squared = (ray**2).sum(-1, keepdims=True)
    bend = 1 + (radial * np.concatenate([squared, squared**2, squared**3], -1)).sum(-1, keepdims=True)
    bend = bend + (tangential * ray).sum(-1, keepdims=True)
    screen = focal * (ray * bend + tangential * squared) + centre
    width, height = camera.resolution
    return (screen + np.array([1.0, height / width])) * (width / 2)
