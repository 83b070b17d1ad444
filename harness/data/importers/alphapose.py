"""AlphaPose's keypoints: one JSON file, ``alphapose-results.json``.

Layout: a list of people, each with ``image_id`` (the image's file name, which ends in its number), ``keypoints``: x, y,
score of 17 (COCO), 26 or 136 (Halpe) keypoints in one list, and ``score``. Images without people are left out.
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
    detector: str = "alphapose",
) -> Imported:
    """Attach detections to a clip file.

    Args:
        paths: the clip file, then its file.
        clip, camera, places: whose film it is (`detections.attach`).
        joints: the layout of the keypoints; default: by their number.
        first: the number of the first frame.
        detector: what they come from.
    Raises:
        UserError: what is wrong, with file and key.
    """
    return detections.attach(
        paths,
        lambda file: _seen(file, first),
        clip=clip,
        camera=camera,
        places=places,
        joints=joints,
        detector=detector,
    )


def _seen(file: Path, first: int) -> detections.Seen:
    found = detections.content(file, "AlphaPose's list of people")
    if not isinstance(found, list):
        raise UserError("expected a list of people", file=str(file))
    people: dict[int, list[detections.Person]] = {}
    for place, one in enumerate(found):
        key = f"[{place}]"
        if not isinstance(one, dict) or not {"image_id", "keypoints"} <= one.keys():
            raise UserError("expected a person with 'image_id' and 'keypoints'", file=str(file), key=key)
        frame = detections.number(one["image_id"], file, f"{key}.image_id") - first
        seen = detections.person(one["keypoints"], file, f"{key}.keypoints", one.get("score"))
        people.setdefault(frame, []).append(seen)
    return detections.Seen(people)
