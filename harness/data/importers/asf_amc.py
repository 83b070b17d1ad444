"""Acclaim's motion capture files: a skeleton (ASF) and a motion of it (AMC), read and turned into positions.

Layout, as mocap.cs.cmu.edu serves it: the ASF declares a root and bones, each with a direction in world axes, a
length, the Euler angles of its own axis frame and the degrees of freedom it has; the AMC gives for every frame the
root's place and the angles of each bone, in the order of those degrees of freedom. A bone turns about its own axis
frame: with C that frame and M the rotation of a frame's angles, its rotation is (its parent's) · C · M · C⁻¹, and
its end lies at (its parent's end) + rotation · direction · length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.data.importers import rotations
from harness.errors import UserError

INCH = 0.0254
_ROOT = "root"
_TURNS = ("rx", "ry", "rz")
_SHIFTS = ("tx", "ty", "tz")


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone of an ASF file; the root is one without direction.

    Attributes:
        direction: (3,) metres, from its parent's end to its own, in world axes when no angle is set.
        frame: (3, 3), its own axis frame.
        order: its degrees of freedom in the order of the AMC, e.g. ``("rx", "rz")``.
    """

    name: str
    parent: str | None
    direction: np.ndarray
    frame: np.ndarray
    order: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rig:
    """What an ASF file declares: ``bones`` with parents before children, and metres for each unit of length."""

    bones: tuple[Bone, ...]
    metres: float
    degrees: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Where `positions` are: ``root`` and the end of each bone."""
        return tuple(bone.name for bone in self.bones)


def skeleton(path: Path) -> Rig:
    """Read an ASF file.

    Raises:
        UserError: no such file, or one that isn't an ASF, with the line.
    """
    found = _Asf(path)
    found.read()
    return found.rig()


def motion(path: Path, rig: Rig) -> dict[str, np.ndarray]:
    """Read an AMC file: for each bone that moves its values, (frames, degrees of freedom), as they stand.

    Raises:
        UserError: no such file, one that isn't an AMC of this skeleton, or a truncated one, with the line.
    """
    wanted = {bone.name: len(bone.order) for bone in rig.bones if bone.order}
    frames: list[dict[str, list[float]]] = []
    line = 0
    for line, words in _lines(path, "AMC"):
        if words[0].startswith(":"):
            turned = words[0].lower()
            if turned in (":degrees", ":radians") and (turned == ":degrees") != rig.degrees:
                raise UserError("the angles are in another unit than the skeleton's", file=str(path), line=line)
        elif len(words) == 1 and words[0].isdigit():
            _complete(frames, wanted, path, line)
            frames.append({})
        elif not frames:
            raise UserError(f"expected the number of a frame, found '{words[0]}'", file=str(path), line=line)
        elif words[0] not in wanted:
            message = f"the skeleton has no bone '{words[0]}' that moves"
            raise UserError(f"{message}; is it another subject's?", file=str(path), line=line)
        else:
            values = _numbers(words[1:], wanted[words[0]], path, line, f"angles of {words[0]}")
            frames[-1][words[0]] = values
    if not frames:
        raise UserError("holds no frame; expected an AMC", file=str(path))
    _complete(frames, wanted, path, line)
    return {name: np.array([frame[name] for frame in frames]) for name in wanted}


def positions(rig: Rig, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where the root and the bones' ends are: (frames, bones, 3) metres in the file's axes (y up), as `Rig.names`.

    Args:
        values: what `motion` gives.
    """
    frames = len(next(iter(values.values())))
    places: dict[str, np.ndarray] = {}
    turned: dict[str, np.ndarray] = {}
    for bone in rig.bones:
        given = values.get(bone.name, np.zeros((frames, 0)))
        own = np.broadcast_to(np.eye(3), (frames, 3, 3))
        shift = np.zeros((frames, 3))
        for place, kind in enumerate(bone.order):
            if kind in _TURNS:
                angle = np.radians(given[:, place]) if rig.degrees else given[:, place]
                own = rotations.about(_TURNS.index(kind), angle) @ own
            else:
                shift[:, _SHIFTS.index(kind)] = given[:, place] * rig.metres
        own = bone.frame @ own @ bone.frame.T
        if bone.parent is None:
            turned[bone.name], places[bone.name] = own, bone.direction + shift
        else:
            turned[bone.name] = turned[bone.parent] @ own
            places[bone.name] = places[bone.parent] + turned[bone.name] @ bone.direction
    return np.stack([places[name] for name in rig.names], axis=1)


