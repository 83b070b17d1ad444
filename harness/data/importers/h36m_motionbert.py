"""Human3.6M as MotionBERT keeps it: ``h36m_sh_conf_cam_source_final.pkl``, and its like with other detections.

Layout: a pickle {train, test} of columns over frames: ``joint_2d`` (N, 17, 2) pixels of a detector, ``confidence``
(N, 17), ``joint3d_image`` (N, 17, 3): where the true joint is seen by a camera without distortion (pixels), and its
depth behind the root in pixels; ``camera_name`` and ``source`` (N), e.g. ``s_09_act_02_subact_01_ca_01``. Of test
frames ``2.5d_factor`` (N) says how many millimetres such a pixel is, and ``action`` what is done.

A pixel is (width of a box of 2 m around the root + 1) / 2000 of a millimetre (Ma et al., ICCV 2019, whose files these
began with), so the factor gives the root's depth, and with it the pose in camera axes. Where there is no factor the
depths of the root before several cameras follow from the cameras' places: the joints must meet in the world.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import Clip, RecordedCamera
from harness.data.importers import h36m, plain_pickle
from harness.data.importers.imported import Imported
from harness.data.importers.lens import matrix
from harness.data.importers.npz import floats, mapping
from harness.errors import UserError, unknown
from harness.skeleton import H36M17

_SOURCE = re.compile(r"s_(\d+)_act_(\d+)(?:_subact_(\d+))?_(?:ca|cam)_(\d+)")
_BOX = 2000.0  # millimetres
_APART = 0.1  # metres: calibration leaves a centimetre or two, frames of different moments much more
_ROUNDS = 4  # of depth from places and places from depth; each shrinks the error about five-hundredfold


@dataclass(frozen=True, eq=False)
class _Film:
    """The frames of one source, seen by one camera: ``rays`` (F, J, 3) of depth 1, ``behind`` (F, J) in pixels."""

    name: str
    subject: str
    action: str
    camera: RecordedCamera
    rays: np.ndarray
    behind: np.ndarray
    factor: np.ndarray | None


def read(paths: Sequence[Path], *, cameras: str | None = None, detector: str | None = None) -> Imported:
    """Read the pickle; nothing in it is run.

    Args:
        paths: one file.
        cameras: a JSON file of cameras in place of the published ones.
        detector: what the keypoints come from; default: ``sh`` (stacked hourglass) where the file's name says so, else
            ``unknown``.
    Raises:
        UserError: what is wrong, with file and key.
    """
    if len(paths) != 1:
        raise UserError(f"expected one pickle, e.g. h36m_sh_conf_cam_source_final.pkl; got {len(paths)} files")
    path = paths[0]
    whole = mapping(plain_pickle.load(path), path, "pickle", "of train and test")
    known = h36m.cameras(cameras)
    taken: Counter[tuple[str, ...]] = Counter()
    films = []
    for side in ("train", "test"):
        films += _films(_column(whole, side, path, ""), path, side, known, taken)
    clips = tuple(_clips(films, path))
    named = detector or ("sh" if "_sh_" in path.name else "unknown")
    return Imported("h36m", H36M17, clips, h36m.LICENCE, named, h36m.SPLITS, world="camera")


def _column(side: dict[str, Any], name: str, path: Path, prefix: str) -> Any:
    if name not in side:
        raise unknown("key", name, side, file=str(path), key=f"{prefix}{name}")
    return side[name]


def _films(
    given: Any, path: Path, side: str, known: dict[str, dict[str, RecordedCamera]], taken: Counter[tuple[str, ...]]
) -> list[_Film]:
    columns = mapping(given, path, side, "of columns")
    prefix = f"{side}."
    seen = floats(_column(columns, "joint_2d", path, prefix), path, f"{side}.joint_2d", "(N, 17, 2)")[..., :2]
    joints = len(H36M17)
    image = floats(_column(columns, "joint3d_image", path, prefix), path, f"{side}.joint3d_image", "(N, 17, 3)")
    source = [str(name) for name in _column(columns, "source", path, prefix)]
    named = [str(name) for name in _column(columns, "camera_name", path, prefix)]
    score = columns.get("confidence")
    score = None if score is None else floats(score, path, f"{side}.confidence", "(N, 17)").reshape(-1, joints)
    factor = columns.get("2.5d_factor")
    factor = None if factor is None else floats(factor, path, f"{side}.2.5d_factor", "(N,)").reshape(-1)
    lengths: dict[str, Sized | None] = {
        "joint_2d": seen,
        "source": source,
        "camera_name": named,
        "confidence": score,
        "2.5d_factor": factor,
    }
    if image.ndim != 3 or image.shape[1:] != (joints, 3):
        raise UserError(f"shape {image.shape}; expected (N, 17, 3)", file=str(path), key=f"{side}.joint3d_image")
    if seen.shape[1:] != (joints, 2):
        raise UserError(f"shape {seen.shape}; expected (N, 17, 2)", file=str(path), key=f"{side}.joint_2d")
    for name, column in lengths.items():
        if column is not None and len(column) != len(image):
            message = f"{len(column)} frames beside {len(image)} of joint3d_image"
            raise UserError(message, file=str(path), key=f"{side}.{name}")
    if not np.isfinite(image).all():
        raise UserError("NaN or infinity", file=str(path), key=f"{side}.joint3d_image")
    starts = [0, *(n for n in range(1, len(source)) if source[n] != source[n - 1]), len(source)]
    films = []
    for first, last in pairwise(starts):
        rows = slice(first, last)
        subject, camera, name, action = _about(source[first], named[rows], known, path)
        taken[subject, name, camera.name] += 1
        take = taken[subject, name, camera.name]  # sources that don't number their takes follow one another
        name = name if take == 1 else f"{name} ({take})"
        fx, fy, cx, cy = _pinhole(camera)
        flat = image[rows].astype(np.float64)
        rays = np.stack([(flat[..., 0] - cx) / fx, (flat[..., 1] - cy) / fy, np.ones(flat.shape[:2])], axis=-1)
        own = replace(
            camera,
            pixels=np.ascontiguousarray(seen[rows]),
            score=None if score is None else np.ascontiguousarray(score[rows]),
        )
        scale = None if factor is None else factor[rows].astype(np.float64)
        films.append(_Film(name, subject, action, own, rays, flat[..., 2], scale))
    return films


def _about(
    source: str, named: list[str], known: dict[str, dict[str, RecordedCamera]], path: Path
) -> tuple[str, RecordedCamera, str, str]:
    """Subject, camera, clip name and action of a source.

    The column of camera names can't be trusted where it changes within a source (it does in the published test set):
    the source's own number then says which camera it is.
    """
    found = _SOURCE.fullmatch(source)
    if found is None:
        message = f"the source '{source}' isn't called like s_09_act_02_subact_01_ca_01"
        raise UserError(message, file=str(path), key="source")
    number, act, part, slot = found.groups()
    cameras = h36m.of_subject(known, f"S{int(number)}", str(path))
    camera = named[0] if len(set(named)) == 1 else None
    if camera is None and 1 <= int(slot) <= len(cameras):
        camera = list(cameras)[int(slot) - 1]
    if camera not in cameras:
        raise unknown("camera", str(camera or slot), cameras, file=str(path), key=source)
    action = h36m.ACTIONS.get(int(act), f"act_{act}")
    return f"S{int(number)}", cameras[camera], f"{action}{f' {int(part)}' if part else ''}", action


def _pinhole(camera: RecordedCamera) -> tuple[float, float, float, float]:
    """Focal lengths and principal point in pixels."""
    width, height = camera.resolution
    fx, fy, cx, cy = camera.intrinsic[:4]
    return fx * width / 2, fy * width / 2, (cx + 1) * width / 2, (cy + height / width) * width / 2


def _clips(films: list[_Film], path: Path) -> list[Clip]:
    together: dict[tuple[str, str], list[_Film]] = {}
    for film in films:
        together.setdefault((film.subject, film.name), []).append(film)
    clips = []
    for (subject, name), group in together.items():
        depths = _depths(group, path, f"{subject}/{name}")
        for film, depth in zip(group, depths, strict=True):
            positions = _placed(film, depth).astype(np.float32)
            camera = replace(film.camera, orientation=(1.0, 0.0, 0.0, 0.0), translation=(0.0, 0.0, 0.0))
            # What these files project is without distortion, and nothing else says where a joint is seen.
            camera = replace(camera, intrinsic=(*camera.intrinsic[:4], 0.0, 0.0, 0.0, 0.0, 0.0))
            called = f"{subject}/{name}.{camera.name}"
            clips.append(Clip(called, subject, subject, film.action, h36m.FPS, positions, cameras=(camera,)))
    return clips


def _placed(film: _Film, depth: np.ndarray) -> np.ndarray:
    """Positions (F, J, 3), metres, camera axes, for roots at ``depth`` (F,) metres."""
    focal = _pinhole(film.camera)[0]
    scale = (_BOX * focal / (1000 * depth) + 1) / _BOX  # pixels a millimetre
    along = depth[:, None] + film.behind / scale[:, None] / 1000  # (F, J)
    return film.rays * along[..., None]


def _depths(group: list[_Film], path: Path, name: str) -> list[np.ndarray]:
    """The root's depth before each camera, (F,) metres each."""
    if all(film.factor is not None for film in group):
        return [_from_factor(film, path, name) for film in group]
    lengths = {len(film.rays) for film in group}
    if len(group) < 2 or len(lengths) > 1:
        seen = ", ".join(f"{film.camera.name} ({len(film.rays)} frames)" for film in group)
        message = "no '2.5d_factor' says how large this person is, and without one it takes two cameras or more that "
        raise UserError(f"{message}filmed the same frames; found {seen}", file=str(path), key=name)
    depths, apart = _meeting(group)
    if apart > _APART:
        message = f"before its cameras the joints of this clip lie {1000 * apart:.0f} mm apart (median): their frames "
        raise UserError(f"{message}or the cameras' places aren't those of one recording", file=str(path), key=name)
    return depths


