"""The validation error that chooses a run's epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.data.views import Views
from harness.metrics import position_errors
from harness.occlusion import Level
from harness.training.lifter import Lifter
from harness.training.observation import Observer
from harness.training.prediction import predict


def validation_mpjpe(
    lifter: Lifter, views: Views, levels: Sequence[Level], observer: Observer, device: torch.device
) -> float:
    """MPJPE in mm, root removed: mean over frames and joints of a subject, over subjects, over levels.

    Masks and noise are the same at every call and for every arm. Predictions are not flip-averaged.
    """
    subjects = sorted({clip.subject for clip in views.clips})
    number = torch.tensor([subjects.index(views.clips[int(clip)].subject) for clip in views.clip])
    of_row = torch.repeat_interleave(number, views.length)  # (N,)
    count = torch.bincount(of_row, minlength=len(subjects))
    root = observer.skeleton.root
    target = views.poses - views.poses[:, root : root + 1]
    total = 0.0
    for level in levels:
        poses, _ = predict(lifter, views, level, observer, flip=False, device=device)
        errors = position_errors(poses - poses[:, root : root + 1], target).mean(dim=1)  # (N,) mm
        sums = torch.zeros(len(subjects), dtype=torch.float64).index_add_(0, of_row, errors.double())
        total += float((sums / count).mean())
    return total / len(levels)
