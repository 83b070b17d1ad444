"""How far predicted joints are from the true ones.

Every metric comes in two forms: errors of each frame and joint (``…_errors``, millimetres) and their mean. All take
torch tensors or numpy arrays (…, F, J, 3) in metres and compute in float64. None removes the root: see
`root_relative`. A mean over nothing is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

AUC_THRESHOLDS = tuple(range(0, 151, 5))
"""Millimetres; the 31 thresholds of the MPI-INF-3DHP evaluation. A perfect AUC is 30/31 = 96.774 %."""

Poses = Any
"""A torch tensor or numpy array (…, F, J, 3), metres."""


def root_relative(pose: Poses, root: int) -> Tensor:
    """Poses (…, F, J, 3) with joint ``root`` of each frame moved to the origin; float64."""
    pose = _poses(pose)
    return pose - pose[..., root : root + 1, :]


def position_errors(pred: Poses, target: Poses) -> Tensor:
    """Distance of each joint, (…, F, J) millimetres."""
    pred, target = _pair(pred, target)
    return _distances(pred - target)


def aligned_errors(pred: Poses, target: Poses) -> Tensor:
    """Distances after the similarity that maps each predicted frame best onto the truth, (…, F, J) millimetres.

    Rotation (never a reflection), scale and translation by orthogonal Procrustes analysis in closed form (Kabsch 1976,
    Umeyama 1991). A prediction with all joints in one point is moved to the centre of the truth; a frame that isn't
    finite gives NaN.
    """
    pred, target = _pair(pred, target)
    pred = pred - pred.mean(dim=-2, keepdim=True)
    target = target - target.mean(dim=-2, keepdim=True)
    covariance = pred.transpose(-1, -2) @ target
    finite = torch.isfinite(covariance).all(dim=-1).all(dim=-1)
    left, singular, right = torch.linalg.svd(torch.where(finite[..., None, None], covariance, 0.0))
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.sign(torch.linalg.det(left) * torch.linalg.det(right))
    rotation = (left * sign[..., None, :]) @ right
    spread = pred.square().sum(dim=(-1, -2))
    scale = torch.where(spread > 0, (singular * sign).sum(dim=-1) / spread, 0.0)
    errors = _distances(scale[..., None, None] * (pred @ rotation) - target)
    return torch.where(finite[..., None], errors, torch.nan)


def scaled_errors(pred: Poses, target: Poses) -> Tensor:
    """Distances after the best scale of each predicted frame about the origin, (…, F, J) millimetres.

    Rhodin et al., CVPR 2018, with least squares for the scale; meant for root-relative poses.
    """
    pred, target = _pair(pred, target)
    norm = pred.square().sum(dim=(-1, -2), keepdim=True)
    scale = torch.where(norm > 0, (pred * target).sum(dim=(-1, -2), keepdim=True) / norm, 0.0)
    return _distances(torch.where(torch.isnan(norm), torch.nan, scale) * pred - target)


def velocity_errors(pred: Poses, target: Poses) -> Tensor:
    """Distance between the steps from each frame to the next, (…, F-1, J) millimetres per frame.

    Take it on a reassembled clip: window borders aren't steps. For mm per second multiply by the frame rate.
    """
    pred, target = _pair(pred, target)
    return _distances((pred - target).diff(dim=-3))


def mpjpe(
    pred: Poses, target: Poses, *, joints: Sequence[int] | None = None, valid: Any = None, visible: Any = None
) -> Tensor:
    """Mean per-joint position error, mm ("protocol 1" once the root is removed).

    Args:
        pred, target: (…, F, J, 3) metres.
        joints: indices of the joints that count; None: all.
        valid: (…, F) bool, frames that count; None: all.
        visible: (…, F, J) bool, joints of frames that count; None: all.
    Returns:
        A float64 scalar tensor; NaN when nothing counts.
    Raises:
        ValueError: shapes that don't fit together.
    """
    return _mean(position_errors(pred, target), joints, valid, visible)


def p_mpjpe(pred: Poses, target: Poses, *, joints: Sequence[int] | None = None, valid: Any = None) -> Tensor:
    """MPJPE after Procrustes alignment of each frame, mm ("protocol 2"); ``joints`` only are aligned and scored."""
    return _mean(aligned_errors(_chosen(pred, joints), _chosen(target, joints)), None, valid)


def n_mpjpe(pred: Poses, target: Poses, *, joints: Sequence[int] | None = None, valid: Any = None) -> Tensor:
    """MPJPE after scaling each frame, mm ("protocol 3"); ``joints`` only are scaled and scored."""
    return _mean(scaled_errors(_chosen(pred, joints), _chosen(target, joints)), None, valid)


def mpjve(pred: Poses, target: Poses, *, joints: Sequence[int] | None = None, valid: Any = None) -> Tensor:
    """Mean per-joint velocity error, mm per frame; steps count where both frames are valid. NaN for one frame."""
    if valid is not None:
        valid = torch.as_tensor(valid)
        valid = valid[..., 1:] & valid[..., :-1]
    return _mean(velocity_errors(pred, target), joints, valid)


def pck(
    pred: Poses,
    target: Poses,
    *,
    joints: Sequence[int] | None = None,
    valid: Any = None,
    threshold: float = 150.0,
) -> Tensor:
    """Share of joints nearer than ``threshold`` mm (strictly), %; the 3DHP evaluation takes its first 14 joints."""
    hits = position_errors(pred, target)
    hits = torch.where(torch.isnan(hits), torch.nan, (hits < threshold).double())
    return 100.0 * _mean(hits, joints, valid)


def auc(
    pred: Poses,
    target: Poses,
    *,
    joints: Sequence[int] | None = None,
    valid: Any = None,
    thresholds: Sequence[float] = AUC_THRESHOLDS,
) -> Tensor:
    """Mean of `pck` over ``thresholds`` (increasing, mm), %: the area under its curve as 3DHP takes it."""
    return 100.0 * _mean(threshold_shares(position_errors(pred, target), thresholds), joints, valid)


def threshold_shares(errors: Tensor, thresholds: Sequence[float] = AUC_THRESHOLDS) -> Tensor:
    """Share of ``thresholds`` (increasing, mm) that each error is strictly below; NaN stays NaN."""
    limits = torch.tensor(thresholds, dtype=errors.dtype, device=errors.device)
    above = len(thresholds) - torch.searchsorted(limits, errors.contiguous(), right=True)
    return torch.where(torch.isnan(errors), torch.nan, above.to(errors.dtype) / len(thresholds))


def _poses(pose: Poses) -> Tensor:
    pose = torch.as_tensor(pose).detach().double()
    if pose.dim() < 3 or pose.shape[-1] != 3:
        raise ValueError(f"expected poses (…, F, J, 3), found {tuple(pose.shape)}")
    return pose


def _pair(pred: Poses, target: Poses) -> tuple[Tensor, Tensor]:
    pred, target = _poses(pred), _poses(target)
    if pred.shape != target.shape:
        raise ValueError(f"prediction {tuple(pred.shape)} and target {tuple(target.shape)} differ in shape")
    return pred, target


def _chosen(pose: Poses, joints: Sequence[int] | None) -> Tensor:
    pose = _poses(pose)
    return pose if joints is None else pose[..., list(joints), :]


def _distances(difference: Tensor) -> Tensor:
    return 1000.0 * torch.linalg.vector_norm(difference, dim=-1)


def _mean(values: Tensor, joints: Sequence[int] | None, valid: Any, visible: Any = None) -> Tensor:
    """Mean of (…, F, J) over what counts."""
    if visible is not None:
        counts = torch.as_tensor(visible, device=values.device)
        if counts.shape != values.shape:
            raise ValueError(f"expected visible {tuple(values.shape)}, found {tuple(counts.shape)}")
    else:
        counts = torch.ones_like(values, dtype=torch.bool)
    if valid is not None:
        frames = torch.as_tensor(valid, device=values.device)
        if frames.shape != values.shape[:-1]:
            raise ValueError(f"expected valid {tuple(values.shape[:-1])}, found {tuple(frames.shape)}")
        counts = counts & frames[..., None]
    if joints is not None:
        values, counts = values[..., list(joints)], counts[..., list(joints)]
    return values[counts].mean()
