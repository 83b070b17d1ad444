"""What a detector reports where a keypoint is hidden: nothing, the last it saw, or something else."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from harness.occlusion import event
from harness.occlusion.composition import Occlusion

# A hallucinated stretch uses its identity bits: 1 (swap or displace), 12 (direction), 10 (how far).
_DIRECTION_BITS, _DISTANCE_BITS = 12, 10
_NEAREST, _FARTHEST = 0.3, 1.0  # displacement, in units of the person's size in the image
_SWAP_FROM = 0.6  # share of the way to the mirrored joint, up to 1
_TOWARDS = 0.2, 0.8  # share of the way to another joint, of a detector that mistakes it


def apply(xy: Tensor, occlusion: Occlusion) -> tuple[Tensor, Tensor]:
    """Replace hidden keypoints by what the detector reports instead.

    - zero: exactly (0, 0), so ``xy`` must be in normalised screen coordinates, where that is the image's left-right
      centre and, for square images, its centre;
    - last seen: the position in the last valid frame of this window in which the joint was visible; (0, 0) if
      there was none, so a stretch that covers the window's start reads as zero until the joint is seen;
    - hallucinated: for half of the events 60–100 % of the way to the mirrored joint (joints on the midline: as
      the other half), for the rest displaced in one direction by 0.3–1.0 of the person's size in the frame (root
      mean square distance of the true keypoints from their centre). Direction and share are constant over the
      stretch and common to its joints, so the reported path is as smooth as the true one.

    Values depend on the draw and the frame alone, but for two that are made of what is still visible: the mean depends
    on the severity too, and last seen on that and on where the window starts.

    Args:
        xy: (B, T, J, 2) float32 or float64, normalised screen coordinates, in order of time.
        occlusion: the draw for the same windows.
    Returns:
        The reported coordinates (B, T, J, 2) and ``occlusion.visible`` (B, T, J); ``xy`` isn't changed.
    Raises:
        ValueError: the shapes differ.
    """
    visible = occlusion.visible
    if xy.dim() != 4 or xy.shape[:3] != visible.shape or xy.shape[3] != 2:
        raise ValueError(f"expected xy {(*visible.shape, 2)}, found {tuple(xy.shape)}")
    if occlusion.shift is not None:
        xy = xy + occlusion.shift.to(xy.dtype)
    if bool(visible.all()):
        return xy, visible
    # One complex number a keypoint: half the elements, and no broadcasting over the pair. Few keypoints are
    # held or wrong, so those are computed for the list of rows instead of the whole batch.
    points = torch.view_as_complex(xy.contiguous())
    cause = occlusion.cause.flatten()
    reported = points.masked_fill(~visible, 0)
    for which in _USUAL if int(cause.max()) <= event.HALLUCINATED else _VALUES:
        rows = (cause == which).nonzero()[:, 0]
        reported.view(-1)[rows] = _VALUES[which](points, occlusion, rows)
    return torch.view_as_real(reported), visible


def _last_seen(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    """Values for the flat ``rows`` of points (B, T, J) that are held."""
    _, frames, joints = points.shape
    seen = occlusion.visible
    if occlusion.valid is not None:
        seen = seen & occlusion.valid[..., None]
    from harness.occlusion import loops

    found = torch.empty(seen.shape, dtype=torch.int64)
    loops.last_seen(seen.cpu().contiguous().numpy(), found.numpy())
    latest = found.to(points.device).view(-1)[rows]
    now = rows // joints % frames
    source = rows + (latest.clamp_min(0) - now) * joints
    return points.view(-1)[source].masked_fill(latest < 0, 0)


def _wrong_place(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    """Values for the flat ``rows`` of points (B, T, J) that are hallucinated."""
    key, joints = occlusion.stretch_key.view(-1)[rows], points.shape[2]
    moment, joint = rows // joints, rows % joints
    truth = points.view(-1)[rows]
    around = points - points.mean(dim=2, keepdim=True)
    size = torch.view_as_real(around).flatten(2).square().mean(dim=2).mul_(2).sqrt_().view(-1)[moment]
    angle = event.bits(key, 1, _DIRECTION_BITS).to(size.dtype) * (2 * math.pi / (1 << _DIRECTION_BITS))
    share = event.bits(key, 1 + _DIRECTION_BITS, _DISTANCE_BITS).to(size.dtype) / (1 << _DISTANCE_BITS)
    counterpart = occlusion.mirror[joint]
    swaps = (event.bits(key, 0, 1) == 1) & (counterpart != joint)
    displaced = torch.polar(size * (_NEAREST + (_FARTHEST - _NEAREST) * share), angle)
    swapped = (_SWAP_FROM + (1 - _SWAP_FROM) * share) * (points.view(-1)[rows - joint + counterpart] - truth)
    return truth + torch.where(swaps, swapped, displaced)


def _mean(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    """Values for the flat ``rows`` of points (B, T, J) that read as the middle of what is seen."""
    seen = occlusion.visible
    middle = points.masked_fill(~seen, 0).sum(dim=2) / seen.sum(dim=2).clamp_min(1)
    return middle.view(-1)[rows // points.shape[2]]


def _towards(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    """Values for the flat ``rows`` of points (B, T, J) that are pulled towards another joint."""
    key, joints = occlusion.stretch_key.view(-1)[rows], points.shape[2]
    joint = rows % joints
    step = 1 + event.bits(key, 0, _DIRECTION_BITS) * (joints - 1) // (1 << _DIRECTION_BITS)
    share = event.bits(key, _DIRECTION_BITS, _DISTANCE_BITS).to(points.real.dtype) / (1 << _DISTANCE_BITS)
    truth, other = points.view(-1)[rows], points.view(-1)[rows - joint + (joint + step) % joints]
    return truth + (_TOWARDS[0] + (_TOWARDS[1] - _TOWARDS[0]) * share) * (other - truth)


def _mirrored(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    """Values for the flat ``rows`` of points (B, T, J) that lie on the mirrored joint."""
    joint = rows % points.shape[2]
    return points.view(-1)[rows - joint + occlusion.mirror[joint]]


def _as_it_is(points: Tensor, occlusion: Occlusion, rows: Tensor) -> Tensor:
    return points.view(-1)[rows]


_VALUES: dict[int, Callable[[Tensor, Occlusion, Tensor], Tensor]] = {
    event.LAST_SEEN: _last_seen,
    event.HALLUCINATED: _wrong_place,
    event.MEAN: _mean,
    event.TOWARDS: _towards,
    event.SWAPPED: _mirrored,
    event.NOISY: _as_it_is,
}
"""What each cause reads as; zero is what is left."""
_USUAL = (event.LAST_SEEN, event.HALLUCINATED)
