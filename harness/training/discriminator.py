"""The network that judges whether a motion is a true one or a lifter's: a small temporal network over bone products.

Source: Cheng et al., AAAI 2020: products of bones and their differences in time, judged by temporal convolutions. What
keeps the game stable is ours to choose, and is: spectral normalisation of every layer (Miyato et al., ICLR 2018), so
that no score changes faster than its features; and features centred and scaled by what true motions have, those far
out by their square roots, so that neither do features of the wild first predictions swamp the lifter's gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.checkpoint import checkpoint

from harness.objectives.kinematic_chain import bone_products, product_steps

_DILATIONS = (1, 3)
_AT_ONCE = 1 << 22
"""Numbers of features made at once; they are made again for the backward pass, not kept."""


class Standard(nn.Module):
    """Features centred at what those of true motions were, over the spread of these, gathered batch by batch.

    All features share one scale: some hardly vary among true motions (a bone keeps its length), and over a spread of
    their own the least error would outweigh all others.

    Args:
        features: how many.
    """

    count: Tensor
    mean: Tensor
    squares: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("squares", torch.zeros(features))  # Σ (x − mean)²

    @torch.no_grad()
    def gather(self, features: Tensor) -> None:
        """Add rows (N, F) to what was gathered (the pairwise update of Chan, Golub and LeVeque, 1983)."""
        if not len(features):
            return
        added, mean = len(features), features.mean(dim=0)
        away, total = mean - self.mean, self.count + added
        self.squares += (features - mean).square().sum(dim=0) + away.square() * (self.count * added / total)
        self.mean += away * (added / total)
        self.count += added

    def forward(self, features: Tensor) -> Tensor:
        """(…, F) → the same, centred and scaled, growing like a square root beyond the spread."""
        spread = (self.squares.mean() / self.count.clamp(min=1)).sqrt()
        away = (features - self.mean) * torch.where(spread > 0, spread, 1.0).reciprocal()
        return away * (1 + away.abs()).rsqrt()


class Discriminator(nn.Module):
    """A score for each frame of a motion, above 0 where it looks true.

    Args:
        bones: pairs (parent, child) of joints.
        channels: width of its layers.
    """

    def __init__(self, bones: Sequence[tuple[int, int]], channels: int) -> None:
        super().__init__()
        self.bones = tuple(bones)
        products = len(bones) * (len(bones) + 1) // 2
        self.products, self.steps = Standard(products), Standard(products)
        self.reduce = spectral_norm(nn.Linear(2 * products, channels))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation))
            for dilation in _DILATIONS
        )
        self.score = spectral_norm(nn.Linear(channels, 1))

    def forward(self, poses: Tensor, valid: Tensor) -> Tensor:
        """(B, T, J, 3) metres and (B, T) bool → (B, T) scores, which invalid frames neither have nor change."""
        poses = poses.masked_fill(~valid[:, :, None, None], 0.0)
        parts = zip(*(part.split(self._samples(poses)) for part in (poses, valid)), strict=True)
        read = [checkpoint(self._read, *part, use_reentrant=False, preserve_rng_state=False) for part in parts]
        hidden, there = torch.cat(read).transpose(1, 2), valid[:, None]  # (B, C, T), (B, 1, T)
        for layer in self.layers:
            hidden = (hidden + functional.leaky_relu(layer(hidden), 0.2)).masked_fill(~there, 0.0)
        return self.score(hidden.transpose(1, 2)).squeeze(-1).masked_fill(~valid, 0.0)

    @torch.no_grad()
    def gather(self, poses: Tensor, valid: Tensor) -> None:
        """Add true motions (B, T, J, 3) to those by which features are standardised."""
        poses = poses.masked_fill(~valid[:, :, None, None], 0.0)
        size = self._samples(poses)
        for some, real in zip(poses.split(size), valid.split(size), strict=True):
            products = bone_products(some, self.bones)
            steps, known = product_steps(products, real)
            self.products.gather(products[real])
            self.steps.gather(steps[known])

    def _read(self, poses: Tensor, valid: Tensor) -> Tensor:
        """The first layer, (B, T, J, 3) → (B, T, C), zero in invalid frames."""
        products = bone_products(poses, self.bones)  # (B, T, n (n + 1) / 2)
        steps, known = product_steps(products, valid)
        steps = self.steps(steps).masked_fill(~known[..., None], 0.0)
        read = self.reduce(torch.cat([self.products(products), steps], dim=-1))
        return functional.leaky_relu(read, 0.2).masked_fill(~valid[..., None], 0.0)

    def _samples(self, poses: Tensor) -> int:
        """How many samples' features are made at once."""
        return max(1, _AT_ONCE // (poses.shape[1] * 2 * len(self.products.mean)))
