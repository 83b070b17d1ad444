"""Motion capture from a clip file: CMU's subjects as Human3.6M-17 joints, or your own.

Beside ``NAME.npz`` (see `harness.data.clip_file`) may stand ``NAME.json`` with ``fps``, ``licence`` and,
per clip, ``desc`` (what is done, for the action label) and ``same_recording_as`` (clips it repeats).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt

from harness.data import clip_file
from harness.data.dataset import Clip, Dataset, Split
from harness.errors import UserError
from harness.skeleton import H36M17, Skeleton

if TYPE_CHECKING:
    import numpy as np

FPS = 50.0
CMU_A = Split(
    train=("S01", "S05r", "S06r", "S07", "S07r", "S35"),
    validation=("S03", "S09", "S11"),
    test=("S02", "S12", "S16", "S49", "S131", "S135"),
)
LICENCES = {
    "4fb7f2b104eb2f22": "CMU Graphics Lab Motion Capture Database: free for research and commercial use, not to be "
    "resold, even in converted form; obtained from mocap.cs.cmu.edu, created with funding from NSF EIA-0196217"
}
"""By fingerprint, for reports of runs whose record doesn't say; a side file's own words stand in new records."""
_MIX = "mix-"
_MIX_MAY_BE = ("S02", "S35")  # subject 02's bones; some clips are said to be of subject 35
_REPEATS = {
    "mix-test/walking_1": ("S35/35_01",),
    "mix-train/basketball_3": ("S06r/06_04",),
    "mix-train/basketball_4": ("S06r/06_05",),
    "mix-train/walking_1": ("S02/02_01",),
    "mix-train/walking_2": ("S05r/05_01",),
    "mix-train/walking_3": ("S06r/06_01",),
    "mix-train/walking_4": ("S07r/07_01",),
    "mix-train/walking_5": (
        "S07/07_02",
        "S07r/07_02",
    ),
    "mix-train/walking_19x": ("S12/12_01",),
}
"""Clips of the CMU file that repeat another, for when its side file isn't there."""

_ACTIONS = (
    ("climb", "playground climb hang"),
    ("martial arts", "swordplay punch strike martial heiansyodan tai"),
    ("dance", "dance pirouette arabesque ballet"),
    ("basketball", "basketball dribble"),
    ("soccer", "soccer kick"),
    ("wash", "wash washwindow"),
    ("direct traffic", "traffic"),
    ("jump", "jump jumping jumps hop leap"),
    ("run", "run running jog"),
    ("balance", "balance"),
    ("bend", "bend scoop"),
    ("sit", "sit sitting"),
    ("walk", "walk walking"),
)


def splits(**_: Any) -> dict[str, Split]:
    """``cmu-a``: whole performers held out, ``mix-*`` dropped; also the default."""
    return {"cmu-a": CMU_A, "default": CMU_A}


def performers(subject: str) -> tuple[str, ...]:
    """Who a subject of the CMU file may be: ``S07r`` (retargeted) is S07; ``mix-*`` may be S02 or S35."""
    if subject.startswith(_MIX):
        return _MIX_MAY_BE
    return (re.sub(r"^(S\d+)r$", r"\1", subject),)


def fingerprint(path: str | None = None, *, fps: float | None = None) -> str:
    """16 hexadecimal digits of the clips and their frame rate; the side file's prose isn't in it."""
    path = _given(path)
    content = clip_file.digest(clip_file.members(path), path)
    return _identity(content, _fps(_side_file(path), fps, path))


def load(path: str | None = None, *, fps: Annotated[float, Gt(0)] | None = None) -> Dataset:
    """Read a clip file.

    Args:
        path: the .npz file.
        fps: frames per second, for a file whose side file doesn't say (default 50).
    Raises:
        UserError: one message that names the file, the clip and what was expected.
    """
    return read(_given(path), fps, clip_file.positions)


def read(path: str, fps: float | None, positions: Callable[[bytes, Skeleton, str, str], np.ndarray]) -> Dataset:
    """`load` by another reader of a member's positions, such as one that lets any values through."""
    members, side = clip_file.members(path), _side_file(path)
    rate = _fps(side, fps, path)
    identity = _identity(clip_file.digest(members, path), rate)
    notes = side.get("clips", {})
    clips = []
    for name, content in members.items():
        note = notes.get(name, {})
        subject = name.partition("/")[0]
        people = performers(subject)
        clips.append(
            Clip(
                name=name,
                subject=subject,
                performer=people[0] if len(people) == 1 else None,
                action=action(note.get("desc") or name.partition("/")[2]),
                fps=rate,
                positions=positions(content, H36M17, path, name),
                repeats=tuple(note.get("same_recording_as", _REPEATS.get(name, ()) if not notes else ())),
            )
        )
    licence = str(side.get("licence", "not stated by the file"))
    return Dataset("mocap", H36M17, tuple(clips), identity, licence, splits(), performers)


def action(description: str) -> str:
    """A coarse action label from a description or clip name; ``other`` when no known word is in it."""
    done = re.split(r"\s*subject #", description, flags=re.IGNORECASE)[0]
    words = set(re.findall(r"[a-z]+", done.lower().replace("_", " ")))
    return next((label for label, known in _ACTIONS if words & set(known.split())), "other")


def _identity(content: str, rate: float) -> str:
    return hashlib.blake2b(f"mocap:{content}:{rate:g}".encode(), digest_size=8).hexdigest()


def _given(path: str | None) -> str:
    if not path:
        raise UserError("the dataset 'mocap' needs the path of a clip file (.npz)", key="data.path")
    return str(path)


def _side_file(path: str) -> dict[str, Any]:
    file = Path(path).with_suffix(".json")
    try:
        side = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"can't be read as JSON ({error})", file=str(file)) from None
    clips = side.get("clips", {}) if isinstance(side, dict) else None
    if not isinstance(clips, dict) or not all(isinstance(note, dict) for note in clips.values()):
        raise UserError("expected an object with 'clips': {name: {desc: …}}", file=str(file))
    for name, note in clips.items():
        same = note.get("same_recording_as", [])
        if not isinstance(note.get("desc") or "", str):
            raise UserError(f"'desc' is {note['desc']!r}; expected words", file=str(file), key=name)
        if not isinstance(same, list) or not all(isinstance(other, str) for other in same):
            raise UserError(f"'same_recording_as' is {same!r}; expected a list of clips", file=str(file), key=name)
    if side.get("units", "metres") != "metres":
        raise UserError(f"units are {side['units']!r}; expected 'metres'", file=str(file), key="units")
    if side.get("joints", list(H36M17.joints)) != list(H36M17.joints):
        raise UserError(f"other joints than expected: {', '.join(H36M17.joints)}", file=str(file), key="joints")
    return side


def _fps(side: dict[str, Any], given: float | None, path: str) -> float:
    stated = side.get("fps")
    if stated is None:
        return float(given or FPS)
    file = str(Path(path).with_suffix(".json"))
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 < stated < math.inf:
        raise UserError(f"frames per second are {stated!r}; expected a positive number", file=file, key="fps")
    if given is not None and given != stated:
        raise UserError(f"the side file says {stated:g} frames per second, the option fps {given:g}", file=file)
    return float(stated)
