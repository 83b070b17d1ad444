"""Keypoints as a 2D detector would place them: projection plus noise in pixels.

Noise is added in pixels of the camera's native resolution, before screen normalisation. What a detector
reports for hidden keypoints belongs to `harness.occlusion`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from harness import keyed

_ODD = -7046029254386353131  # splitmix64's increment, 0x9E3779B97F4A7C15
_LOW = (1 << 24) - 1
_NOISE = keyed.key("detector noise")


def observe(pixels: Tensor, keys: Tensor, frames: Tensor, noise_px: float) -> Tensor:
    """``pixels`` with independent Gaussian noise on each coordinate.

    The noise of a keypoint depends on its key, frame number and joint alone: with the key of a test
    view and the frame's number in its clip, every window over that frame sees the same noise.

    Args:
        pixels: (B, T, J, 2), pixels.
        keys: (B,) int64. frames: (B, T) int64, frame numbers counted from the clip's start.
        noise_px: standard deviation, pixels.
    Raises:
        ValueError: a negative or undefined ``noise_px``.
    """
    if not noise_px >= 0 or math.isinf(noise_px):
        raise ValueError(f"noise must be a number of pixels, 0 or more; got {noise_px}")
    if noise_px == 0:
        return pixels
    return pixels + noise_px * normal_pairs(keypoint_keys(keys, frames, pixels.shape[2], _NOISE))


def keypoint_keys(keys: Tensor, frames: Tensor, joints: int, process: int) -> Tensor:
    """(B, T, J) scrambled int64, one for each keypoint of a process: keys (B,), frames (B, T)."""
    base = keyed.combine(keys[:, None], process, frames)
    return keyed.mix(base[..., None] + torch.arange(1, joints + 1, device=keys.device) * _ODD)


def normal_pairs(keys: Tensor) -> Tensor:
    """Two independent standard normals for each key (Box–Muller, both halves of one 64-bit draw)."""
    scale = 1.0 / (1 << 24)
    radius = torch.sqrt(-2.0 * torch.log(((keys >> 40) & _LOW).add_(1).to(torch.float32) * scale))
    angle = (keys & _LOW).to(torch.float32) * (2.0 * math.pi * scale)
    return torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), dim=-1)
