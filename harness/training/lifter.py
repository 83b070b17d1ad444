"""A backbone of any shape, made to answer exactly the frames a window asks for.

Every arm sees the same input window. A backbone whose convolutions eat frames (T_out < T) gets
the window's edge frames repeated as far as it needs, as its authors do at clip ends; whatever it
then gives beyond the frames asked for is cut. A backbone that slides, and so pays for each output frame
by itself, is given no more frames than those answers need.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from harness import registry
from harness.errors import UserError
from harness.skeleton import Skeleton


class Lifter(nn.Module):
    """Backbone plus the padding and cutting that gives ``frames_out`` of ``window`` frames.

    Args:
        backbone: a network that follows the contract in `backbones`.
        window: input frames.
        frames_out: output frames, centred in the window (its last ones for a causal backbone).
    Raises:
        UserError: the backbone can't give that many, e.g. a one-frame form asked for the whole window.
    """

    backbone: Any

    def __init__(self, backbone: Any, window: int, frames_out: int) -> None:
        super().__init__()
        self.backbone, self.window, self.frames_out = backbone, window, frames_out
        self.left = lead(window, frames_out, backbone.causal)
        eaten = window - backbone.output_frames(window) if _answers(backbone, window) else backbone.receptive_field - 1
        before = eaten if backbone.causal else eaten // 2  # frames lost in front of the first output
        self._pad_before = max(0, before - self.left)
        self._pad_after = max(0, (eaten - before) - (window - frames_out - self.left))
        self._skip = self.left + self._pad_before - before
        given = backbone.output_frames(window + self._pad_before + self._pad_after)
        if given < self._skip + frames_out:
            raise UserError(
                f"{type(backbone).__name__} can't predict {frames_out} of a window's {window} frames",
                key="data.frames_out",
            )
        self._used = (0, window)
        if getattr(backbone, "slides", False):
            needed = frames_out + backbone.receptive_field - 1 - self._pad_before  # frames of the window itself
            self._used, self._skip = (self._skip, min(window, self._skip + needed)), 0

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, window, J, C) → (B, frames_out, J, 3)."""
        first, last = self._used
        parts = [inputs[:, first:last]]
        if self._pad_before:
            parts.insert(0, inputs[:, :1].expand(-1, self._pad_before, -1, -1))
        if self._pad_after:
            parts.append(inputs[:, -1:].expand(-1, self._pad_after, -1, -1))
        padded = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]  # (B, T + pads, J, C)
        answer = self.backbone(padded)[:, self._skip : self._skip + self.frames_out]
        expected = (len(inputs), self.frames_out, inputs.shape[2], 3)
        if answer.shape != expected:  # a loss would stretch it to the target without a word
            found = f"{type(self.backbone).__name__} answered {tuple(answer.shape)}"
            raise UserError(f"{found}, not (B, T_out, J, 3) = {expected}; see `repose check backbone`", key="backbone")
        return answer


class EveryFrame(nn.Module):
    """A lifter whose backbone also answers for every frame it reads, both at once.

    Args:
        lifter: of a backbone with the head ``every``, asked for one frame.
    """

    def __init__(self, lifter: Lifter) -> None:
        super().__init__()
        self.lifter, self.read = lifter, slice(*lifter._used)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, window, J, C) → (B, 1 + T_read, J, 3): the frame asked for, then every frame that is read."""
        return torch.cat(self.lifter.backbone.both(inputs[:, self.read]), dim=1)


def lead(window: int, frames_out: int, causal: bool) -> int:
    """Input frames in front of the first output frame."""
    return window - frames_out if causal else (window - frames_out) // 2


def _answers(backbone: Any, frames: int) -> bool:
    """Whether the backbone takes a window of this length as it is."""
    return backbone.output_frames(frames) >= 1


def make_lifter(name: str, options: dict, *, skeleton: Skeleton, features: int, window: int, frames_out: int) -> Lifter:
    """The lifter for a registered backbone on data of this shape.

    Raises:
        UserError: options that don't go together.
    """
    entry = registry.get("backbones", name)
    cls = registry.load(entry)
    shape = {"joints": len(skeleton), "features": features, "frames": window}
    try:
        backbone = cls.for_data(**{**shape, **entry.preset, **options})  # one may have an option of that name
    except ValueError as error:  # options that are each valid and don't go together
        raise UserError(f"{name} can't be built: {error}", key="backbone") from None
    return Lifter(backbone, window, frames_out)
