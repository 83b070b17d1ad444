"""What the layouts of keypoint detectors share: people in frames, attached to the clips of an imported file.

A layout's module turns a file or folder into `Seen`; `attach` chooses one person a frame, maps the keypoints to the
skeleton's joints, and puts them beside the clip's camera. Where a joint wasn't detected its score is 0, and it is put
on the way between the frames before and after in which it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data import imported_file
from harness.data.dataset import Clip, RecordedCamera
from harness.data.importers import joint_map
from harness.data.importers.imported import Imported
from harness.errors import UserError, unknown
from harness.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Person:
    """One detected person: ``keypoints`` (K, 3), x and y in pixels and a score; ``weight``, the detector's belief."""

    keypoints: np.ndarray
    weight: float


@dataclass(frozen=True, eq=False)
class Seen:
    """The people in each frame, by its number from 0.

    Attributes:
        frames: of a film every frame of which is mentioned, how many; None where frames without people are left out.
        size: width and height of the images, where the file says.
    """

    people: Mapping[int, Sequence[Person]]
    frames: int | None = None
    size: tuple[float, float] | None = None


def attach(
    paths: Sequence[Path],
    seen: Callable[[Path], Seen],
    *,
    clip: str | None,
    camera: str | int | None,
    places: str | None,
    joints: str | None,
    detector: str,
) -> Imported:
    """The clips of an imported file with detections beside them.

    Args:
        paths: the imported file; then the detections of one film, or a folder that ``places`` refers to.
        seen: reads one film's detections.
        clip, camera: whose film it is.
        places: in place of both, a JSON or YAML file {clip@camera: path in the folder}.
        joints: the layout of the keypoints (`joint_map.of_layout`).
        detector: what they come from.
    Raises:
        UserError: what is wrong, with file and key.
    """
    if len(paths) != 2:
        what = "an imported clip file, then the detections"
        raise UserError(f"expected two paths: {what}; got {len(paths)}", key="PATH")
    found = imported_file.read(paths[0])
    films = _films(paths[1], clip, camera, places)
    clips = {one.name: one for one in found.clips}
    for (name, lens), film in films.items():
        if name not in clips:
            raise unknown("clip", name, clips, file=str(paths[0]), key="clip")
        recorded = {one.name: one for one in clips[name].cameras}
        if lens not in recorded:
            if not recorded:
                message = "no camera is recorded for this clip: keypoints need the camera that saw them"
                raise UserError(message, file=str(paths[0]), key=name)
            raise unknown("camera", lens, recorded, file=str(paths[0]), key=name)
        with_them = _detected(recorded[lens], clips[name], seen(film), found.skeleton, joints, film)
        cameras = tuple(with_them if one.name == lens else one for one in clips[name].cameras)
        clips[name] = replace(clips[name], cameras=cameras)
    return replace(found, clips=tuple(clips.values()), detector=detector)


