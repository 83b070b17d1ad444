"""Detectron2's keypoints as VideoPose3D's ``infer_video_d2.py`` writes them: one .npz a film.

Layout: ``keypoints`` and ``boxes`` hold for each frame a list of classes, of which the second is people: (N, 4, 17)
x, y, an unused row, and the score of COCO's keypoints; (N, 5) box and score; empty lists where nobody was found.
``metadata`` has the images' size, ``w`` and ``h``. The arrays are of objects, that is, pickles: plain ones are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.importers import detections
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping, member
from harness.errors import UserError


def read(
    paths: Sequence[Path],
    *,
    clip: str | None = None,
    camera: str | int | None = None,
    places: str | None = None,
    joints: str | None = None,
    detector: str = "detectron2",
) -> Imported:
    """Attach detections to a clip file.

    Args:
        paths: the clip file, then its .npz.
        clip, camera, places: whose film it is (`detections.attach`).
        joints: the layout of the keypoints; default: by their number.
        detector: what they come from.
    Raises:
        UserError: what is wrong, with file and key.
    """
    return detections.attach(paths, _seen, clip=clip, camera=camera, places=places, joints=joints, detector=detector)


def _seen(file: Path) -> detections.Seen:
    boxes, keypoints = member(file, "boxes"), member(file, "keypoints")
    if len(boxes) != len(keypoints):
        message = f"{len(keypoints)} frames beside {len(boxes)} of boxes"
        raise UserError(message, file=str(file), key="keypoints")
    people: dict[int, list[detections.Person]] = {}
    for frame in range(len(keypoints)):
        key = f"keypoints[{frame}]"
        points = floats(_people(keypoints[frame], file, key), file, key, "(N, 4, 17)")
        scored = floats(_people(boxes[frame], file, f"boxes[{frame}]"), file, f"boxes[{frame}]", "(N, 5)")
        if points.size == 0:
            people[frame] = []
            continue
        if points.ndim != 3 or points.shape[1] != 4 or scored.shape != (len(points), 5):
            message = f"shapes {points.shape} and {scored.shape} of boxes; expected (N, 4, 17) and (N, 5)"
            raise UserError(message, file=str(file), key=key)
        rows = np.moveaxis(points[:, [0, 1, 3]], 1, 2)
        people[frame] = [
            detections.person(one, file, key, score) for one, score in zip(rows, scored[:, 4], strict=True)
        ]
    about = mapping(member(file, "metadata"), file, "metadata", "with w and h")
    size = (float(about["w"]), float(about["h"])) if {"w", "h"} <= about.keys() else None
    return detections.Seen(people, len(people), size)


def _people(classes: Any, file: Path, key: str) -> Any:
    try:
        return classes[1]
    except (TypeError, IndexError, KeyError):
        raise UserError("expected two classes, of which the second is people", file=str(file), key=key) from None
