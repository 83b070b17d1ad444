"""The rows that one reassembled clip leaves in the record: every registered metric, tidy."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.metrics import depth_order, position
from harness.skeleton import Skeleton

Row = dict[str, Any]


def clip_rows(
    pred: Any,
    target: Any,
    *,
    hidden: Any,
    fixed: Any,
    valid: Any = None,
    skeleton: Skeleton,
    root: int | None = None,
    cheap: bool = False,
) -> list[Row]:
    """All registered metrics of one clip, as rows ``{joint, group, metric, value, n}``.

    The root is moved to the origin in each frame before anything is scored (protocol ``mean-per-subject``), and then
    counts as a joint with no error, as Human3.6M results are usually printed.

    Args:
        pred, target: (F, J, 3) metres, camera coordinates, frames in order.
        hidden: (F, J) bool, keypoints hidden at the test level.
        fixed: (F, J) bool, the set scored at every level: what ``severe`` hides.
        valid: (F,) bool; invalid frames are never scored. None: all are valid.
        skeleton: names the joints.
        root: the joint moved to the origin; None: the skeleton's root.
        cheap: position errors only (mpjpe, of each joint, mpjpe_occluded, mpjpe_fixed): a validation's need.
    Returns:
        Rows; ``n`` is the number of valid frames behind the value, of steps for ``mpjve``, of hidden keypoints for
        ``mpjpe_occluded`` and ``mpjpe_fixed``, of pairs for the order metrics. Undefined values are NaN with n = 0.
    Raises:
        ValueError: shapes that don't fit together.
    """
    pred, target = torch.as_tensor(pred).detach().cpu(), torch.as_tensor(target).detach().cpu()
    hidden, fixed = torch.as_tensor(hidden).cpu(), torch.as_tensor(fixed).cpu()
    valid = torch.ones(len(pred), dtype=torch.bool) if valid is None else torch.as_tensor(valid).cpu()
    _check(pred, target, hidden, fixed, valid, skeleton)
    root = skeleton.root if root is None else root
    pred, target = position.root_relative(pred, root), position.root_relative(target, root)
    rows = _position_rows(pred[valid], target[valid], hidden[valid], fixed[valid], skeleton)
    if not cheap:
        rows += _shape_rows(pred[valid], target[valid])
        steps = int((valid[1:] & valid[:-1]).sum())
        rows.append(_row("mpjve", position.mpjve(pred, target, valid=valid), steps))
        for metric, order in (("order_spatial", depth_order.spatial), ("order_temporal", depth_order.temporal)):
            shares = order(pred, target, hidden=hidden, valid=valid)
            rows += [_row(metric, share.value, share.n, group=group) for group, share in shares.items()]
        share = depth_order.spread(pred, target, valid=valid)
        rows.append(_row("depth_spread", share.value, share.n))
    return rows


def _position_rows(pred: Tensor, target: Tensor, hidden: Tensor, fixed: Tensor, skeleton: Skeleton) -> list[Row]:
    errors = position.position_errors(pred, target)
    frames = len(errors)
    rows = [_row("mpjpe", errors.mean(), frames)]
    each = errors.mean(dim=0).tolist()
    rows += [_row("mpjpe", value, frames, joint=name) for name, value in zip(skeleton.joints, each, strict=True)]
    for metric, group, chosen in (("mpjpe_occluded", "occluded", hidden), ("mpjpe_fixed", "fixed", fixed)):
        rows.append(_row(metric, errors[chosen].mean(), int(chosen.sum()), group=group))
    return rows


def _shape_rows(pred: Tensor, target: Tensor) -> list[Row]:
    frames = len(pred)
    values = {
        "p_mpjpe": position.p_mpjpe(pred, target),
        "n_mpjpe": position.n_mpjpe(pred, target),
        "pck150": position.pck(pred, target),
        "auc": position.auc(pred, target),
    }
    return [_row(metric, value, frames) for metric, value in values.items()]


def _row(metric: str, value: Tensor | float, n: int, *, joint: str = "all", group: str = "all") -> Row:
    return {"joint": joint, "group": group, "metric": metric, "value": float(value), "n": n}


def _check(pred: Tensor, target: Tensor, hidden: Tensor, fixed: Tensor, valid: Tensor, skeleton: Skeleton) -> None:
    expected = (len(pred), len(skeleton), 3)
    for name, given, shape in (
        ("pred", pred, expected),
        ("target", target, expected),
        ("hidden", hidden, expected[:2]),
        ("fixed", fixed, expected[:2]),
        ("valid", valid, expected[:1]),
    ):
        if tuple(given.shape) != shape:
            raise ValueError(f"expected {name} {shape}, found {tuple(given.shape)}")
