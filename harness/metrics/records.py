"""The rows that one reassembled clip leaves in the record: every registered metric, tidy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from harness import registry
from harness.metrics import position
from harness.metrics.metric import Clip, Metric
from harness.protocols import PLAIN, Scoring
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
    metrics: Collection[str] | None = None,
    scoring: Scoring = PLAIN,
) -> list[Row]:
    """All registered metrics of one clip, as rows ``{joint, group, metric, value, n}``.

    Unless the scoring says otherwise, the root is moved to the origin in each frame before anything is scored, and then
    counts as a joint with no error, as Human3.6M results are usually printed.

    Args:
        pred, target: (F, J, 3) metres, camera coordinates, frames in order.
        hidden: (F, J) bool, keypoints hidden at the test level.
        fixed: (F, J) bool, the set scored at every level: what ``severe`` hides.
        valid: (F,) bool; invalid frames are never scored. None: all are valid.
        skeleton: names the joints.
        root: the joint moved to the origin; None: the skeleton's root.
        cheap: only metrics that call themselves cheap (position errors): a validation's need.
        metrics: only these; None: all that are registered.
        scoring: the protocol's: which frames and joints count, and what becomes of the root.
    Returns:
        Rows; ``n`` is the number of valid frames behind the value, of steps for ``mpjve``, of hidden keypoints for
        ``mpjpe_occluded`` and ``mpjpe_fixed``, of pairs for the order metrics. Undefined values are NaN with n = 0.
    Raises:
        ValueError: shapes that don't fit together.
        UserError: a metric that isn't registered; a joint of the scoring that the skeleton lacks.
    """
    pred, target = torch.as_tensor(pred).detach().cpu(), torch.as_tensor(target).detach().cpu()
    hidden, fixed = torch.as_tensor(hidden).cpu(), torch.as_tensor(fixed).cpu()
    valid = torch.ones(len(pred), dtype=torch.bool) if valid is None else torch.as_tensor(valid).cpu()
    _check(pred, target, hidden, fixed, valid, skeleton)
    root = skeleton.root if root is None else root
    pred, target = _rooted(pred, root, scoring), position.root_relative(target, root)
    kept = slice(None, None, scoring.every)
    whole = Clip(pred[kept], target[kept], hidden[kept], fixed[kept], valid[kept], skeleton, root)
    clips: dict[tuple[int, ...] | None, Clip] = {None: whole}
    rows = []
    for name in scored(cheap=cheap, metrics=metrics):
        counted = scoring.counted(skeleton, name)
        joints = None if counted is None else tuple(counted)
        if joints not in clips:
            clips[joints] = replace(whole, joints=joints)
        for value, n, joint, group in _metric(name).values(clips[joints]):
            rows.append({"joint": joint, "group": group, "metric": name, "value": float(value), "n": int(n)})
    return rows


def scored(*, cheap: bool = False, metrics: Collection[str] | None = None) -> list[str]:
    """Names of the registered metrics that `clip_rows` scores under the same arguments.

    Raises:
        UserError: a metric that isn't registered.
    """
    chosen = list(registry.entries("metrics")) if metrics is None else list(dict.fromkeys(metrics))
    return [name for name in chosen if not cheap or _metric(name).cheap]


@cache
def _metric(name: str) -> Metric:
    return registry.load(registry.get("metrics", name))()


def _rooted(pred: Tensor, root: int, scoring: Scoring) -> Tensor:
    """The prediction as the scoring takes it, float64."""
    if scoring.root == "subtracted":
        return position.root_relative(pred, root)
    pred = pred.double()
    return pred if scoring.root == "kept" else pred.index_fill(-2, torch.tensor([root]), 0.0)


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
