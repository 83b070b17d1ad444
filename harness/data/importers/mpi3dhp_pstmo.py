"""MPI-INF-3DHP as P-STMO keeps it: ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``.

Layout: one pickled object ``data``. Of training sequences {"S1 Seq1": [{camera: {data_2d, data_3d}}, frames a second]},
of the test set {"TS1": {data_2d, data_3d, valid}}. ``data_2d`` (frames, 17, 2) pixels of the annotation, ``data_3d``
(frames, 17, 3) millimetres in camera axes, of bodies scaled to one height (``univ_annot3``), ``valid`` (frames,): the
test frames that are scored. Joints run from the head's top down to the ankles, then pelvis, spine and head. What is
inside a camera isn't in the layout and follows from the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt

from harness.data.dataset import Clip, Split
from harness.data.importers import lens
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping, member
from harness.data.importers.stretches import stretches
from harness.errors import UserError, unknown
from harness.skeleton import H36M17

LICENCE = (
    "MPI-INF-3DHP: for non-commercial research to those who accepted the terms at vcai.mpi-inf.mpg.de/3dhp-dataset, "
    "not to be passed on; cite Mehta et al., 3DV 2017"
)
_TEST = tuple(f"TS{number}" for number in range(1, 7))
SPLITS = {
    "3dhp-s8": Split(
        train=tuple(f"S{number}" for number in range(1, 8)),
        validation=("S8",),
        test=_TEST,
    ),
    "3dhp-chosen-on-test": Split(
        train=tuple(f"S{number}" for number in range(1, 9)),
        validation=_TEST,
        test=_TEST,
    ),
}
"""The field trains on S1–S8 and tests on TS1–TS6. S8 chooses epochs in the first split, for the test set may not; in
the second it does, and only protocols that say so take its scores."""

JOINTS = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
"""Places of h36m17's joints among the layout's: its neck stands for Thorax, head for Neck/Nose, the top for Head."""

SCENES = {
    "TS1": "GreenScreen",
    "TS2": "GreenScreen",
    "TS3": "Studio",
    "TS4": "Studio",
    "TS5": "Outdoor",
    "TS6": "Outdoor",
}
"""By which the test set is also scored."""

_SQUARE, _WIDE = (2048.0, 2048.0), (1920.0, 1080.0)
_RESOLUTION = {"TS5": _WIDE, "TS6": _WIDE}
_METRES = 100.0  # nobody was filmed from 10 cm, or 100 m


def read(paths: Sequence[Path], *, test_fps: Annotated[float, Gt(0)] = 25.0, detector: str | None = None) -> Imported:
    """Read the training sequences, the test sequences, or both.

    Args:
        paths: ``data_train_3dhp.npz``, ``data_test_3dhp.npz``, in any order; one will do.
        test_fps: frames a second of the test set, of which the layout says nothing.
        detector: what the keypoints come from; default: ``gt``, for they are the annotation's.
    Raises:
        UserError: what is wrong, with file and key.
    """
    if not 1 <= len(paths) <= 2:
        raise UserError(f"expected data_train_3dhp.npz, data_test_3dhp.npz, or both; got {len(paths)} files")
    clips: list[Clip] = []
    for path in paths:
        for name, given in mapping(member(path, "data"), path, "data", "of sequences").items():
            clips += _test(given, path, name, test_fps) if isinstance(given, Mapping) else _train(given, path, name)
    return Imported("3dhp", H36M17, tuple(clips), LICENCE, detector or "gt", SPLITS, world="camera")


def _train(given: Any, path: Path, name: str) -> Iterator[Clip]:
    subject, _, sequence = name.partition(" ")
    if not subject or not sequence:
        message = f"the sequence '{name}' isn't called like 'S1 Seq1'"
        raise UserError(message, file=str(path), key="data")
    try:
        cameras, fps = given
        rate = float(fps)
    except (TypeError, ValueError):
        message = "expected [cameras, frames a second], or of the test set data_2d, data_3d and valid"
        raise UserError(message, file=str(path), key=name) from None
    if not rate > 0:
        raise UserError(f"{rate} frames a second", file=str(path), key=name)
    for camera, arrays in mapping(cameras, path, name, "of cameras").items():
        key = f"{name}@{camera}"
        pixels, points = _arrays(arrays, path, key)
        missing = ~_there(points)
        if missing.any():
            bad = int(np.flatnonzero(missing)[0])
            message = f"NaN, or joints behind the camera, in {int(missing.sum())} of {len(points)} frames, first in "
            raise UserError(f"{message}frame {bad}", file=str(path), key=f"{key}.data_3d")
        filmed = lens.at_origin(f"cam{camera}", lens.fitted(points, pixels, _SQUARE, str(path), key), _SQUARE, pixels)
        called = f"{subject}/{sequence}.cam{camera}"
        yield Clip(called, subject, subject, sequence, rate, points, cameras=(filmed,))


def _test(given: Mapping[str, Any], path: Path, name: str, fps: float) -> Iterator[Clip]:
    """The stretches of a test sequence in which there is a pose, with the frames that are scored."""
    pixels, points = _arrays(given, path, name)
    if "valid" not in given:
        raise unknown("key", "valid", given, file=str(path), key=f"{name}.valid")
    valid = floats(given["valid"], path, f"{name}.valid", "(frames,)").reshape(-1) > 0
    if len(valid) != len(points):
        message = f"{len(valid)} frames beside {len(points)} of data_3d"
        raise UserError(message, file=str(path), key=f"{name}.valid")
    there = _there(points) & np.isfinite(pixels).all(axis=(1, 2))
    if (valid & ~there).any():
        bad = int(np.flatnonzero(valid & ~there)[0])
        message = f"frame {bad} is to be scored, but its pose is NaN or behind the camera"
        raise UserError(message, file=str(path), key=f"{name}.data_3d")
    if not valid.any():
        raise UserError("no frame is to be scored", file=str(path), key=f"{name}.valid")
    size = _RESOLUTION.get(name, _SQUARE)
    inside = lens.fitted(points[there], pixels[there], size, str(path), name)
    for called, frames in stretches(there, f"{name}/all"):
        if valid[frames].any():
            filmed = lens.at_origin("cam", inside, size, np.ascontiguousarray(pixels[frames]))
            positions = np.ascontiguousarray(points[frames])
            action = SCENES.get(name, name)
            yield Clip(called, name, name, action, fps, positions, cameras=(filmed,), scored=valid[frames])


def _arrays(given: Any, path: Path, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (F, 17, 2) and metres (F, 17, 3) in h36m17's order."""
    columns = mapping(given, path, key, "of data_2d and data_3d")
    found = []
    for name, width in (("data_2d", 2), ("data_3d", 3)):
        if name not in columns:
            raise unknown("key", name, columns, file=str(path), key=f"{key}.{name}")
        array = floats(columns[name], path, f"{key}.{name}", f"(frames, 17, {width})")
        if array.ndim != 3 or array.shape[1:] != (len(JOINTS), width) or not len(array):
            message = f"shape {array.shape}; expected (frames, 17, {width})"
            raise UserError(message, file=str(path), key=f"{key}.{name}")
        found.append(np.ascontiguousarray(array[:, list(JOINTS)]))
    pixels, points = found
    if len(pixels) != len(points):
        message = f"{len(pixels)} frames beside {len(points)} of data_3d"
        raise UserError(message, file=str(path), key=f"{key}.data_2d")
    depth = float(np.nanmedian(np.abs(points[..., 2]))) if np.isfinite(points).any() else _METRES
    if depth < _METRES:
        message = (
            f"joints stand {depth:.3g} before the camera: in metres, or about the root? The layout has millimetres"
        )
        raise UserError(message, file=str(path), key=f"{key}.data_3d")
    return pixels, points / 1000


def _there(points: np.ndarray) -> np.ndarray:
    """Frames (F,) bool whose joints are all numbers and before the camera."""
    return np.isfinite(points).all(axis=(1, 2)) & (np.nan_to_num(points[..., 2]) > 0).all(axis=1)
