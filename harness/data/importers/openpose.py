"""OpenPose's keypoints: a folder of JSON files, one a frame (``--write_json``).

Layout: ``NAME_000000000012_keypoints.json`` holds ``people``, each with ``pose_keypoints_2d``: x, y, score of 25
(BODY_25) or 18 (COCO) keypoints, zeros for those that weren't found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    first: int = 0,
    detector: str = "openpose",
) -> Imported:
    """Attach detections to a clip file.

    Args:
        paths: the clip file, then a folder of its files.
        clip, camera, places: whose film it is (`detections.attach`).
        joints: the layout of the keypoints; default: by their number.
        first: the number of the first frame.
        detector: what they come from.
    Raises:
        UserError: what is wrong, with file and key.
    """
    return detections.attach(
        paths,
        lambda folder: _seen(folder, first),
        clip=clip,
        camera=camera,
        places=places,
        joints=joints,
        detector=detector,
    )


def _seen(folder: Path, first: int) -> detections.Seen:
    if not folder.is_dir():
        raise UserError("expected a folder of NAME_NUMBER_keypoints.json", file=str(folder))
    files = sorted(folder.glob("*_keypoints.json"))
    if not files:
        raise UserError("no NAME_NUMBER_keypoints.json in this folder", file=str(folder))
    people = {}
    for file in files:
        frame = detections.number(file.name, file, "name") - first
        if frame in people:
            raise UserError("two files of one frame: several films in one folder?", file=str(file))
        found = detections.content(file, "OpenPose's JSON")
        listed = found.get("people") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise UserError("expected a list of people", file=str(file), key="people")
        flat = [one.get("pose_keypoints_2d") if isinstance(one, dict) else None for one in listed]
        people[frame] = [detections.person(one, file, "pose_keypoints_2d") for one in flat]
    return detections.Seen(people, len(files))
