"""What a detector is said to have seen, beside where the camera sees the joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks import lens
from harness.data.checks.examined import Examined, Finding, finite
from harness.data.dataset import Clip, RecordedCamera

_FAR = 0.25
"""In heights of the person in the picture: the median distance of keypoints from joints that no detector makes."""
_SHARE = 0.2
"""Of the frames in which detectors do exchange the sides; more than that, and the columns are exchanged."""


def check(data: Examined) -> Iterator[Finding]:
    """Views whose keypoints are far from the joints, or nearer to those of the other side."""
    for clip in data.metric:
        for camera in clip.cameras:
            if camera.pixels is not None:
                yield from _view(data, clip, camera, camera.pixels)


def _view(data: Examined, clip: Clip, camera: RecordedCamera, pixels: np.ndarray) -> Iterator[Finding]:
    points = lens.in_camera(clip.positions, camera)
    known = finite(clip.positions) & finite(pixels) & (points[..., 2] > 0).all(axis=1)
    if not known.any():
        return
    truth = lens.pixels(points[known], camera)  # (n, J, 2)
    height = np.ptp(truth, axis=1).max(axis=-1)  # (n,)
    seen = np.ones(truth.shape[:2], bool) if camera.score is None else camera.score[known] > 0

    def apart(order: list[int], joints: list[int]) -> np.ndarray:
        """(n,) mean distance of the keypoints from these joints, of those that the detector found."""
        off = np.linalg.norm(pixels[known][:, joints] - truth[:, order], axis=-1)
        found = seen[:, joints]
        return np.where(found, off, 0).sum(axis=1) / np.maximum(found.sum(axis=1), 1) / np.maximum(height, 1.0)

    every, mirror = list(range(len(data.skeleton))), data.skeleton.mirror
    paired = [j for j in every if mirror[j] != j]
    straight = apart(paired, paired)
    swapped = (apart([mirror[j] for j in paired], paired) < 0.5 * straight) & (straight > 0.05)
    bad = np.zeros(len(clip), bool)
    if swapped.mean() > _SHARE:
        bad[np.flatnonzero(known)[swapped]] = True
        said = f"the keypoints lie on the joints of the other side in {swapped.sum():,} of {len(swapped):,} frames"
        yield data.finding("detections", said, "left and right as the joints have them", clip, bad, camera=camera.name)
        return
    off = apart(every, every)
    if np.median(off) > _FAR:
        bad[np.flatnonzero(known)[off > _FAR]] = True
        said = f"the keypoints lie {100 * np.median(off):.0f} % of the person's height from the joints they are of"
        yield data.finding("detections", said, f"at most {100 * _FAR:.0f} %", clip, bad, camera=camera.name)
