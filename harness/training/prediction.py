"""Predict whole clips: every frame exactly once, reassembled from windows."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import torch
from torch import Tensor

from harness.data.views import Views
from harness.occlusion import Level, Scene
from harness.protocols.protocol import Overlap
from harness.training.lifter import Lifter
from harness.training.material import overlapping_windows, scoring_windows
from harness.training.observation import Observer, mirror_inputs, mirror_poses

_FRAMES_AT_ONCE = 8192
"""Input frames of one forward pass: bounds memory without changing any number."""


@lru_cache(maxsize=32)
def observed(
    views: Views, level: Level, observer: Observer, only: frozenset[int] | None = None
) -> tuple[Tensor, Tensor]:
    """What a network sees of whole clips at one occlusion level.

    Noise and masks are keyed by the view and the frame, and a keypoint held at its last seen place is
    held over the whole clip: whatever the window, every arm sees the same.

    Args:
        only: numbers of the views that matter; rows of others are NaN, and nothing is visible there.
    Returns:
        inputs (N, J, C) and visible (N, J).
    """
    joints = views.pixels.shape[1]
    inputs = torch.full((views.frames, joints, observer.features), float("nan"))
    visible = torch.zeros((views.frames, joints), dtype=torch.bool)
    for number in range(len(views)) if only is None else sorted(only):
        length, offset = int(views.length[number]), int(views.offset[number])
        frames = torch.arange(length)[None]  # (1, F)
        rows, own = slice(offset, offset + length), slice(number, number + 1)
        scene = None
        if level.needs_scene:
            scene = Scene(
                views.poses[None, rows],
                views.pixels[None, rows],
                views.intrinsic[own],
                views.resolution[own],
                views.fps[own],
            )
        one, mask = observer(
            views.pixels[None, rows],
            views.resolution[number].view(1, 1, 1, 2),
            views.key[own],
            frames,
            level,
            scene=scene,
            scores=None if views.score is None else views.score[None, rows],
            fps=views.fps[own],
        )
        inputs[rows], visible[rows] = one[0], mask[0]
    return inputs, visible


def predict(
    lifter: Lifter,
    views: Views,
    level: Level,
    observer: Observer,
    *,
    flip: bool,
    device: torch.device,
    only: Collection[int] | None = None,
    overlap: Overlap = "once",
) -> tuple[Tensor, Tensor]:
    """Predict all frames of ``views`` as seen at one occlusion level.

    Args:
        flip: average the predictions of each input and of its mirror image.
        only: numbers of the views that are wanted. They are predicted in the batches in which all would be, and so to
            the same bits; rows of other views mean nothing.
        overlap: whether each frame is predicted ``once``, or is the mean of overlapping windows' answers
            (``averaged``).
    Returns:
        poses (N, J, 3) in metres, and hidden (N, J) bool.
    """
    cut = scoring_windows if overlap == "once" else overlapping_windows
    windows, counted = cut(views, lifter.window, lifter.frames_out, lifter.left)
    batches = list(torch.arange(len(windows)).split(max(1, _FRAMES_AT_ONCE // lifter.window)))
    if only is None:
        seen, visible = observed(views, level, observer)
    else:
        wanted = torch.isin(windows.view, torch.tensor(sorted(only), dtype=torch.int64))
        batches = [which for which in batches if bool(wanted[which].any())]
        beside = frozenset(number for which in batches for number in windows.view[which].unique().tolist())
        seen, visible = observed(views, level, observer, beside)
    poses = torch.full_like(views.poses, float("nan"))
    gathered = _Mean(views.poses) if overlap == "averaged" else None
    lifter.eval()
    with torch.inference_mode():
        for which in batches:
            _, rows = windows.inputs(which)
            answer = _forward(lifter, seen[rows].to(device), observer, flip).cpu()  # (B, T_out, J, 3)
            count = counted[which]
            _, out_rows, _ = windows.outputs(which)
            if gathered is None:
                poses[out_rows[count]] = answer[count]
            else:
                gathered.add(out_rows[count], answer[count])
    return (poses if gathered is None else gathered.value), ~visible


class _Mean:
    """Means of answers, float64 until they are asked for; NaN where there is none."""

    def __init__(self, like: Tensor) -> None:
        self._sums = torch.zeros(like.shape, dtype=torch.float64)
        self._counts = torch.zeros(len(like), dtype=torch.float64)

    def add(self, rows: Tensor, answers: Tensor) -> None:
        self._sums.index_add_(0, rows, answers.double())
        self._counts.index_add_(0, rows, torch.ones(len(rows), dtype=torch.float64))

    @property
    def value(self) -> Tensor:
        return (self._sums / self._counts[:, None, None]).float()


def _forward(lifter: Lifter, inputs: Tensor, observer: Observer, flip: bool) -> Tensor:
    straight = lifter(inputs)
    if not flip:
        return straight
    mirrored = mirror_poses(lifter(mirror_inputs(inputs, observer.skeleton)), observer.skeleton)
    return (straight + mirrored) / 2
