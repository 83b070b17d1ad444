"""Shape checks at a network's door: one message that says what was expected and what came."""

from __future__ import annotations

from torch import Tensor


def check_input(x: Tensor, *, joints: int, features: int, frames: int = 1) -> None:
    """Raise unless ``x`` is (B, T, joints, features) with at least ``frames`` frames.

    Raises:
        ValueError: names the expected and the found shape.
    """
    if x.ndim == 4 and x.shape[1] >= frames and tuple(x.shape[2:]) == (joints, features):
        return
    at_least = f"T>={frames}" if frames > 1 else "T"
    raise ValueError(f"input must be (B, {at_least}, J={joints}, C={features}); found {tuple(x.shape)}")


def check_fit_batch(x: Tensor, y: Tensor, valid: Tensor, *, joints: int) -> None:
    """Raise unless the targets are (B, T, joints, 3) and the mask (B, T), for the B and T of ``x``.

    Raises:
        ValueError: names the expected and the found shapes.
    """
    batch, frames = x.shape[:2]
    if tuple(y.shape) != (batch, frames, joints, 3):
        raise ValueError(f"targets must be {(batch, frames, joints, 3)}; found {tuple(y.shape)}")
    if tuple(valid.shape) != (batch, frames):
        raise ValueError(f"valid must be {(batch, frames)}; found {tuple(valid.shape)}")