class _Asf:
    """One pass over an ASF file, section by section."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metres, self.degrees = INCH, True
        self.bones: dict[str, dict[str, list[str]]] = {}
        self.at: dict[str, int] = {}
        self.root: dict[str, list[str]] = {}
        self.parents: dict[str, str] = {}

    def read(self) -> None:
        section, last = "", 0
        bone: dict[str, list[str]] = {}
        for line, words in _lines(self.path, "ASF"):
            last = line
            key = words[0].lower()
            if key.startswith(":"):
                section = key
            elif section == ":units":
                self._unit(key, words, line)
            elif section == ":root":
                self.root[key] = words[1:]
            elif section == ":bonedata":
                if key == "begin":
                    bone = {}
                elif key == "end":
                    self._bone(bone, line)
                else:
                    bone[key] = words[1:]
            elif section == ":hierarchy" and key not in ("begin", "end"):
                for child in words[1:]:
                    self.parents[child] = words[0]
        if not self.bones or not self.parents:
            missing = ":bonedata" if not self.bones else ":hierarchy"
            raise UserError(f"no or a truncated ASF: nothing in its section {missing}", file=str(self.path), line=last)

    def rig(self) -> Rig:
        order = tuple(word.lower() for word in self.root.get("order", ()))
        root = Bone(
            _ROOT,
            None,
            np.array(_numbers(self.root.get("position", ["0"] * 3), 3, self.path, None, "position")) * self.metres,
            self._frame(self.root.get("orientation", ["0"] * 3), self.root.get("axis", ["XYZ"])[0], None),
            self._kinds(order, None),
        )
        placed, open_ = {_ROOT: root}, [name for name in self.bones]
        while open_:
            ready = [name for name in open_ if self.parents.get(name) in placed]
            if not ready:
                message = f"the hierarchy doesn't lead from root to the bone '{open_[0]}'"
                raise UserError(message, file=str(self.path), line=self.at[open_[0]])
            for name in ready:
                placed[name] = self._declared(name)
            open_ = [name for name in open_ if name not in placed]
        return Rig(tuple(placed.values()), self.metres, self.degrees)

    def _unit(self, key: str, words: Sequence[str], line: int) -> None:
        if key == "length":
            scale = _numbers(words[1:], 1, self.path, line, "length")[0]
            if scale <= 0:
                raise UserError(f"a unit of length of {scale:g}", file=str(self.path), line=line)
            self.metres = INCH / scale
        elif key == "angle":
            if words[1:2] not in (["deg"], ["rad"]):
                raise UserError("expected angles in deg or rad", file=str(self.path), line=line)
            self.degrees = words[1] == "deg"

    def _bone(self, bone: dict[str, list[str]], line: int) -> None:
        for key in ("name", "direction", "length", "axis"):
            if not bone.get(key):
                raise UserError(f"a bone without {key} ends here", file=str(self.path), line=line)
        self.bones[bone["name"][0]] = bone
        self.at[bone["name"][0]] = line

    def _declared(self, name: str) -> Bone:
        bone, line = self.bones[name], self.at[name]
        direction = np.array(_numbers(bone["direction"], 3, self.path, line, f"direction of {name}"))
        length = _numbers(bone["length"], 1, self.path, line, f"length of {name}")[0]
        norm = float(np.linalg.norm(direction))
        if norm == 0 and length:
            raise UserError(f"the bone {name} has a length and no direction", file=str(self.path), line=line)
        frame = self._frame(bone["axis"][:3], (bone["axis"][3:] or ["XYZ"])[0], line)
        order = self._kinds(tuple(word.lower() for word in bone.get("dof", ())), line)
        return Bone(name, self.parents[name], direction / (norm or 1.0) * length * self.metres, frame, order)

    def _frame(self, angles: Sequence[str], order: str, line: int | None) -> np.ndarray:
        if sorted(order.upper()) != ["X", "Y", "Z"]:
            raise UserError(f"axes '{order}'; expected an order of XYZ", file=str(self.path), line=line)
        turn = np.array(_numbers(angles, 3, self.path, line, "axis"))
        turn = np.radians(turn) if self.degrees else turn
        frame = np.eye(3)
        for name, angle in zip(order.upper(), turn, strict=True):
            frame = rotations.about("XYZ".index(name), angle) @ frame
        return frame

    def _kinds(self, order: tuple[str, ...], line: int | None) -> tuple[str, ...]:
        for kind in order:
            if kind not in (*_TURNS, *_SHIFTS):
                message = f"a degree of freedom '{kind}'; known: {', '.join((*_TURNS, *_SHIFTS))}"
                raise UserError(message, file=str(self.path), line=line)
        return order


def _lines(path: Path, kind: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and words of the lines that hold any."""
    try:
        with open(path, encoding="latin-1") as file:
            for number, line in enumerate(file, 1):
                words = line.partition("#")[0].split()
                if words:
                    yield number, words
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UserError(f"{reason}; expected an {kind}", file=str(path)) from None


def _numbers(words: Sequence[str], count: int, path: Path, line: int | None, what: str) -> list[float]:
    try:
        found = [float(word) for word in words]
    except ValueError:
        found = []
    if len(found) != count or not np.isfinite(found).all():
        message = f"{what}: expected {count} numbers, found '{' '.join(words)}'"
        raise UserError(message, file=str(path), line=line)
    return found


def _complete(frames: list[dict[str, list[float]]], wanted: Mapping[str, int], path: Path, line: int) -> None:
    if frames and len(frames[-1]) != len(wanted):
        lacks = ", ".join(sorted(wanted.keys() - frames[-1].keys()))
        raise UserError(f"frame {len(frames)} ends here without {lacks}: truncated?", file=str(path), line=line)
