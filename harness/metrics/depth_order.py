"""Whether predicted depths stand in the right order, and whether they are as far apart as the true ones.

A pair counts when its true depths differ by at least 2 cm; closer ones are within the error of the truth. Accuracy is
told by the true gap, since distant pairs are easy and near ones decide. A predicted tie is worth one half: a flat pose
scores 50 %, not 0 or 100. Pairs are unordered. Depth is camera z, larger is farther. What no pair decides is NaN.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

GAPS = (("2-5 cm", 0.02), ("5-10 cm", 0.05), ("10-20 cm", 0.10), (">20 cm", 0.20))
"""Bins by the true gap and where each starts (included), metres; it ends where the next starts."""

GROUPS = ("all", *(name for name, _ in GAPS), "occluded", *(f"occluded {name}" for name, _ in GAPS))
"""``all``: gaps of 2 cm and more; ``occluded…``: pairs of which at least one keypoint is hidden."""

MAX_LAG = 40
"""Longest distance of two frames that are compared, frames (0.8 s at 50 a second)."""

_CHUNK = 1 << 15  # pairs looked at in one go: they stay in the processor's cache, whatever the clip's length


class Share(NamedTuple):
    """Accuracy in % (NaN when there is no pair) and the number of pairs."""

    value: float
    n: int


def spatial(pred: Any, target: Any, *, hidden: Any = None, valid: Any = None) -> dict[str, Share]:
    """Depth order across the joints of a frame.

    Args:
        pred, target: (F, J, 3) metres, tensors or arrays, of one clip.
        hidden: (F, J) bool, keypoints the detector didn't see; None: not known, occluded groups are missing.
        valid: (F,) bool, frames that count.
    Returns:
        A `Share` for each of `GROUPS`.
    """
    pred, target, hidden, valid = _arguments(pred, target, hidden, valid)
    pred, target, hidden = pred[valid], target[valid], hidden[valid]
    first, second = torch.triu_indices(pred.shape[1], pred.shape[1], offset=1)
    counts = torch.zeros(_CELLS, dtype=torch.int64)
    for rows in torch.arange(len(pred)).split(max(1, _CHUNK // max(1, len(first)))):
        p, t, h = pred[rows], target[rows], hidden[rows]
        counts += _count(p[:, first] - p[:, second], t[:, first] - t[:, second], h[:, first] | h[:, second])
    return _shares(counts)


def temporal(
    pred: Any, target: Any, *, hidden: Any = None, valid: Any = None, max_lag: int = MAX_LAG
) -> dict[str, Share]:
    """Depth order of each joint across frames at most ``max_lag`` apart; arguments and result as in `spatial`.

    Depends on the root: relative to each frame's root it speaks of the body's motion, relative to the first frame's
    also of the walk. The caller decides by what it passes.
    """
    pred, target, hidden, valid = _arguments(pred, target, hidden, valid)
    frames, joints = pred.shape
    counts = torch.zeros(_CELLS, dtype=torch.int64)
    lags = torch.arange(1, max(1, min(max_lag, frames - 1)) + 1)
    for rows in torch.arange(frames).split(max(1, _CHUNK // max(1, joints * len(lags)))):
        later = rows[:, None] + lags
        inside = later < frames
        later = later.clamp_max(frames - 1)
        counted = (inside & valid[rows, None] & valid[later])[..., None]
        gap = torch.where(counted, target[rows, None] - target[later], 0.0)  # gap 0 falls in no bin
        counts += _count(pred[rows, None] - pred[later], gap, hidden[rows, None] | hidden[later])
    return _shares(counts)


def spread(pred: Any, target: Any, *, valid: Any = None) -> Share:
    """Standard deviation of predicted over that of true depth, all frames and joints together; n is the frames.

    Pass root-relative poses. Below 1 the prediction is flatter than the truth; NaN if the truth is flat.
    """
    pred, target, _, valid = _arguments(pred, target, None, valid)
    pred, target, frames = pred[valid], target[valid], int(valid.sum())
    if frames == 0 or float(truth := target.std(correction=0)) == 0:
        return Share(float("nan"), 0)
    return Share(float(pred.std(correction=0) / truth), frames)


_SCORES = 3  # twice the worth of a pair: 0 wrong, 1 tie, 2 right
_CELLS = (len(GAPS) + 1) * 2 * _SCORES


def _count(pred: Tensor, gap: Tensor, touches_hidden: Tensor) -> Tensor:
    """Pairs by (gap bin, hidden, score) as one flat histogram of `_CELLS`; bin 0 is under 2 cm."""
    distance = gap.abs()
    cell = torch.zeros(gap.shape, dtype=torch.uint8)
    for _, edge in GAPS:
        cell += distance >= edge
    agreement = pred * gap.sign()
    score = (agreement >= 0).to(torch.uint8) + (agreement > 0)
    cell = (cell * 2 + touches_hidden) * _SCORES + score
    return torch.bincount(cell.flatten(), minlength=_CELLS)


def _shares(counts: Tensor) -> dict[str, Share]:
    table = counts.view(len(GAPS) + 1, 2, _SCORES)[1:]
    pairs, points = table.sum(dim=2), (table * _worth()).sum(dim=2)

    def share(which: Any) -> Share:
        n = int(pairs[which].sum())
        return Share(100.0 * float(points[which].sum()) / n if n else float("nan"), n)

    bins = range(len(GAPS))
    everything = [share(slice(None)), *(share(i) for i in bins)]
    occluded = [share((slice(None), 1)), *(share((i, 1)) for i in bins)]
    return dict(zip(GROUPS, everything + occluded, strict=True))


@lru_cache(maxsize=1)
def _worth() -> Tensor:
    return torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)


def _arguments(pred: Any, target: Any, hidden: Any, valid: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Depths (F, J), hidden (F, J) and valid (F,) from what the caller gave."""
    pred, target = (torch.as_tensor(pose).detach().cpu() for pose in (pred, target))
    if pred.dim() != 3 or pred.shape[-1] != 3 or pred.shape != target.shape:
        raise ValueError(f"expected two clips (F, J, 3), found {tuple(pred.shape)} and {tuple(target.shape)}")
    shape = pred.shape[:2]
    hidden = torch.zeros(shape, dtype=torch.bool) if hidden is None else torch.as_tensor(hidden).cpu()
    valid = torch.ones(shape[0], dtype=torch.bool) if valid is None else torch.as_tensor(valid).cpu()
    if hidden.shape != shape or valid.shape != shape[:1]:
        raise ValueError(
            f"expected hidden {tuple(shape)} and valid {tuple(shape[:1])}, "
            f"found {tuple(hidden.shape)} and {tuple(valid.shape)}"
        )
    return pred[..., 2].double(), target[..., 2].double(), hidden, valid
