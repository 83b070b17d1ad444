"""CMU's motion capture as mocap.cs.cmu.edu serves it: ``subjects/NN/NN.asf`` and ``subjects/NN/NN_MM.amc``.

The skeleton has 30 bones; 17 of their ends are h36m17's joints. The bone ``thorax``, some 12 cm between the joints
Spine and Thorax, is kept. 120 frames a second become 50.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from harness.data import mocap
from harness.data.dataset import Clip, Split
from harness.data.importers import asf_amc, motion
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import H36M17

LICENCE = (
    "CMU Graphics Lab Motion Capture Database: free for research and commercial use, not to be resold, even in "
    "converted form; obtained from mocap.cs.cmu.edu, created with funding from NSF EIA-0196217"
)
JOINTS = (
    "root", "rhipjoint", "rfemur", "rtibia", "lhipjoint", "lfemur", "ltibia", "upperback", "thorax", "upperneck",
    "head", "lclavicle", "lhumerus", "lradius", "rclavicle", "rhumerus", "rradius",
)  # fmt: skip
"""The bone at whose end each joint of h36m17 is."""

_CLIP = re.compile(r"(\d+)_(\w+)\.amc", re.IGNORECASE)
_SPLIT = Split(
    train=("S01", "S05", "S06", "S07", "S35"),
    validation=mocap.CMU_A.validation,
    test=mocap.CMU_A.test,
)


def read(
    paths: Sequence[Path],
    *,
    fps: Annotated[float, Gt(0)] = 50.0,
    rate: Annotated[float, Gt(0)] = 120.0,
    skip: Annotated[int, Ge(0)] = 1,
    descriptions: str | None = None,
) -> Imported:
    """Read motions.

    Args:
        paths: folders, searched for ``NN_MM.amc``, or such files; each has ``NN.asf`` beside it.
        fps: frames a second to make.
        rate: frames a second of the files, which don't say.
        skip: frames to leave out at the beginning of each.
        descriptions: a text file of lines ``NN_MM``, a tab, and what is done in it, from which actions are told.
    Raises:
        UserError: what is wrong, with file and line.
    """
    files = _motions(paths)
    done = _descriptions(descriptions) if descriptions else {}
    rigs: dict[Path, asf_amc.Rig] = {}
    clips = []
    for file in files:
        number = file.stem.partition("_")[0]
        declared = file.with_name(f"{number}.asf")
        if declared not in rigs:
            rigs[declared] = asf_amc.skeleton(declared)
            lacks = [name for name in JOINTS if name not in rigs[declared].names]
            if lacks:
                message = f"no bone {', '.join(lacks)}: a skeleton that isn't CMU's"
                raise UserError(message, file=str(declared), key="bonedata")
        rig = rigs[declared]
        found = asf_amc.positions(rig, asf_amc.motion(file, rig))[skip:]
        if not len(found):
            raise UserError(f"no frame is left after the first {skip}", file=str(file))
        # Its y points up and its z forwards; a quarter turn about x makes z up.
        upright = np.stack([found[..., 0], -found[..., 2], found[..., 1]], axis=-1)
        joints = upright[:, [rig.names.index(name) for name in JOINTS]]
        placed = motion.grounded(motion.resampled(joints, rate, fps)).astype(np.float32)
        subject = f"S{number.zfill(2)}"
        action = mocap.action(done.get(file.stem, ""))
        clips.append(Clip(f"{subject}/{file.stem}", subject, subject, action, fps, placed))
    subjects = {clip.subject for clip in clips}
    whole = {*_SPLIT.train, *_SPLIT.validation, *_SPLIT.test} <= subjects
    return Imported("cmu", H36M17, tuple(clips), LICENCE, splits={"cmu-originals": _SPLIT} if whole else {})


def _motions(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        here = sorted(path.rglob("*.[aA][mM][cC]")) if path.is_dir() else [path]
        if not here:
            raise UserError("no motion (NN_MM.amc) in this folder", file=str(path))
        for file in here:
            if not _CLIP.fullmatch(file.name):
                raise UserError("expected a motion called NN_MM.amc, or a folder of them", file=str(file))
        found += here
    return found


def _descriptions(path: str) -> dict[str, str]:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", file=path, key="descriptions") from None
    pairs = (line.split("\t", 1) for line in lines)
    found = {pair[0].strip(): pair[1] for pair in pairs if len(pair) == 2 and re.fullmatch(r"\d+_\w+", pair[0].strip())}
    if not found:
        raise UserError("no line 'NN_MM', a tab, and what is done", file=path, key="descriptions")
    return found