def content(path: Path, what: str) -> Any:
    """What a JSON file holds.

    Raises:
        UserError: no such file, or no JSON or a truncated one.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no such file; expected {what}", file=str(path)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"can't be read as JSON ({error}); expected {what}", file=str(path)) from None


def person(flat: Any, path: Path, key: str, weight: Any = None) -> Person:
    """A person from keypoints x, y, score in one list or in rows.

    Args:
        weight: the detector's belief in the person; default: the mean score.
    Raises:
        UserError: other things than numbers, or NaN.
    """
    try:
        keypoints = np.asarray(flat, dtype=np.float64)
        keypoints = keypoints.reshape(-1, 3)
        belief = float(keypoints[:, 2].mean() if weight is None else weight)
    except (TypeError, ValueError):
        raise UserError("expected keypoints, each x, y and a score", file=str(path), key=key) from None
    if not len(keypoints) or not np.isfinite(keypoints).all() or not np.isfinite(belief):
        raise UserError("NaN or nothing among the keypoints", file=str(path), key=key)
    return Person(keypoints, belief)


def number(name: Any, path: Path, key: str) -> int:
    """The number of a frame: a number, or the last one in a file's name.

    Raises:
        UserError: there is none.
    """
    digits = re.findall(r"\d+", Path(str(name)).stem)
    if not digits:
        raise UserError(f"no number of a frame in '{name}'", file=str(path), key=key)
    return int(digits[-1])


def _films(path: Path, clip: str | None, camera: str | int | None, places: str | None) -> dict[tuple[str, str], Path]:
    if places is None:
        if clip is None or camera is None:
            message = "say whose film this is: -o clip=SUBJECT/CLIP -o camera=NAME, or -o places=FILE for several"
            raise UserError(message, key="clip" if clip is None else "camera")
        return {(clip, str(camera)): path}
    if clip is not None or camera is not None:
        raise UserError("'places' says which clips and cameras; clip and camera have no effect", key="places")
    import yaml

    try:
        given = yaml.safe_load(Path(places).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"can't be read ({' '.join(str(error).split())})", file=places, key="places") from None
    if not isinstance(given, dict) or not given:
        raise UserError("expected {SUBJECT/CLIP@CAMERA: path}", file=places, key="places")
    films = {}
    for key, file in given.items():
        name, at, lens = str(key).rpartition("@")
        if not at or not isinstance(file, str):
            raise UserError("expected SUBJECT/CLIP@CAMERA: path", file=places, key=str(key))
        films[name, lens] = path / file
    return films


def _detected(
    camera: RecordedCamera, clip: Clip, seen: Seen, skeleton: Skeleton, joints: str | None, film: Path
) -> RecordedCamera:
    key = f"{clip.name}@{camera.name}"
    last = max(seen.people, default=0)
    if seen.frames is not None and seen.frames != len(clip):
        message = f"{seen.frames} frames of detections beside {len(clip)} of the clip"
        raise UserError(message, file=str(film), key=key)
    if last >= len(clip) or min(seen.people, default=0) < 0:
        message = f"frame {last} beside a clip of {len(clip)}; if numbers don't begin at 0: -o first=N"
        raise UserError(message, file=str(film), key=key)
    if seen.size is not None and tuple(seen.size) != tuple(camera.resolution):
        wide, high = (" x ".join(f"{side:g}" for side in pair) for pair in (seen.size, camera.resolution))
        raise UserError(f"detected in images of {wide} pixels; the camera's have {high}", file=str(film), key=key)
    chosen = {frame: max(people, key=lambda one: one.weight) for frame, people in seen.people.items() if people}
    counts = {len(one.keypoints) for one in chosen.values()}
    if len(counts) != 1:
        message = "nobody is detected" if not counts else f"people with {' and '.join(map(str, sorted(counts)))} points"
        raise UserError(message, file=str(film), key=key)
    layout = joint_map.of_layout(joints, counts.pop(), skeleton, str(film))
    count = len(layout.sources)
    points = np.zeros((len(clip), count, 3))
    for frame, one in chosen.items():
        points[frame] = one.keypoints[:count]
    score = np.maximum(layout.scores(points[..., 2]), 0)
    pixels = _bridged(layout(points[..., :2]), score > 0, camera.resolution)
    return replace(camera, pixels=pixels.astype(np.float32), score=score.astype(np.float32))


def _bridged(pixels: np.ndarray, there: np.ndarray, resolution: Sequence[float]) -> np.ndarray:
    """``pixels`` (F, J, 2) where detected; else between neighbours in time, or, of joints never seen, the middle."""
    frames = np.arange(len(pixels))
    filled = np.empty_like(pixels)
    for joint in range(pixels.shape[1]):
        known = np.flatnonzero(there[:, joint])
        for axis in range(2):
            values = pixels[known, joint, axis]
            filled[:, joint, axis] = np.interp(frames, known, values) if len(known) else resolution[axis] / 2
    return filled
