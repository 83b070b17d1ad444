"""An occlusion event in one integer, so that "which event hides this keypoint" is one minimum.

From the highest bit down: the severity at which the event appears (its *activation*, 24 bits for the
range 0 to 1), 27 bits that tell the event from others, 3 bits that say what the detector reports.
Where events overlap, the one that appears at the lowest severity wins. Two things follow: what is hidden
at a severity stays hidden at every higher one, and it is hidden by the same event with the same fill.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.occlusion.fill import Fill

NONE, ZERO, LAST_SEEN, HALLUCINATED, MEAN, TOWARDS, SWAPPED, NOISY = range(8)

NEVER = 1 << 62
"""A packed event that appears at no severity."""

SEVERITY_BITS = 24
IDENTITY_BITS = 27
_CAUSE_BITS = 3
_LOW_BITS = IDENTITY_BITS + _CAUSE_BITS
_FILL_BITS = 16


def pack(activation: Tensor, identity: Tensor, cause: Tensor) -> Tensor:
    """Packed events, int64.

    Args:
        activation: int64, severity × 2²⁴; values beyond 2³¹ are cut there (no severity reaches them).
        identity: int64; the lower 27 bits are kept.
        cause: int64, `ZERO` to `SWAPPED`.
    """
    low = ((identity & ((1 << IDENTITY_BITS) - 1)) << _CAUSE_BITS) | cause
    return (activation.clamp_max(1 << 31) << _LOW_BITS) | low


def with_cause(packed: Tensor, cause: int) -> Tensor:
    """The same events, all of them with one cause."""
    return (packed & ~((1 << _CAUSE_BITS) - 1)) | cause


def severities(packed: Tensor) -> tuple[Tensor, Tensor]:
    """The severity from which each event is there, float32, beyond 1 for those that never are; and its cause, int64."""
    activation = (packed >> _LOW_BITS).to(torch.float32) * (1.0 / (1 << SEVERITY_BITS))
    return activation, packed & ((1 << _CAUSE_BITS) - 1)


def cause_of(drawn: Tensor, fill: Fill) -> Tensor:
    """What events are filled with, int64: chosen by the lowest 16 bits of ``drawn``, by the shares of ``fill``."""
    drawn = drawn & ((1 << _FILL_BITS) - 1)
    zero, last_seen = (round(share * (1 << _FILL_BITS)) for share in (fill.zero, fill.zero + fill.last_seen))
    cause = ZERO + (drawn >= zero).long() + (drawn >= last_seen).long()
    if fill.mean > 0:
        cause += (drawn >= round((1 - fill.mean) * (1 << _FILL_BITS))).long()
    return cause


def present(packed: Tensor, severity: float | Tensor) -> Tensor:
    """True where the event exists at ``severity`` (0 to 1); that of each window where it is a tensor, (B,) float64.

    Args:
        packed: (B, T, J).
    """
    if isinstance(severity, Tensor):
        return packed < (torch.round(severity * (1 << SEVERITY_BITS)).long() << _LOW_BITS)[:, None, None]
    return packed < (round(severity * (1 << SEVERITY_BITS)) << _LOW_BITS)


def unpack(packed: Tensor, exists: Tensor) -> tuple[Tensor, Tensor]:
    """Cause (int8) and stretch key (int64, positive) where ``exists``, 0 elsewhere."""
    key = torch.where(exists, packed & ((1 << _LOW_BITS) - 1), 0)
    return (key & ((1 << _CAUSE_BITS) - 1)).to(torch.int8), key


def bits(stretch_key: Tensor, start: int, count: int) -> Tensor:
    """``count`` of the event's 27 identity bits from ``start``, as int64: random numbers of a stretch."""
    return (stretch_key >> (_CAUSE_BITS + start)) & ((1 << count) - 1)
