"""MMPose's keypoints: the JSON file of a film's predictions.

Layout: a list of frames, or an object whose ``instance_info`` is that list; each has ``frame_id`` and ``instances``,
people with ``keypoints`` [[x, y], …], ``keypoint_scores`` and ``bbox_score``. Every frame is listed; numbers begin at 0
or at 1, so their order counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.data.importers import detections
from harness.data.importers.imported import Imported
from harness.errors import UserError


def read(
    paths: Sequence[Path],
    *,
    clip: str | None = None,
    camera: str | int | None = None,
    places: str | None = None,
    joints: str | None = None,
    detector: str = "mmpose",
) -> Imported:
    """Attach detections to a clip file.

    Args:
        paths: the clip file, then its file.
        clip, camera, places: whose film it is (`detections.attach`).
        joints: the layout of the keypoints; default: by their number.
        detector: what they come from.
    Raises:
        UserError: what is wrong, with file and key.
    """
    return detections.attach(paths, _seen, clip=clip, camera=camera, places=places, joints=joints, detector=detector)


def _seen(file: Path) -> detections.Seen:
    found = detections.content(file, "MMPose's predictions")
    listed = found.get("instance_info") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and type(one.get("frame_id")) is int and isinstance(one.get("instances"), list)
        for one in listed
    ):
        message = "expected a list of frames with 'frame_id' and 'instances'"
        raise UserError(f"{message} (of a film; images are saved one by one)", file=str(file), key="instance_info")
    numbers = [one["frame_id"] for one in listed]
    if sorted(numbers) != list(range(min(numbers, default=0), min(numbers, default=0) + len(numbers))):
        raise UserError("frames are missing or come twice", file=str(file), key="frame_id")
    people = {
        place: [_person(one, file, f"frame {frame['frame_id']}") for one in frame["instances"]]
        for place, frame in enumerate(sorted(listed, key=lambda frame: frame["frame_id"]))
    }
    return detections.Seen(people, len(people))


def _person(one: Any, file: Path, key: str) -> detections.Person:
    points, scores = (one.get(name) if isinstance(one, dict) else None for name in ("keypoints", "keypoint_scores"))
    pairs = isinstance(points, list) and isinstance(scores, list) and len(points) == len(scores)
    if not pairs or not all(isinstance(point, list) and len(point) == 2 for point in points or []):
        raise UserError("expected 'keypoints' [[x, y], …] and as many 'keypoint_scores'", file=str(file), key=key)
    rows = [[*point, score] for point, score in zip(points or [], scores or [], strict=True)]
    return detections.person(rows, file, key, one.get("bbox_score"))
