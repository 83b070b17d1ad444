"""The loops of `harness.objectives.fused` over tensors: blocks of columns, masks, and the range of the exponentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from harness.objectives import fused
from harness.objectives.forms import Form

if TYPE_CHECKING:
    from harness.objectives.pairwise import Rows

_COLUMNS = 256  # of a block: long passes along the columns, and still in the processor's second cache
_RANGE = {torch.float32: 160.0, torch.float64: 1400.0}  # of an exponent, so that sums and quotients stay normal


def fused_sums(rows: Rows, radius: int, form: Form, min_gap: float) -> tuple[Tensor, float] | None:
    """Slopes (N, R) of all pairs of rows at most ``radius`` apart, and what Σ slope·d lacks of their sum.

    Returns:
        None where the exponents of a form leave the range of double precision; the caller then goes another way.
    """
    pred, power = rows.pred, None
    if form.exponent:
        scaled = pred * form.exponent
        low, high = scaled.amin(0), scaled.amax(0)
        spread = (high - low).max().item()
        if not spread <= _RANGE[pred.dtype]:
            if not spread <= _RANGE[torch.float64]:
                return None
            pred, scaled = pred.double(), scaled.double()
        pred, power = scaled, (scaled - (low + high) / 2).exp_()
    if not math.isfinite(rows.true.sum().item()):
        return None
    true = rows.true.to(pred.dtype)
    if rows.weight is not None:
        true = true.masked_fill(rows.weight == 0, math.nan)
    pred = _blocks(pred)
    settled = pred if rows.settled is None else _blocks(rows.settled.to(pred.dtype))
    others = (pred if x is None else _blocks(x.to(pred.dtype), fill=1.0) for x in (rows.order, power))
    slope = torch.zeros_like(pred)
    arrays = [x.numpy() for x in (pred, _blocks(true), settled, *others)]
    limits = np.array([min_gap, form.parameter], arrays[0].dtype)
    rest = getattr(fused, form.name)(*arrays, *limits, radius, rows.settled is not None, slope.numpy())
    n, columns = rows.pred.shape
    return slope.transpose(0, 1).reshape(n, -1)[:, :columns].to(rows.pred.dtype).contiguous(), rest


def _blocks(x: Tensor, fill: float = 0.0) -> Tensor:
    """(N, R) → (blocks, N, columns), contiguous, filled up with one value: rows that tie cost nothing."""
    n, columns = x.shape
    blocks = max(1, round(columns / _COLUMNS))
    missing = -columns % blocks
    x = torch.nn.functional.pad(x, (0, missing), value=fill) if missing else x
    return x.view(n, blocks, -1).transpose(0, 1).contiguous()
