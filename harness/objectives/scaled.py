"""Terms that forgive a wrong size of the whole body."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.objectives.averaging import Averaged, lengths


class NMpjpe(Averaged):
    """MPJPE after the best scale of each predicted frame: mean over t, k of ‖s(t)·p̂(t,k) − p(t,k)‖₂, metres.

    s(t) = Σ_k p̂·p / Σ_k p̂·p̂ is the least-squares scale about the origin, over all joints, and the gradient flows
    through it. Meant for poses relative to each frame's root. A frame predicted all in the origin keeps its error.

    Source: Rhodin et al., CVPR 2018 (N-MPJPE); a term of MotionBERT (Zhu et al., ICCV 2023) with λ = 0.5.

    Args:
        over: average over all joints, or only the visible or the occluded ones.
    """

    absolute = True

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        size = pred.square().sum(dim=(-1, -2), keepdim=True)  # (B, T, 1, 1)
        fit = (pred * target).sum(dim=(-1, -2), keepdim=True)
        scale = fit / torch.where(size > 0, size, 1.0)
        return lengths(scale * pred - target)
