"""BVH: a skeleton of offsets and a motion of Euler angles, brought to h36m17 by a declared map of joints.

Layout: ``HIERARCHY`` nests joints, each with an ``OFFSET`` from its parent and the ``CHANNELS`` it moves by; ``MOTION``
gives ``Frames:``, ``Frame Time:`` and a row of all channels for each frame. A joint's rotation is the product of its
channels' in the order they are listed. Ends (``End Site``) are called after their joint: ``Head.end``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt

from harness.data import mocap
from harness.data.dataset import Clip
from harness.data.importers import joint_map, motion, rotations
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import H36M17


@dataclass
class _Joint:
    name: str
    parent: int
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    channels: list[str] = field(default_factory=list)


def read(
    paths: Sequence[Path],
    *,
    joints: str,
    units: Literal["metres", "centimetres", "millimetres", "inches"] = "centimetres",
    up: Literal["x", "y", "z"] = "y",
    fps: Annotated[float, Gt(0)] = 50.0,
    subject: str | None = None,
    licence: str = "not stated",
) -> Imported:
    """Read motions.

    Args:
        paths: BVH files, or folders of them.
        joints: a YAML or JSON file: for each joint of h36m17 the BVH's joint, or some (see `joint_map`).
        units: of its offsets and positions. up: the axis that points up.
        fps: frames a second to make.
        subject: who moves; default: the name of the file's folder.
        licence: on which terms the motions may be used.
    Raises:
        UserError: what is wrong, with file and line or joint.
    """
    clips = []
    for path in motion.files(paths, ".bvh"):
        names, places, rate = positions(path)
        chosen = joint_map.of_file(joints, names, H36M17)
        upright = motion.upright(chosen(places) * motion.METRES[units], up)
        placed = motion.grounded(motion.resampled(upright, rate, fps)).astype(np.float32)
        who = subject or motion.folder(path)
        clips.append(Clip(f"{who}/{path.stem}", who, who, mocap.action(path.stem), fps, placed))
    return Imported("bvh", H36M17, tuple(clips), licence)


def positions(path: Path) -> tuple[tuple[str, ...], np.ndarray, float]:
    """Names of the joints, where they are (frames, joints, 3) in the file's units and axes, and frames a second.

    Where a joint other than the root has position channels these take its offset's place; the root's are added to it.
    """
    joints, values, rate = _Reader(path).read()
    frames = len(values)
    places: list[np.ndarray] = []
    turned: list[np.ndarray] = []
    column = 0
    for joint in joints:
        shift = np.broadcast_to(np.array(joint.offset), (frames, 3)).copy()
        own = np.broadcast_to(np.eye(3), (frames, 3, 3))
        for kind in joint.channels:
            axis = "XYZ".index(kind[0])
            if kind.endswith("rotation"):
                own = own @ rotations.about(axis, np.radians(values[:, column]))
            else:
                shift[:, axis] = values[:, column] + (joint.offset[axis] if joint.parent < 0 else 0.0)
            column += 1
        if joint.parent < 0:
            places.append(shift)
            turned.append(own)
        else:
            places.append(places[joint.parent] + np.einsum("fij,fj->fi", turned[joint.parent], shift))
            turned.append(turned[joint.parent] @ own)
    return tuple(joint.name for joint in joints), np.stack(places, axis=1), rate


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise UserError(f"{reason}; expected a BVH", file=str(path)) from None
        self.at = 0

    def read(self) -> tuple[list[_Joint], np.ndarray, float]:
        if self._next() != ["HIERARCHY"]:
            raise self._wrong("expected HIERARCHY: not a BVH")
        joints = self._hierarchy()
        frames = self._labelled("Frames:")
        seconds = self._labelled("Frame", "Time:")
        if seconds <= 0 or frames < 1:
            raise self._wrong("expected a positive number")
        width = sum(len(joint.channels) for joint in joints)
        rows: list[list[float]] = []
        for _ in range(int(frames)):
            words = self._next()
            if not words:
                raise self._wrong(f"{len(rows)} frames; expected {int(frames)}: truncated?")
            rows.append(self._numbers(words, width))
        rate = 1 / seconds
        near = round(rate)
        return joints, np.array(rows), float(near) if near and abs(rate / near - 1) < 5e-4 else rate

    def _hierarchy(self) -> list[_Joint]:
        joints: list[_Joint] = []
        open_: list[int] = []
        while words := self._next():
            match words:
                case ["ROOT" | "JOINT", *name] if name and bool(open_) == (words[0] == "JOINT"):
                    joints.append(_Joint(" ".join(name), open_[-1] if open_ else -1))
                    open_.append(len(joints) - 1)
                    self._brace()
                case ["End", "Site"] if open_:
                    joints.append(_Joint(f"{joints[open_[-1]].name}.end", open_[-1]))
                    open_.append(len(joints) - 1)
                    self._brace()
                case ["OFFSET", *numbers] if open_:
                    joints[open_[-1]].offset = tuple(self._numbers(numbers, 3))
                case ["CHANNELS", count, *kinds] if open_:
                    if count != str(len(kinds)) or not all(
                        kind[:1] in ("X", "Y", "Z") and kind[1:] in ("rotation", "position") for kind in kinds
                    ):
                        raise self._wrong("expected CHANNELS, their number, and so many of Xposition … Zrotation")
                    joints[open_[-1]].channels = kinds
                case ["}"] if open_:
                    open_.pop()
                case ["MOTION"] if joints and not open_:
                    return joints
                case _:
                    raise self._wrong(f"'{' '.join(words)[:40]}' can't stand here")
        raise self._wrong("ends before MOTION: truncated?")

    def _brace(self) -> None:
        if self._next() != ["{"]:
            raise self._wrong("expected '{'")

    def _labelled(self, *label: str) -> float:
        words = self._next()
        if tuple(words[: len(label)]) != label:
            raise self._wrong(f"expected '{' '.join(label)}'")
        return self._numbers(words[len(label) :], 1)[0]

    def _numbers(self, words: Sequence[str], count: int) -> list[float]:
        try:
            found = [float(word) for word in words]
        except ValueError:
            found = []
        if len(found) != count or not np.isfinite(found).all():
            raise self._wrong(f"expected {count} numbers, found {len(words)} words" if words else "expected numbers")
        return found

    def _next(self) -> list[str]:
        """Words of the next line that holds any; none at the end."""
        while self.at < len(self.lines):
            self.at += 1
            words = self.lines[self.at - 1].split()
            if words:
                return words
        return []

    def _wrong(self, message: str) -> UserError:
        return UserError(message, file=str(self.path), line=self.at)
