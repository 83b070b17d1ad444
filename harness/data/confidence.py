"""The confidence channel a lifting network may be given beside x and y: none, oracle, calibrated or detector.

``oracle`` says exactly what is visible. ``calibrated`` is a detector that sees a noisy clue: with
x ~ N(+d/2, 1) for a visible keypoint and N(−d/2, 1) for a hidden one, the score is the posterior
σ(logit π + d·x), so among keypoints scored s a share s is visible when a share π of all are. At
d = 2 the two overlap (area under the ROC curve 0.92), as those of real detectors do.
``detector`` is what a real detector said, where that is recorded, less what occlusion takes of it.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from harness import keyed
from harness.data.detector import keypoint_keys

Kind = Literal["none", "oracle", "calibrated", "detector"]
SEPARATION = 2.0
PRIOR = 0.8
_PROCESS = keyed.key("confidence")


def confidence(
    kind: Kind, visible: Tensor, keys: Tensor, frames: Tensor, recorded: Tensor | None = None
) -> Tensor | None:
    """Scores in [0, 1], higher = more surely visible; None for ``none``.

    Scores depend on key, frame number, joint and visibility alone, and a keypoint's hidden score is
    never above its visible one.

    Args:
        visible: (B, T, J) bool, or float32 in [0, 1] where a detector may be half sure: ``oracle`` tells it as it is,
            and the clue of ``calibrated`` lies as far between the two. keys: (B,) int64. frames: (B, T) int64.
        recorded: (B, T, J) scores of the detector, for ``detector``.
    Returns:
        float32 (B, T, J).
    Raises:
        ValueError: another ``kind``; ``detector`` without recorded scores.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"confidence is one of {', '.join(get_args(Kind))}; got {kind!r}")
    if kind == "none":
        return None
    if kind == "oracle":
        return visible.to(torch.float32)
    if kind == "detector":
        if recorded is None:
            raise ValueError("confidence: detector needs recorded scores")
        return recorded * visible.to(torch.float32)
    noise = keyed.normal(keypoint_keys(keys, frames, visible.shape[2], _PROCESS))
    clue = noise + SEPARATION * (visible.to(torch.float32) - 0.5)
    return torch.sigmoid(math.log(PRIOR / (1.0 - PRIOR)) + SEPARATION * clue)
