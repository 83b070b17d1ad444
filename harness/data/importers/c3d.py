"""C3D: markers of optical motion capture, brought to h36m17 by a declared map of markers.

Layout: https://www.c3d.org. Markers lie on the skin; a joint is declared as one or as the mean of some, which is near
the joint's centre, not at it. A marker's prefix (``Subject:LKNE``) is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt

from harness.data import mocap
from harness.data.dataset import Clip
from harness.data.importers import joint_map, motion
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import H36M17

_UNITS = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}


def read(
    paths: Sequence[Path],
    *,
    joints: str,
    units: Literal["metres", "centimetres", "millimetres", "inches"] | None = None,
    up: Literal["x", "y", "z"] = "z",
    fps: Annotated[float, Gt(0)] = 50.0,
    gap: Annotated[float, Ge(0)] = 0.2,
    subject: str | None = None,
    licence: str = "not stated",
) -> Imported:
    """Read motions.

    Args:
        paths: C3D files, or folders of them.
        joints: a YAML or JSON file: for each joint of h36m17 a marker, or some (see `joint_map`).
        units: of the positions; default: those that the file states.
        up: the axis that points up.
        fps: frames a second to make.
        gap: seconds that a marker may be unseen; it is taken to move straight meanwhile.
        subject: who moves; default: the name of the file's folder.
        licence: on which terms the motions may be used.
    Raises:
        UserError: what is wrong, with file and marker.
    """
    clips = []
    for path in motion.files(paths, ".c3d"):
        names, places, rate, stated = markers(path)
        if units is None and stated not in _UNITS:
            message = f"units '{stated}'; expected {', '.join(_UNITS)}, or say what they are: -o units=millimetres"
            raise UserError(message, file=str(path), key="POINT:UNITS")
        chosen = joint_map.of_file(joints, names, H36M17)
        used = chosen.shares.any(axis=0)
        for place in np.flatnonzero(used):
            places[:, place] = _bridged(places[:, place], gap * rate, path, names[place])
        metres = chosen(places) * motion.METRES[units or _UNITS[stated]]
        moved = motion.resampled(motion.upright(metres, up), rate, fps)
        who = subject or motion.folder(path)
        placed = motion.grounded(moved).astype(np.float32)
        clips.append(Clip(f"{who}/{path.stem}", who, who, mocap.action(path.stem), fps, placed))
    return Imported("c3d", H36M17, tuple(clips), licence)


def markers(path: Path) -> tuple[tuple[str, ...], np.ndarray, float, str]:
    """Names of the markers, where they are (frames, markers, 3), NaN where unseen, frames a second, and the units."""
    import c3d

    try:
        # The library tells of what is odd in a file by warnings; what matters of it is checked below.
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = c3d.Reader(file)
            labels = [str(label).strip() for label in reader.point_labels]
            rate = float(reader.point_rate)
            frames = [points for _, points, _ in reader.read_frames()]
            expected = reader.header.last_frame - reader.header.first_frame + 1
            stated = reader.get("POINT:UNITS")
            unit = stated.string_value.strip().lower() if stated is not None else "none"
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UserError(f"{reason}; expected a C3D", file=str(path)) from None
    except Exception as error:  # a damaged file can fail anywhere in the library
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"no C3D, or a damaged one ({reason})", file=str(path)) from None
    if len(frames) < max(expected, 1):
        raise UserError(f"{len(frames)} frames; its header says {expected}: truncated?", file=str(path))
    if not rate > 0:
        raise UserError(f"{rate:g} frames a second", file=str(path), key="POINT:RATE")
    points = np.stack(frames).astype(np.float64)
    labels = labels[: points.shape[1]]
    bare = [label.rpartition(":")[2] for label in labels]
    labels = bare if len(set(bare)) == len(bare) else labels
    places = points[:, : len(labels), :3]
    places[points[:, : len(labels), 3] < 0] = np.nan
    return tuple(labels), places, rate, unit


def _bridged(place: np.ndarray, longest: float, path: Path, name: str) -> np.ndarray:
    """One marker's places (F, 3), gaps of up to ``longest`` frames filled."""
    seen = np.flatnonzero(np.isfinite(place).all(axis=-1))
    edges = np.concatenate([[-1], seen, [len(place)]])
    widest = int(np.diff(edges).argmax())
    gap = int(edges[widest + 1] - edges[widest] - 1)
    if gap > longest or not len(seen):
        message = f"this marker isn't seen for {gap} frames from frame {edges[widest] + 1} (of 0 to {len(place) - 1})"
        raise UserError(f"{message}; {longest:.0f} are bridged, see the option gap", file=str(path), key=name)
    frames = np.arange(len(place))
    return np.stack([np.interp(frames, seen, place[seen, axis]) for axis in range(3)], axis=-1)
