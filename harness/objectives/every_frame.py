"""Supervision of a second head that answers for every frame of the window, beside the pose that is scored."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.objectives.averaging import error_of, mean_of
from harness.objectives.term import Batch, Context, LossTerm, Output


class MpjpeEveryFrame(LossTerm):
    """MPJPE of the second head, over all frames of the window that the network reads, metres.

    For networks that answer for the centre frame and also guess all others on the way, one frame being asked for.
    Frames beyond a clip's ends don't count. Source: Shan et al., P-STMO, ECCV 2022, section 3.3.
    """

    absolute = True
    head = "every"

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        if "every" not in output.extra or batch.whole is None:
            raise ValueError("this term needs a network's poses of every frame of the window, and their targets")
        error = error_of(output.extra["every"], batch.whole, batch.whole_valid)
        return mean_of(torch.linalg.vector_norm(error, dim=-1), batch.whole_valid)
