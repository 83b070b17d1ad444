"""Shape checks at a network's door: one message that says what was expected and what came."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

# Names of a state dict, without prefixes of wrappers, and the shapes of its tensors.
Shapes = Mapping[str, tuple[int, ...]]


def check_input(x: Tensor, *, joints: int, features: int, frames: int = 1, exactly: bool = False) -> None:
    """Raise unless ``x`` is (B, T, joints, features) with at least (or exactly) ``frames`` frames.

    Raises:
        ValueError: names the expected and the found shape.
    """
    if x.ndim == 4 and tuple(x.shape[2:]) == (joints, features):
        found = x.shape[1]
        if found == frames or (found > frames and not exactly):
            return
    expected = f"T={frames}" if exactly else f"T>={frames}" if frames > 1 else "T"
    raise ValueError(f"input must be (B, {expected}, J={joints}, C={features}); found {tuple(x.shape)}")


def check_window(frames: int, needed: int, option: str) -> None:
    """Raise if a window of ``frames`` frames is shorter than what a network reads at a time.

    Raises:
        ValueError: names both, and the network's option that says how many it reads.
    """
    if frames < needed:
        raise ValueError(f"it reads {needed} frames at a time ({option}), and a window has {frames}")


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


def check_confidence(features: int) -> None:
    """Raise unless keypoints have three numbers: x, y and confidence.

    Raises:
        ValueError: another number.
    """
    if features != 3:
        raise ValueError(f"it needs keypoints with confidence, C=3 (x, y, confidence); found C={features}")


def check_longest(frames: int, longest: int, *, option: str) -> None:
    """Raise if a window has more frames than the network has positions for.

    Args:
        option: the network's option that says how many it has.
    Raises:
        ValueError: too many frames.
    """
    if frames > longest:
        raise ValueError(f"windows may have at most T={longest} frames ({option}); found {frames}")


def entries(shapes: Shapes, prefix: str) -> int:
    """How many entries a list of modules has: the different numbers that follow ``prefix`` in the names."""
    start = prefix + "."
    return len({name[len(start) :].split(".", 1)[0] for name in shapes if name.startswith(start)})
