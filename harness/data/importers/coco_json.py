"""Keypoints as COCO's JSON: annotations of images, or the list of results that its evaluation takes.

Layout: {``images``: [{id, file_name, width, height}], ``annotations``: [{image_id, keypoints, …}]}, or only a list of
such annotations. ``keypoints`` are x, y, and v or a score in one list. In annotations v is 0 for a keypoint that isn't
labelled, 1 for one that is hidden, 2 for one that is seen: scores 0, 0.5 and 1. Images are frames in the order of the
numbers their names end in; where only annotations are given ``image_id`` is the frame's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
    detector: str = "coco-json",
) -> Imported:
    """Attach detections to a clip file.

    Args:
        paths: the clip file, then the JSON file.
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
    found = detections.content(file, "COCO's JSON")
    if isinstance(found, list):
        return detections.Seen(_people(found, {}, first, file))
    if not isinstance(found, dict) or not all(isinstance(found.get(name), list) for name in ("images", "annotations")):
        raise UserError("expected 'images' and 'annotations', or a list of results", file=str(file))
    images = found["images"]
    if not all(isinstance(one, dict) and isinstance(one.get("id"), int | str) and "file_name" in one for one in images):
        raise UserError("expected images with 'id' and 'file_name'", file=str(file), key="images")
    ordered = sorted(images, key=lambda one: detections.number(one["file_name"], file, "images.file_name"))
    frames = {one["id"]: place for place, one in enumerate(ordered)}
    sizes = {(one.get("width"), one.get("height")) for one in images}
    if len(frames) != len(images) or len(sizes) != 1:
        message = "two images have one id" if len(sizes) == 1 else "images of several sizes, which are no film's"
        raise UserError(message, file=str(file), key="images")
    size = sizes.pop()
    known = None if None in size else (float(size[0]), float(size[1]))
    return detections.Seen(_people(found["annotations"], frames, 0, file), len(images), known)


def _people(listed: list[Any], frames: dict[Any, int], first: int, file: Path) -> dict[int, list[detections.Person]]:
    """By frame; ``frames`` gives those of images by id, and is empty where ids are the frames' numbers."""
    people: dict[int, list[detections.Person]] = {}
    for place, one in enumerate(listed):
        key = f"annotations[{place}]"
        if not isinstance(one, dict) or not isinstance(one.get("image_id"), int | str) or "keypoints" not in one:
            raise UserError("expected 'image_id' and 'keypoints'", file=str(file), key=key)
        if frames and one["image_id"] not in frames:
            raise UserError(f"no image has the id {one['image_id']!r}", file=str(file), key=f"{key}.image_id")
        frame = frames[one["image_id"]] if frames else detections.number(one["image_id"], file, key) - first
        seen = detections.person(one["keypoints"], file, f"{key}.keypoints", one.get("score"))
        if frames and "score" not in one:  # labels: visibility in place of scores
            half = np.column_stack([seen.keypoints[:, :2], seen.keypoints[:, 2] / 2])
            seen = detections.Person(half, float(one.get("area") or 0.0))
        people.setdefault(frame, []).append(seen)
    return people
