"""HumanEva-I as VideoPose3D keeps it: ``data_3d_humaneva15.npz``, and a ``data_2d_humaneva15_*.npz`` of keypoints.

Layout: ``positions_3d`` holds {subject: {action: (frames, 15, 3)}}, metres, world axes, 60 frames a second. Subjects
are called ``Train/S1`` or ``Validate/S1``, actions ``Walking 1 chunk0``: a take is cut where motion capture failed.
Keypoints are those of `videopose3d`, one array for each of three cameras. Where these stood is published, what is
inside them isn't in the layout: it follows from poses and keypoints, one camera for all takes of a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import Clip, RecordedCamera, Split
from harness.data.importers import h36m, lens, videopose3d
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping, member
from harness.errors import UserError
from harness.skeleton import HUMANEVA15

FPS = 60.0
LICENCE = (
    "HumanEva-I: free of charge for research to those who registered at humaneva.is.tue.mpg.de, not to be passed on; "
    "cite Sigal et al., IJCV 2010"
)
SPLITS = {
    "humaneva-people": Split(
        train=("S1-Train", "S1-Validate"), validation=("S2-Train", "S2-Validate"), test=("S3-Train", "S3-Validate")
    )
}
"""The field trains on Train/S1–S3 and tests on Validate/S1–S3: the same three people. Here people are kept apart."""

_PREFIX = "data_2d_humaneva15_"


def read(paths: Sequence[Path], *, cameras: str | None = None, detector: str | None = None) -> Imported:
    """Read the poses, and the keypoints where a second file gives them; without one there are no cameras.

    Args:
        paths: ``data_3d_humaneva15.npz``, then at most one file of keypoints.
        cameras: a JSON file of whole cameras (S1, S2, S3), of the form of ``h36m_cameras.json``.
        detector: what the keypoints come from; default: what the file is called, less ``data_2d_humaneva15_``.
    Raises:
        UserError: what is wrong, with file and key.
    """
    if not 1 <= len(paths) <= 2:
        raise UserError(f"expected data_3d_humaneva15.npz and at most one {_PREFIX}*.npz; got {len(paths)} files")
    poses, seen = videopose3d.in_order(paths)
    found = videopose3d.keypoints(seen, HUMANEVA15, "HumanEva's 15") if seen else None
    known = h36m.cameras(cameras) if cameras else (_placed() if seen else {})
    clips = []
    for subject, actions in mapping(member(poses, "positions_3d"), poses, "positions_3d", "of subjects").items():
        side, _, person = subject.partition("/")
        if side not in ("Train", "Validate") or not person:
            message = f"the subject '{subject}' isn't called like Train/S1 or Validate/S1"
            raise UserError(message, file=str(poses), key="positions_3d")
        there = tuple(h36m.of_subject(known, person, str(poses)).values()) if known else ()
        for action, values in mapping(actions, poses, subject, "of actions").items():
            positions = _positions(values, poses, f"{subject}/{action}")
            filmed = there
            if found is not None and seen is not None:
                arrays = videopose3d.of_clip(found, seen, subject, action)
                shape = (len(positions), len(HUMANEVA15))
                filmed = videopose3d.with_keypoints(there, arrays, shape, seen, f"{subject}/{action}")
            called, kind = f"{person}-{side}", action.partition(" ")[0]
            clips.append(Clip(f"{called}/{action}", called, person, kind, FPS, positions, cameras=filmed))
    if seen and not cameras:
        clips = _completed(clips, str(seen))
    performers = {clip.subject: str(clip.performer) for clip in clips}
    named = detector or (seen.stem.removeprefix(_PREFIX) if seen else None)
    return Imported("humaneva", HUMANEVA15, tuple(clips), LICENCE, named, SPLITS, performers)


def _positions(values: Any, path: Path, name: str) -> np.ndarray:
    found = floats(values, path, name, "(frames, 15, 3)")
    if found.ndim != 3 or found.shape[1:] != (len(HUMANEVA15), 3):
        raise UserError(f"shape {found.shape}; expected (frames, 15, 3)", file=str(path), key=name)
    return found


def _placed() -> dict[str, dict[str, RecordedCamera]]:
    """Person → camera name → where it stood, as published; inside it nothing yet."""
    given = json.loads(Path(__file__).with_name("humaneva_cameras.json").read_text(encoding="utf-8"))
    width, height = map(float, given["resolution"])
    return {
        person: {
            name: RecordedCamera(
                name,
                tuple(map(float, place["orientation"])),
                tuple(float(x) / 1000 for x in place["translation"]),
                (),
                (width, height),
            )
            for name, place in placed.items()
        }
        for person, placed in given["subjects"].items()
    }


def _completed(clips: list[Clip], path: str) -> list[Clip]:
    """The clips with what is inside their cameras: for each person and camera what all takes agree on."""
    inside: dict[tuple[str | None, str], tuple[float, ...]] = {}
    for person in dict.fromkeys(clip.performer for clip in clips):
        takes = [clip for clip in clips if clip.performer == person]
        for number, camera in enumerate(takes[0].cameras):
            own = [take.cameras[number] for take in takes]
            points = [lens.in_camera(take.positions, camera.orientation, camera.translation) for take in takes]
            pixels = [film.pixels for film in own if film.pixels is not None]
            scores = [film.score for film in own if film.score is not None]
            inside[person, camera.name] = lens.fitted(
                np.concatenate(points),
                np.concatenate(pixels),
                camera.resolution,
                path,
                f"{person}@{camera.name}",
                np.concatenate(scores) if len(scores) == len(own) else None,
            )
    return [
        replace(
            clip,
            cameras=tuple(replace(c, intrinsic=inside[clip.performer, c.name]) for c in clip.cameras),
        )
        for clip in clips
    ]