def _from_factor(film: _Film, path: Path, name: str) -> np.ndarray:
    assert film.factor is not None
    width = _BOX / film.factor - 1  # of the box, pixels
    if not (np.isfinite(width) & (width > 0)).all():
        message = f"2.5d_factor of {film.factor.max():.4g}; expected millimetres a pixel, about 3 to 6"
        raise UserError(message, file=str(path), key=name)
    return _pinhole(film.camera)[0] * _BOX / width / 1000


def _meeting(group: list[_Film]) -> tuple[list[np.ndarray], float]:
    """The depths at which the joints of all films come nearest to one place in the world (least squares).

    Returns:
        depths, (F,) metres of each film; and how far from their mean the joints still lie, the median, metres.
    """
    turns = [matrix(film.camera.orientation) for film in group]
    places = np.array([film.camera.translation for film in group])
    depths = [np.full(len(film.rays), 4.5) for film in group]
    for _ in range(_ROUNDS):
        # A pose at depth d is d × (a shape that hardly depends on d): solve for d, make the shape anew.
        shapes = [
            np.einsum("ij,fkj->fki", turn, _placed(film, depth) / depth[:, None, None])
            for turn, film, depth in zip(turns, group, depths, strict=True)
        ]
        count, frames = len(group), len(depths[0])
        left, right = np.zeros((frames, count, count)), np.zeros((frames, count))
        for a in range(count):
            for b in range(count):
                if a == b:
                    continue
                # |p_a + s_a d_a − p_b − s_b d_b|², summed over joints, differentiated by d_a
                left[:, a, a] += (shapes[a] ** 2).sum((1, 2))
                left[:, a, b] -= (shapes[a] * shapes[b]).sum((1, 2))
                right[:, a] += (shapes[a] * (places[b] - places[a])).sum((1, 2))
        solved = np.linalg.solve(left, right[..., None])[..., 0]
        depths = [solved[:, number].clip(min=0.1) for number in range(count)]
    world = np.stack(
        [_placed(film, depth) @ turn.T + at for film, depth, turn, at in zip(group, depths, turns, places, strict=True)]
    )
    return depths, float(np.median(np.linalg.norm(world - world.mean(axis=0), axis=-1)))
