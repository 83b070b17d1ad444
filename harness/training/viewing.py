"""Clips as a network is given them, to be looked at before anything is trained; and how often joints are hidden."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from harness import occlusion
from harness.data.camera import project
from harness.data.dataset import Clip
from harness.data.views import Views, views
from harness.data.virtual_cameras import Purpose
from harness.look.sight import Sight
from harness.skeleton import Skeleton
from harness.spec.run import Data
from harness.training.observation import Observer
from harness.training.prediction import observed

SIDES = ("front", "its left", "behind", "its right")
"""Where a camera may stand, in quarters around the way the body faces."""


def different(clips: Sequence[Clip], count: int) -> list[Clip]:
    """So many of the clips: of different actions, and of different subjects as far as there are any."""
    found: list[Clip] = []
    left = list(clips)
    while left and len(found) < count:
        actions, subjects = [clip.action for clip in found], [clip.subject for clip in found]
        best = min(left, key=lambda clip: (actions.count(clip.action), subjects.count(clip.subject)))
        found.append(best)
        left.remove(best)
    return found


def filmed(clips: Sequence[Clip], data: Data, purpose: Purpose, cameras: int) -> Views:
    """Some clips before the cameras that a run has for this purpose; the same whichever clips are looked at."""
    return views(tuple(clips), purpose=purpose, count=cameras, seed=data.seed)


def sights(seen: Views, data: Data, skeleton: Skeleton, purpose: str, levels: Sequence[str]) -> list[Sight]:
    """Each view as tests see it: keypoints with the run's noise, hidden by the draws that tests hide them by.

    Args:
        purpose: what the cameras are called. levels: occlusion levels.
    """
    observer = Observer(data.noise, data.confidence, skeleton)
    given = {level: observed(seen, occlusion.level(level), observer) for level in levels}
    found = []
    for number in range(len(seen)):
        clip = seen.clips[int(seen.clip[number])]
        rows = slice(int(seen.offset[number]), int(seen.offset[number] + seen.length[number]))
        poses = seen.poses[rows]
        name = clip.cameras[int(seen.camera[number])].name if clip.cameras else f"{purpose} {int(seen.camera[number])}"
        found.append(
            Sight(
                clip=clip.name,
                action=clip.action,
                camera=f"camera {name}",
                fps=float(seen.fps[number]),
                skeleton=skeleton,
                poses=poses.numpy(),
                image=project(poses, seen.intrinsic[number]).numpy(),
                seen={level: inputs[rows, :, :2].numpy() for level, (inputs, _) in given.items()},
                visible={level: visible[rows].numpy() for level, (_, visible) in given.items()},
                scored=np.ones(len(poses), bool) if clip.scored is None else np.asarray(clip.scored, bool),
            )
        )
    return found


def rates(seen: Views, data: Data, skeleton: Skeleton, level: str) -> np.ndarray:
    """How often each joint is hidden, and how often any is: (J + 1, 1 + 4), of all frames and by `SIDES`, NaN for none.

    A camera that isn't level stands where it would if the person leant with it.
    """
    _, visible = observed(seen, occlusion.level(level), Observer(data.noise, data.confidence, skeleton))
    rows = torch.cat([torch.arange(int(n)) + int(o) for o, n in zip(seen.offset, seen.length, strict=True)])
    share = (~visible[rows]).double()
    share = torch.cat([share, share.mean(dim=1, keepdim=True)], dim=1)  # (N, J + 1)
    side = side_seen(seen.poses[rows], skeleton)
    columns = [share.mean(dim=0)]
    columns += [share[side == place].mean(dim=0) for place in range(len(SIDES))]
    return torch.stack(columns, dim=1).numpy()


def side_seen(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """(N,) where the camera stands, as an index into `SIDES`, from poses (N, J, 3) in level camera axes.

    -1 for skeletons that declare no left side.
    """
    left = [j for j in skeleton.halves.get("left", ()) if skeleton.mirror[j] != j]
    if not left:
        return torch.full(poses.shape[:1], -1)
    across = (poses[:, left] - poses[:, [skeleton.mirror[j] for j in left]]).mean(dim=1)  # from right to left
    away = poses[:, skeleton.root]
    to_left = -(across[:, 0] * away[:, 0] + across[:, 2] * away[:, 2])
    to_front = -(across[:, 2] * away[:, 0] - across[:, 0] * away[:, 2])
    degrees = torch.rad2deg(torch.atan2(to_left, to_front))
    return (torch.round(degrees / 90) % 4).long()
