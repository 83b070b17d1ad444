"""Windows as index arithmetic: which frames of which view a sample reads.

A window starts at an output frame ``o`` of a view and reads ``window`` input frames around the
``frames_out`` frames it answers for. Indices beyond a clip's ends are held at its first or last frame;
output frames that don't exist (a clip shorter than the window) are marked invalid and never scored.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Windows:
    """A list of windows over concatenated views.

    Attributes:
        view: (W,) int64, the view each window lies in.
        start: (W,) int64, first output frame, counted within the view.
        offset, length: (V,) int64, where each view lies in the concatenated frames.
        window, frames_out, lead: input frames, output frames, input frames before the first output.
    """

    view: Tensor
    start: Tensor
    offset: Tensor
    length: Tensor
    window: int
    frames_out: int
    lead: int

    def __len__(self) -> int:
        return len(self.view)

    def inputs(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Frame numbers within the view, and rows in the concatenated frames: both (B, window)."""
        return self._frames(which, torch.arange(self.window) - self.lead)

    def outputs(self, which: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frame numbers, rows and validity of the output frames: all (B, frames_out)."""
        step = torch.arange(self.frames_out)
        frames, rows = self._frames(which, step)
        wanted = self.start[which, None] + step  # (B, T_out)
        return frames, rows, wanted < self.length[self.view[which], None]

    def _frames(self, which: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        view = self.view[which, None]  # (B, 1)
        frames = (self.start[which, None] + step).clamp(min=0)
        frames = torch.minimum(frames, self.length[view] - 1)  # (B, T)
        return frames, frames + self.offset[view]


def every_window(offset: Tensor, length: Tensor, window: int, frames_out: int, lead: int) -> Windows:
    """All windows, one for each first output frame: what training draws from."""
    counts = (length - frames_out + 1).clamp(min=1)
    view = torch.repeat_interleave(torch.arange(len(length)), counts)
    start = torch.arange(int(counts.sum())) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    return Windows(view, start, offset, length, window, frames_out, lead)


def tiling(offset: Tensor, length: Tensor, window: int, frames_out: int, lead: int) -> tuple[Windows, Tensor]:
    """Windows that answer each frame exactly once: what evaluation reads.

    The last window of a clip is shifted back to end with it; frames it shares with the one before
    are taken from the one before.

    Returns:
        the windows, and (W, frames_out) bool: which of a window's answers count.
    """
    windows, regular = _spaced(offset, length, window, frames_out, lead, frames_out)
    frames = windows.start[:, None] + torch.arange(frames_out)  # (W, T_out)
    counted = (frames >= regular[:, None]) & (frames < length[windows.view, None])
    return windows, counted


def overlapping(
    offset: Tensor, length: Tensor, window: int, frames_out: int, lead: int, stride: int
) -> tuple[Windows, Tensor]:
    """Windows whose first output frames are ``stride`` apart, so that several answer for most frames.

    The last window of a clip is shifted back to end with it.

    Returns:
        the windows, and (W, frames_out) bool: which of a window's answers are of frames that exist.
    """
    windows, _ = _spaced(offset, length, window, frames_out, lead, stride)
    frames = windows.start[:, None] + torch.arange(frames_out)  # (W, T_out)
    return windows, frames < length[windows.view, None]


def _spaced(
    offset: Tensor, length: Tensor, window: int, frames_out: int, lead: int, stride: int
) -> tuple[Windows, Tensor]:
    """As few windows ``stride`` apart as cover each view, and where each would start if none were shifted back."""
    counts = 1 + torch.div((length - frames_out).clamp(min=0) + stride - 1, stride, rounding_mode="floor")
    view = torch.repeat_interleave(torch.arange(len(length)), counts)
    number = torch.arange(int(counts.sum())) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    regular = number * stride
    start = torch.minimum(regular, (length[view] - frames_out).clamp(min=0))
    return Windows(view, start, offset, length, window, frames_out, lead), regular
