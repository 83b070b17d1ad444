"""3DPW as it is published: ``sequenceFiles/{train,validation,test}/*.pkl``, one pickle a sequence.

Layout: ``jointPositions`` holds for each person (frames, 72), the 24 joints of SMPL in world axes, metres, 30 frames a
second; ``cam_poses`` (frames, 4, 4) world to camera, ``cam_intrinsics`` (3, 3) pixels, ``campose_valid`` for each
person which frames' camera is right, ``poses2d`` for each person (frames, 3, 18): x, y, score of OpenPose's 18. The
camera is carried about, so positions are given in its axes and the frames without a camera are cut out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.data.dataset import SIDES, Clip, RecordedCamera, Split
from harness.data.importers import lens, motion, plain_pickle
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping
from harness.data.importers.stretches import stretches
from harness.errors import UserError, unknown
from harness.skeleton import H36M17, SMPL24, Skeleton

FPS = 30.0
LICENCE = (
    "3DPW: for non-commercial research to those who accepted the terms at virtualhumans.mpi-inf.mpg.de/3DPW, not to be "
    "passed on; cite von Marcard et al., ECCV 2018"
)

TO_H36M17: dict[str, dict[str, float]] = {
    "Hip": {"Pelvis": 1.0},
    "RHip": {"RHip": 1.0},
    "RKnee": {"RKnee": 1.0},
    "RFoot": {"RAnkle": 1.0},
    "LHip": {"LHip": 1.0},
    "LKnee": {"LKnee": 1.0},
    "LFoot": {"LAnkle": 1.0},
    "Spine": {"Spine2": 1.0},
    "Thorax": {"Neck": 1.0},
    "Neck/Nose": {"Head": 1.0},
    "Head": {"Head": 2.0, "Neck": -1.0},
    "LShoulder": {"LShoulder": 1.0},
    "LElbow": {"LElbow": 1.0},
    "LWrist": {"LWrist": 1.0},
    "RShoulder": {"RShoulder": 1.0},
    "RElbow": {"RElbow": 1.0},
    "RWrist": {"RWrist": 1.0},
}
"""Joints of h36m17 as sums of SMPL's. SMPL has no top of the head: its head joint, as far again from the neck."""

OPENPOSE18 = {
    "RShoulder": 2,
    "RElbow": 3,
    "RWrist": 4,
    "LShoulder": 5,
    "LElbow": 6,
    "LWrist": 7,
    "RHip": 8,
    "RKnee": 9,
    "RAnkle": 10,
    "LHip": 11,
    "LKnee": 12,
    "LAnkle": 13,
}
"""Places of SMPL's joints among the detected keypoints; its others weren't detected."""


def read(
    paths: Sequence[Path],
    *,
    joints: Literal["smpl24", "h36m17"] = "smpl24",
    keypoints: Literal["none", "openpose"] = "none",
) -> Imported:
    """Read sequences; nothing in the pickles is run.

    Args:
        paths: the pickles, or the folder that holds them; the folders ``train``, ``validation`` and ``test`` they
            lie in are the published split.
        joints: the skeleton of the clips: SMPL's own, or Human3.6M's by `TO_H36M17`.
        keypoints: record the detections that come with the data (score 0 for joints that OpenPose doesn't have), or
            none, for input projected from the poses.
    Raises:
        UserError: what is wrong, with file and key.
    """
    skeleton = {skeleton.name: skeleton for skeleton in (SMPL24, H36M17)}[joints]
    clips: list[Clip] = []
    sides: dict[str, list[str]] = {side: [] for side in SIDES}
    for path in motion.files(paths, ".pkl"):
        clips += _sequence(path, skeleton, keypoints == "openpose")
        sides.setdefault(path.absolute().parent.name, []).append(path.stem)
    published = Split(**{side: tuple(sorted(sides[side])) for side in SIDES})
    splits = {"3dpw": published} if all(published.side(side) for side in SIDES) else {}
    detector = "openpose" if keypoints == "openpose" else None
    return Imported("3dpw", skeleton, tuple(clips), LICENCE, detector, splits, world="camera")


