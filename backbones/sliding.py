"""Every window of a sequence at once, for networks that read a fixed number of frames."""

from __future__ import annotations

from torch import Tensor


def windows(x: Tensor, length: int) -> Tensor:
    """All windows of ``length`` neighbouring frames, each a sample of its own.

    Args:
        x: (B, T, …), T at least ``length``.
        length: frames a window.
    Returns:
        (B * (T - length + 1), length, …); those of one sequence stand together, in order.
    """
    return x.unfold(1, length, 1).movedim(-1, 2).flatten(0, 1)
