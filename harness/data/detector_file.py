"""A 2D detector's errors as a small JSON file: how far, how often far, and for how long, joint by joint. No torch.

Lengths are in *person's sizes*: the root mean square distance of the true keypoints of a frame from their centre, in
pixels. A file says, for each joint,

- ``spread``: scale of the error on each axis;
- ``tail``: degrees of freedom of Student's t, 2 or more (the fewer, the more often it is far off); null is Gaussian;
- ``memory``: seconds over which an error decays to 1/e of itself;
- ``lasting``: share of the error (as a variance, before the tail) that stays as it is over a whole clip;

and for all of them ``reach``, beyond which no error goes, and ``right``, up to which a keypoint counts as right. Joints
are named by patterns (``*wrist``; letter case doesn't matter), of which the first that fits holds.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import UserError, unknown
from harness.skeleton import Skeleton

FORMAT = 1
VERSION = 1
"""Of the errors that are made of the numbers; hashed with them, so another draw needs another one."""
FOLDER = Path(__file__).parent / "detectors"
LONGEST_MEMORY = 2.0
"""Seconds; what lasts longer is called lasting."""
_BOUNDS = {"spread": (0.0, 10.0), "tail": (2.0, math.inf), "memory": (0.0, LONGEST_MEMORY), "lasting": (0.0, 1.0)}
_OPTIONAL = {"tail": None, "memory": 0.0, "lasting": 0.0}
_COMMON = {"reach": 2.0, "right": 0.25}


@dataclass(frozen=True)
class JointError:
    """How a detector errs on one joint; see the module."""

    spread: float
    tail: float | None = None
    memory: float = 0.0
    lasting: float = 0.0


@dataclass(frozen=True)
class Detector:
    """A detector's errors.

    Attributes:
        name: what it is called.
        joints: pattern → errors, the first that fits a joint's name holds.
        reach, right: person's sizes.
    """

    name: str
    joints: tuple[tuple[str, JointError], ...]
    reach: float = _COMMON["reach"]
    right: float = _COMMON["right"]

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of all that decides the errors; name and provenance don't."""
        decides = [VERSION, [[pattern, asdict(error)] for pattern, error in self.joints], self.reach, self.right]
        return hashlib.blake2b(json.dumps(decides, sort_keys=True).encode(), digest_size=8).hexdigest()

    def of(self, skeleton: Skeleton) -> tuple[JointError, ...]:
        """The errors of each joint of a skeleton.

        Raises:
            UserError: a joint that no pattern fits.
        """
        return tuple(self._of(joint, skeleton.name) for joint in skeleton.joints)

    def _of(self, joint: str, skeleton: str) -> JointError:
        for pattern, error in self.joints:
            if pattern.lower() == joint.lower() or fnmatchcase(joint.lower(), pattern.lower()):
                return error
        message = f"the detector '{self.name}' says nothing of the joint '{joint}' of {skeleton}"
        raise UserError(f"{message}; it knows {', '.join(pattern for pattern, _ in self.joints)}", key="joints")


def shipped() -> tuple[str, ...]:
    """Names of the detectors that come with the harness."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.json")))


def read(given: str) -> Detector:
    """The detector of that name, or in that file.

    Raises:
        UserError: no such name or file, no JSON, or numbers that can't be, with the key.
    """
    path = FOLDER / f"{given}.json" if given in shipped() else Path(given)
    if path.suffix != ".json":
        raise unknown("detector", given, shipped(), key="detector")
    try:
        state = path.stat()
    except OSError as error:
        message = f"the detector's file can't be read ({error.strerror}); shipped are {', '.join(shipped())}"
        raise UserError(message, file=given) from None
    return _read(str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _read(path: str, changed: int, size: int) -> Detector:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"no JSON file ({error}); `repose data fit-detector` writes one", file=path) from None
    try:
        return parsed(content)
    except UserError as error:
        raise UserError(error.message, file=path, key=error.key) from None


def parsed(content: Any) -> Detector:
    """A file's content as a detector.

    Raises:
        UserError: keys that are missing or unknown, numbers out of bounds.
    """
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise UserError(f"is no detector's file of format {FORMAT}", key="format")
    if not isinstance(content.get("name"), str):
        raise UserError("'name' is missing or no text", key="name")
    joints = content.get("joints")
    if not isinstance(joints, Mapping) or not joints:
        raise UserError("expected pattern of joints → spread, tail, memory, lasting", key="joints")
    common = {name: _number(content, name, name, (0.0, 10.0), default) for name, default in _COMMON.items()}
    return Detector(content["name"], tuple((name, _error(name, given)) for name, given in joints.items()), **common)


def _error(joint: str, given: Any) -> JointError:
    if not isinstance(given, Mapping):
        raise UserError("expected spread, tail, memory and lasting", key=f"joints.{joint}")
    for name in given:
        if name not in (*_BOUNDS, "fit"):
            raise unknown("key", str(name), _BOUNDS, key=f"joints.{joint}.{name}")
    values: dict[str, Any] = {}
    for name, bounds in _BOUNDS.items():
        if name == "tail" and given.get("tail") is None:
            continue
        values[name] = _number(given, name, f"joints.{joint}.{name}", bounds, _OPTIONAL.get(name))
    return JointError(**values)


def _number(given: Mapping[str, Any], name: str, key: str, bounds: tuple[float, float], default: float | None) -> float:
    value = given.get(name, default)
    if value is None:
        raise UserError(f"'{name}' is missing", key=key)
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high or math.isinf(value):
        above = f"from {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise UserError(f"a number {above} is needed; got {value!r}", key=key)
    return float(value)