def _sequence(path: Path, skeleton: Skeleton, detected: bool) -> Iterator[Clip]:
    given = mapping(plain_pickle.load(path), path, "pickle", "of a sequence")
    inside, resolution = _lens(given, path)
    to_camera = floats(_item(given, "cam_poses", path), path, "cam_poses", "(frames, 4, 4)").astype(np.float64)
    if to_camera.ndim != 3 or to_camera.shape[1:] != (4, 4):
        raise UserError(f"shape {to_camera.shape}; expected (frames, 4, 4)", file=str(path), key="cam_poses")
    people = _people(given, "jointPositions", path)
    valid = _people(given, "campose_valid", path, len(people))
    seen = _people(given, "poses2d", path, len(people)) if detected else [None] * len(people)
    action = re.sub(r"_\d+$", "", path.stem)
    frames = len(to_camera)
    for person, values in enumerate(people):
        key = f"jointPositions[{person}]"
        world = _shaped(values, (frames, 3 * len(SMPL24)), path, key).reshape(frames, len(SMPL24), 3)
        ok = _shaped(valid[person], (frames,), path, f"campose_valid[{person}]") > 0
        points = np.einsum("fij,fkj->fki", to_camera[:, :3, :3], world) + to_camera[:, None, :3, 3]
        positions = np.einsum("jk,fkx->fjx", _weights(skeleton), points).astype(np.float32)
        if not np.isfinite(positions[ok]).all():
            raise UserError("NaN or infinity where the camera is valid", file=str(path), key=key)
        pixels, score = _detected(seen[person], frames, skeleton, path, person) if detected else (None, None)
        for name, part in stretches(ok, f"{path.stem}/person{person}"):
            camera = RecordedCamera(
                "phone",
                (1.0, 0.0, 0.0, 0.0),
                (0.0, 0.0, 0.0),
                inside,
                resolution,
                None if pixels is None else np.ascontiguousarray(pixels[part]),
                None if score is None else np.ascontiguousarray(score[part]),
            )
            yield Clip(name, path.stem, None, action, FPS, np.ascontiguousarray(positions[part]), cameras=(camera,))


def _item(given: Mapping[str, Any], name: str, path: Path) -> Any:
    if name not in given:
        raise unknown("key", name, given, file=str(path), key=name)
    return given[name]


def _people(given: Mapping[str, Any], name: str, path: Path, count: int | None = None) -> list[Any]:
    """One entry for each person."""
    found = _item(given, name, path)
    if not isinstance(found, (list, tuple, np.ndarray)) or len(found) == 0:
        raise UserError("expected a list, one array for each person", file=str(path), key=name)
    if count is not None and len(found) != count:
        raise UserError(f"{len(found)} people; expected {count} as in jointPositions", file=str(path), key=name)
    return list(found)


def _shaped(values: Any, shape: tuple[int, ...], path: Path, key: str) -> np.ndarray:
    found = floats(values, path, key, str(shape))
    if found.shape != shape:
        message = f"shape {found.shape}; expected {shape}, with the {shape[0]} frames of cam_poses"
        raise UserError(message, file=str(path), key=key)
    return found


def _lens(given: Mapping[str, Any], path: Path) -> tuple[tuple[float, ...], tuple[float, float]]:
    """What is inside the camera, and its resolution: the principal point is the image's middle."""
    matrix = floats(_item(given, "cam_intrinsics", path), path, "cam_intrinsics", "(3, 3)").astype(np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1], *matrix[:2, 2]) <= 0:
        message = "expected (3, 3): focal lengths and principal point in pixels"
        raise UserError(message, file=str(path), key="cam_intrinsics")
    centre = (float(matrix[0, 2]), float(matrix[1, 2]))
    size = (float(round(2 * centre[0])), float(round(2 * centre[1])))
    return lens.intrinsic((float(matrix[0, 0]), float(matrix[1, 1])), centre, size), size


def _weights(skeleton: Skeleton) -> np.ndarray:
    """(J, 24): the skeleton's joints as sums of SMPL's."""
    if skeleton == SMPL24:
        return np.eye(len(SMPL24))
    found = np.zeros((len(skeleton), len(SMPL24)))
    for place, joint in enumerate(skeleton.joints):
        for name, weight in TO_H36M17[joint].items():
            found[place, SMPL24.joints.index(name)] = weight
    return found


def _detected(values: Any, frames: int, skeleton: Skeleton, path: Path, person: int) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (F, J, 2) and scores (F, J) of the skeleton's joints; nowhere and 0 for what wasn't detected."""
    given = _shaped(values, (frames, 3, 18), path, f"poses2d[{person}]")
    found = np.zeros((frames, len(skeleton), 3), dtype=np.float32)
    weights = _weights(skeleton)
    for place in range(len(skeleton)):
        (one, *others) = np.flatnonzero(weights[place]).tolist()
        slot = OPENPOSE18.get(SMPL24.joints[one])
        if slot is not None and not others:
            found[:, place] = given[:, :, slot]
    lost = ~(np.isfinite(found).all(-1) & (found[..., 2] > 0))
    found[lost] = 0
    return np.ascontiguousarray(found[..., :2]), np.ascontiguousarray(found[..., 2])
