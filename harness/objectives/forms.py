"""The forms of a depth-order term: what one pair of joint positions costs.

Take an unordered pair {a, b}: d = ẑ_b − ẑ_a is its predicted gap, h = z_b − z_a its true one, and
s = sign(h) its label; s = 0 where the pair is not ordered (a tie, a gap no larger than ``min_gap``,
an invalid frame, a pair that was not selected) and such a pair costs nothing. x = s·d is the gap in
the true direction: negative when the predicted order is wrong.

| form | cost φ | source |
| --- | --- | --- |
| hinge | max(0, −x) | released RePOSE (Sun et al., ECCV 2024): max(z_i − z_j, 0)·[zgt_i < zgt_j] |
| margin | max(0, min(m, abs(h)) − x) | the hinge with a margin no larger than the true gap |
| logistic | log(1 + exp(−x/τ)) | ordinal depth ranking (Pavlakos et al., CVPR 2018), with a temperature |
| soft | 1 − tanh(x/τ) | sign agreement with a soft sign; between 0 and 2 for each pair |
| difference | abs(d − h) where s ≠ 0 | control: the same pairs, metric instead of ordinal |
| placebo | the hinge with s = ±1 from a random order, where s ≠ 0 | control: the same pairs, no information |

hinge, margin, difference and placebo are in metres; logistic and soft have no unit.

Each function below is handed scratch tensors of one shape that it may overwrite and returns
``(slope, rest)``: slope is a multiple of ∂φ/∂d for each pair, rest a scalar or None, such that

    ∂φ/∂d = scale · slope        Σφ = scale · Σ slope · d  (if homogeneous)  + rest.

The first part of Σφ equals Σ ẑ · (gradient), which the caller gets for free and without rounding. On a CPU the
loops of `harness.objectives.fused`, which compute the same, take their place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Slope = Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor | None]]


@dataclass(frozen=True)
class Form:
    """One form, ready for the pair loop.

    Attributes:
        name: the form's name, which is also that of its loop in `harness.objectives.fused`.
        slope: called with (d, h, scratch, parameter), see the module's text. h is 0 where s is.
        parameter: m or τ in metres, where the form has one.
        scale: factor between slope and ∂φ/∂d.
        homogeneous: whether Σ slope·d is part of the value.
        of_error: d is a difference of ẑ − z instead of ẑ.
        shuffled: labels come from a random order.
        exponent: the factor of d in the form's exponential, 1/metres; 0: it has none.
    """

    name: str
    slope: Slope
    parameter: float = 0.0
    scale: float = -1.0
    homogeneous: bool = True
    of_error: bool = False
    shuffled: bool = False
    exponent: float = 0.0


def _hinge(d: Tensor, h: Tensor, scratch: Tensor, _: float) -> tuple[Tensor, None]:
    h.sign_()
    d.mul_(h).lt_(0)
    return h.mul_(d), None


def _margin(d: Tensor, h: Tensor, scratch: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    torch.abs(h, out=scratch).clamp_(max=margin)
    h.sign_()
    d.mul_(h)
    torch.sub(scratch, d, out=d).gt_(0)
    return h.mul_(d), torch.dot(scratch, d)


def _logistic(d: Tensor, h: Tensor, scratch: Tensor, tau: float) -> tuple[Tensor, Tensor]:
    h.sign_()
    d.mul_(h).mul_(-1.0 / tau)
    torch.abs(h, out=scratch)
    rest = torch.dot(torch.nn.functional.softplus(d), scratch)
    return h.mul_(d.sigmoid_()), rest


def _soft(d: Tensor, h: Tensor, scratch: Tensor, tau: float) -> tuple[Tensor, Tensor]:
    # With q the logistic function of −2x/τ, 1 − tanh(x/τ) = 2q and its slope in x is −4/τ · q(1 − q).
    h.sign_()
    d.mul_(h).mul_(-2.0 / tau).sigmoid_()
    torch.abs(h, out=scratch)
    rest = torch.dot(scratch, d).mul_(2.0)
    h.mul_(d)
    return h.addcmul_(h, d, value=-1.0), rest


def _difference(d: Tensor, h: Tensor, scratch: Tensor, _: float) -> tuple[Tensor, None]:
    h.ne_(0)
    return h.mul_(d.sign_()), None


def form(name: str, margin: float, tau: float) -> Form:
    """The form called ``name``; ``margin`` and ``tau`` in metres, used by those that have one."""
    match name:
        case "hinge":
            return Form(name, _hinge)
        case "margin":
            return Form(name, _margin, margin)
        case "logistic":
            return Form(name, _logistic, tau, scale=-1.0 / tau, homogeneous=False, exponent=1.0 / tau)
        case "soft":
            return Form(name, _soft, tau, scale=-4.0 / tau, homogeneous=False, exponent=2.0 / tau)
        case "difference":
            return Form(name, _difference, scale=1.0, of_error=True)
        case "placebo":
            return Form(name, _hinge, shuffled=True)
    raise ValueError(f"no form '{name}'")
