"""Predict whole clips: every frame exactly once, reassembled from windows."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from harness.data.views import Views
from harness.occlusion import Level
from harness.training.lifter import Lifter
from harness.training.material import scoring_windows
from harness.training.observation import Observer, mirror_inputs, mirror_poses

_FRAMES_AT_ONCE = 8192
"""Input frames of one forward pass: bounds memory without changing any number."""


@lru_cache(maxsize=32)
def observed(views: Views, level: Level, observer: Observer) -> tuple[Tensor, Tensor]:
    """What a network sees of whole clips at one occlusion level.

    Noise and masks are keyed by the view and the frame, and a keypoint held at its last seen place is
    held over the whole clip: whatever the window, every arm sees the same.

    Returns:
        inputs (N, J, C) and visible (N, J).
    """
    inputs, visible = [], []
    for number in range(len(views)):
        length, offset = int(views.length[number]), int(views.offset[number])
        frames = torch.arange(length)[None]  # (1, F)
        one, mask = observer(
            views.pixels[None, offset : offset + length],
            views.resolution[number].view(1, 1, 1, 2),
            views.key[number : number + 1],
            frames,
            level,
        )
        inputs.append(one[0])
        visible.append(mask[0])
    return torch.cat(inputs), torch.cat(visible)


def predict(
    lifter: Lifter, views: Views, level: Level, observer: Observer, *, flip: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Predict all frames of ``views`` as seen at one occlusion level.

    Args:
        flip: average the predictions of each input and of its mirror image.
    Returns:
        poses (N, J, 3) in metres, and hidden (N, J) bool.
    """
    windows, counted = scoring_windows(views, lifter.window, lifter.frames_out, lifter.left)
    seen, visible = observed(views, level, observer)
    poses = torch.full_like(views.poses, float("nan"))
    lifter.eval()
    chunk = max(1, _FRAMES_AT_ONCE // lifter.window)
    with torch.inference_mode():
        for which in torch.arange(len(windows)).split(chunk):
            _, rows = windows.inputs(which)
            answer = _forward(lifter, seen[rows].to(device), observer, flip).cpu()  # (B, T_out, J, 3)
            count = counted[which]
            _, out_rows, _ = windows.outputs(which)
            poses[out_rows[count]] = answer[count]
    return poses, ~visible


def _forward(lifter: Lifter, inputs: Tensor, observer: Observer, flip: bool) -> Tensor:
    straight = lifter(inputs)
    if not flip:
        return straight
    mirrored = mirror_poses(lifter(mirror_inputs(inputs, observer.skeleton)), observer.skeleton)
    return (straight + mirrored) / 2
