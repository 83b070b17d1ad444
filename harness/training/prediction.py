"""Predict whole clips: every frame exactly once, reassembled from windows."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.data.views import Views
from harness.occlusion import Level
from harness.training.lifter import Lifter
from harness.training.material import scoring_windows
from harness.training.observation import Observer, mirror_inputs, mirror_poses, output_part

_FRAMES_AT_ONCE = 8192
"""Input frames of one forward pass: bounds memory without changing any number."""


def predict(
    lifter: Lifter, views: Views, level: Level, observer: Observer, *, flip: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Predict all frames of ``views`` as seen at one occlusion level.

    Noise and masks are keyed by the view and the frame: whoever asks, with whatever windows, sees the
    same input.

    Args:
        flip: average the predictions of each input and of its mirror image.
    Returns:
        poses (N, J, 3) in metres, and hidden (N, J) bool.
    """
    windows, counted = scoring_windows(views, lifter.window, lifter.frames_out, lifter.left)
    poses = torch.full_like(views.poses, float("nan"))
    hidden = torch.zeros(views.poses.shape[:2], dtype=torch.bool)
    lifter.eval()
    chunk = max(1, _FRAMES_AT_ONCE // lifter.window)
    with torch.inference_mode():
        for which in torch.arange(len(windows)).split(chunk):
            frames, rows = windows.inputs(which)
            seen_from = windows.view[which]
            inputs, visible = observer(
                views.pixels[rows],
                views.resolution[seen_from][:, None, None],
                views.key[seen_from],
                frames,
                windows.inside(which),
                level,
            )
            answer = _forward(lifter, inputs.to(device), observer, flip).cpu()  # (B, T_out, J, 3)
            count = counted[which]
            _, out_rows, _ = windows.outputs(which)
            poses[out_rows[count]] = answer[count]
            hidden[out_rows[count]] = ~output_part(windows, visible)[count]
    return poses, hidden


def _forward(lifter: Lifter, inputs: Tensor, observer: Observer, flip: bool) -> Tensor:
    straight = lifter(inputs)
    if not flip:
        return straight
    mirrored = mirror_poses(lifter(mirror_inputs(inputs, observer.skeleton)), observer.skeleton)
    return (straight + mirrored) / 2


def hidden_joints(views: Views, level: Level, skeleton) -> Tensor:
    """Which joints of which frames a level hides, (N, J) bool, without predicting anything."""
    hidden = torch.zeros(views.poses.shape[:2], dtype=torch.bool)
    for number in range(len(views)):
        length, offset = int(views.length[number]), int(views.offset[number])
        drawn = level.draw(views.key[number : number + 1], torch.arange(length)[None], skeleton)
        hidden[offset : offset + length] = ~drawn.visible[0]
    return hidden
