"""Random numbers that are looked up by key instead of streamed.

A draw is a pure function of its key: who drew before, in which order, in which batch or on which
worker can't change it. That is what lets every arm of an ablation see the same cameras, noise and
occlusion. The mixing function is splitmix64's finaliser (Steele et al., OOPSLA 2014), written in
wrapping int64 arithmetic so that it runs batched on any torch device.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit integer
MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
MIX_2 = -7723592293110705685  # 0x94D049BB133111EB


def key(*parts: int | str) -> int:
    """A signed 64-bit key from names and numbers; stable across processes and versions."""
    text = "\x1f".join(f"{type(p).__name__}:{p}" for p in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """Logical (not arithmetic) right shift of int64."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix(x: Tensor) -> Tensor:
    """Scramble int64 values: a bijection whose output bits look independent of its input's."""
    x = (x ^ _shift_right(x, 30)) * MIX_1
    x = (x ^ _shift_right(x, 27)) * MIX_2
    return x ^ _shift_right(x, 31)


def combine(keys: Tensor | int, *parts: Tensor | int) -> Tensor:
    """New keys from old ones and further int64 parts; everything broadcasts.

    Args:
        keys: int64 tensor of any shape, or one key.
        parts: int64 tensors or integers that broadcast against ``keys``.
    Returns:
        int64 tensor of the broadcast shape.
    """
    out = mix(torch.as_tensor(keys, dtype=torch.int64))
    for part in parts:
        part = torch.as_tensor(part, dtype=torch.int64, device=out.device)
        out = mix(out * 5 + part * GOLDEN + 1)
    return out


def uniform(keys: Tensor) -> Tensor:
    """One float32 in [0, 1) for each key, same shape."""
    return _shift_right(mix(keys + GOLDEN), 40).to(torch.float32) * (1.0 / (1 << 24))


def normal(keys: Tensor) -> Tensor:
    """One standard normal float32 for each key, same shape (Box–Muller)."""
    radius = torch.sqrt(-2.0 * torch.log1p(-uniform(keys)))
    return radius * torch.cos(2.0 * math.pi * uniform(mix(keys) + MIX_1))


def permutation(length: int, *parts: int | str) -> Tensor:
    """A permutation of ``range(length)`` that depends on the key parts alone."""
    generator = torch.Generator().manual_seed(key("permutation", *parts) & ((1 << 63) - 1))
    return torch.randperm(length, generator=generator)
