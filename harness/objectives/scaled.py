"""Terms that forgive a wrong size of the whole body."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.objectives.absolute import error_of, mean_of
from harness.objectives.term import LossTerm


class NMpjpe(LossTerm):
    """MPJPE after the best scale of each predicted frame: mean over t, k of ‖s(t)·p̂(t,k) − p(t,k)‖₂, metres.

    s(t) = Σ_k p̂·p / Σ_k p̂·p̂ is the least-squares scale about the origin, and the gradient flows through it.
    Meant for poses relative to each frame's root. A frame predicted all in the origin keeps its error.

    Source: Rhodin et al., CVPR 2018 (N-MPJPE); a term of MotionBERT (Zhu et al., ICCV 2023) with λ = 0.5.
    """

    absolute = True

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        if valid is not None:  # padding may hold anything, NaN included
            padding = ~valid[:, :, None, None]
            pred, target = pred.masked_fill(padding, 0.0), target.masked_fill(padding, 0.0)
        size = pred.square().sum(dim=(-1, -2), keepdim=True)  # (B, T, 1, 1)
        fit = (pred * target).sum(dim=(-1, -2), keepdim=True)
        scale = fit / torch.where(size > 0, size, 1.0)
        return mean_of(torch.linalg.vector_norm(error_of(scale * pred, target, valid), dim=-1), valid)
