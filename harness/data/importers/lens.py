"""Cameras that a layout leaves half described: what is inside them follows from poses and where they are seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data.dataset import RecordedCamera
from harness.errors import UserError

_OFF = 0.02  # of the image's width: detectors miss by less, keypoints of another film by much more
_FOCAL = (0.2, 20.0)  # times the image's width: beyond a fisheye, and beyond a telescope
_NEAREST = 0.1  # metres


def matrix(quaternion: Sequence[float]) -> np.ndarray:
    """Rotation matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = np.asarray(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def in_camera(points: np.ndarray, orientation: Sequence[float], translation: Sequence[float]) -> np.ndarray:
    """World positions (..., 3) in camera axes."""
    return (points - np.asarray(translation)) @ matrix(orientation)


def intrinsic(
    focal: Sequence[float],
    centre: Sequence[float],
    resolution: tuple[float, float],
    radial: float = 0.0,
) -> tuple[float, ...]:
    """The nine numbers of `harness.data.camera` from focal lengths and principal point in pixels."""
    width, height = resolution
    unit = 2.0 / width
    middle = (centre[0] * unit - 1.0, centre[1] * unit - height / width)
    return (focal[0] * unit, focal[1] * unit, *middle, radial, 0.0, 0.0, 0.0, 0.0)


def fitted(
    points: np.ndarray,
    pixels: np.ndarray,
    resolution: tuple[float, float],
    path: str,
    key: str,
    score: np.ndarray | None = None,
) -> tuple[float, ...]:
    """The camera that sees ``points`` (..., 3; metres, camera axes) nearest to ``pixels`` (..., 2): least squares.

    Focal lengths, principal point and the first radial distortion; keypoints far off the first answer, or of score 0,
    don't count.

    Returns:
        nine numbers, see `harness.data.camera`.
    Raises:
        UserError: no such camera: poses and keypoints aren't of one film.
    """
    kept = (points[..., 2] > _NEAREST) & np.isfinite(pixels).all(-1) & np.isfinite(points).all(-1)
    if score is not None:
        kept &= score > 0
    given, seen = points[kept].astype(np.float64), pixels[kept].astype(np.float64)
    rays = given[:, :2] / given[:, 2:]
    use = np.ones(len(rays), dtype=bool)
    focal = centre = np.full(2, np.nan)
    radial, off = 0.0, np.inf
    for _ in range(3):
        if use.sum() < 12 or min(np.ptp(rays[use], axis=0)) < 1e-6:
            break
        focal, centre, radial = _solved(rays[use], seen[use])
        bent = rays * (1 + radial * (rays**2).sum(-1, keepdims=True))
        missed = np.linalg.norm(bent * focal + centre - seen, axis=-1)
        off = float(np.median(missed))
        use = missed <= max(4 * off, 1e-3)
    width = resolution[0]
    if not (off <= _OFF * width and (focal > _FOCAL[0] * width).all() and (focal < _FOCAL[1] * width).all()):
        message = f"no camera sees these poses where the keypoints are (median {off:.0f} pixels off): poses and "
        raise UserError(f"{message}keypoints aren't of one film, in one order, in pixels", file=path, key=key)
    return intrinsic(focal.tolist(), centre.tolist(), resolution, radial)


def _solved(rays: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Focal lengths, principal point and radial distortion in two linear steps."""
    squared = (rays**2).sum(-1)
    slopes, bends = np.empty(2), np.empty(2)
    for axis in range(2):
        columns = np.stack([rays[:, axis], rays[:, axis] * squared, np.ones(len(rays))], axis=-1)
        slopes[axis], bends[axis], _ = np.linalg.lstsq(columns, seen[:, axis], rcond=None)[0]
    radial = float(np.mean(bends / slopes)) if (slopes != 0).all() else 0.0
    focal, centre = np.empty(2), np.empty(2)
    for axis in range(2):
        columns = np.stack([rays[:, axis] * (1 + radial * squared), np.ones(len(rays))], axis=-1)
        focal[axis], centre[axis] = np.linalg.lstsq(columns, seen[:, axis], rcond=None)[0]
    return focal, centre, radial


def at_origin(
    name: str, inside: tuple[float, ...], resolution: tuple[float, float], pixels: np.ndarray | None = None
) -> RecordedCamera:
    """The camera of positions that are given in its own axes."""
    return RecordedCamera(name, (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), inside, resolution, pixels)
