"""Wrong units and wrong axes, told from the size and the posture of the body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks.examined import Examined, Finding, finite
from harness.data.clip_file import LONGEST_BONE, no_body

_UPRIGHT = 0.5
"""Cosine of the angle between trunk and vertical that most clips of any data exceed."""
_FARTHEST = 100.0
"""Metres a camera may stand from the origin."""
_NORMALISED = 2.0
"""No keypoint beyond it in any frame: these are no pixels."""


def check(data: Examined) -> Iterator[Finding]:
    """Positions that aren't metres, keypoints that aren't pixels, cameras that are too far away; the wrong axis up."""
    for clip in data.clips:
        odd = no_body(clip.positions[finite(clip.positions)], data.skeleton)
        if odd:
            yield data.finding("units", odd, f"{LONGEST_BONE} m", clip)
        for camera in clip.cameras:
            away = float(np.abs(camera.translation).max())
            if away > _FARTHEST:
                said = f"the camera stands {away:.0f} m from the origin (in millimetres?)"
                yield data.finding("units", said, f"at most {_FARTHEST:.0f} m", clip, camera=camera.name)
            if camera.pixels is not None and _largest(camera.pixels) <= _NORMALISED:
                said = f"no keypoint is more than {_NORMALISED:g} from the corner (in normalised units?)"
                yield data.finding("units", said, "pixels", clip, camera=camera.name)
    yield from _lying(data)


def _largest(values: np.ndarray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else np.inf


def _lying(data: Examined) -> Iterator[Finding]:
    """One person may lie; where most clips do, another axis points up."""
    upper, lower = (list(data.skeleton.halves.get(half, ())) for half in ("upper", "lower"))
    if not (upper and lower and data.metric):
        return
    found = []
    for clip in data.metric:
        positions = clip.positions[finite(clip.positions)].astype(np.float64)
        trunk = positions[:, upper].mean(axis=1) - positions[:, lower].mean(axis=1)  # (F, 3)
        found.append((trunk / np.linalg.norm(trunk, axis=-1, keepdims=True)).mean(axis=0))
    upright = float(np.median(np.stack(found) @ np.array(data.up)))
    if upright < _UPRIGHT:
        middle = np.median(np.stack(found), axis=0)
        axis = int(np.abs(middle).argmax())
        points = f"{'-' if middle[axis] < 0 else ''}{'xyz'[axis]}"
        up = "z" if data.up[2] else "-y, as in camera axes"
        yield data.finding("units", f"in most of {len(found)} clips the trunk points to {points}", f"{up} up")
