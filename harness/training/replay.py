"""Chosen test clips predicted again from a finished run's saved weights, to the bits that were scored."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness import occlusion, protocols
from harness.data.views import Views
from harness.errors import UserError, unknown
from harness.skeleton import Skeleton
from harness.spec.run import Run, Test
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.repeatable import pick_device, repeatable
from harness.training.train import build_lifter


@dataclass(frozen=True, eq=False)
class Replay:
    """One test clip as one camera saw it, and what a network made of it; all float32 or bool, F frames, J joints.

    Attributes:
        inputs: (F, J, 2), what the network saw: normalised screen coordinates, x to the right, y down.
        visible: (F, J), whether it was the keypoint itself.
        truth, poses: (F, J, 3), metres, camera coordinates: x to the right, y down, z away. The root isn't removed.
        scored: (F,), the frames that count.
        fps: frames a second.
        skeleton: what the joints are.
    """

    inputs: np.ndarray
    visible: np.ndarray
    truth: np.ndarray
    poses: np.ndarray
    scored: np.ndarray
    fps: float
    skeleton: Skeleton


def replay(
    run: Run,
    weights: str | Path | Mapping[str, Tensor],
    clips: Sequence[tuple[str, int]],
    *,
    level: str,
    cameras: str,
    protocol: str = Test().protocol,
    device: str | torch.device | None = None,
) -> list[Replay]:
    """Predict some test clips as `harness.training.evaluate` does: same input, same batches, same bits.

    Bits are those of one build, processor type and number of threads.

    Args:
        run: the finished run.
        weights: its ``best.pt``, or what that holds.
        clips: names of clips and camera numbers.
        level: the test occlusion.
        cameras: the set of test cameras, ``seen`` or ``unseen``.
        protocol: as whose scores are: it may average mirror images and overlapping windows.
        device: default is the GPU this process was given, else the CPU.
    Raises:
        UserError: weights that can't be read or don't fit the run; no such clip; other data than the run declares.
    """
    where = pick_device(device)
    state = weights if isinstance(weights, Mapping) else _read(Path(weights))
    with repeatable(where, run.train.threads):
        material = open_material(run.data)
        observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
        lifter = build_lifter(run, material, observer).to(where)
        try:
            lifter.backbone.load_state_dict(state)
        except RuntimeError as error:
            raise UserError(f"the weights don't fit {run.backbone.name}: {' '.join(str(error).split())}") from None
        views, hides = material.tests[cameras], occlusion.level(level)
        numbers = _numbers(views, clips)
        scoring = protocols.of(protocol).scoring
        poses, hidden = predict(
            lifter,
            views,
            hides,
            observer,
            flip=run.train.flip_test if scoring.flip is None else scoring.flip,
            device=where,
            only=sorted(set(numbers)),
            overlap=scoring.overlap,
        )
        inputs, _ = observed(views, hides, observer, frozenset(numbers))
    return [_cut(views, number, inputs, ~hidden, poses, material.skeleton) for number in numbers]


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the weights can't be read: {reason or type(error).__name__}", file=str(path)) from None


def _numbers(views: Views, clips: Sequence[tuple[str, int]]) -> list[int]:
    """The view of each (clip, camera)."""
    pairs = zip(views.clip.tolist(), views.camera.tolist(), strict=True)
    known = {(views.clips[clip].name, camera): number for number, (clip, camera) in enumerate(pairs)}
    for name, camera in clips:
        if (name, camera) not in known:
            raise unknown("test clip and camera", f"{name}, {camera}", [f"{n}, {c}" for n, c in known])
    return [known[clip] for clip in clips]


def _cut(views: Views, number: int, inputs: Tensor, visible: Tensor, poses: Tensor, skeleton: Skeleton) -> Replay:
    rows = slice(int(views.offset[number]), int(views.offset[number] + views.length[number]))
    scored = views.clips[int(views.clip[number])].scored
    return Replay(
        inputs=inputs[rows, :, :2].numpy(),
        visible=visible[rows].numpy(),
        truth=views.poses[rows].numpy(),
        poses=poses[rows].numpy(),
        scored=np.ones(int(views.length[number]), dtype=bool) if scored is None else np.asarray(scored, dtype=bool),
        fps=float(views.fps[number]),
        skeleton=skeleton,
    )
