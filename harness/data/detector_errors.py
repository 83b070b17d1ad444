"""Errors of a 2D detector: heavy-tailed, lasting for some frames, as large as the person appears in the image.

A keypoint's error in person's sizes is e = σ · g · √(ν·expm1(|g|²/ν)) / |g| for a standard normal pair g: |g|² goes to
what a bivariate Student t of ν degrees of freedom and scale σ has at the same rank, and the direction stays. g itself
is √(1−b)·(an autoregressive sequence of the first order) + √b·(one pair for the whole clip), so that errors come in
runs. The sequence is made of keyed draws by a sum over the frames before, cut off where a draw counts for less than a
twentieth: it is a pure function of key and frame number, wherever a window begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from harness import keyed
from harness.data.detector import keypoint_keys, normal_pairs
from harness.data.detector_file import Detector
from harness.skeleton import Skeleton

_PASSING, _LASTING = keyed.key("detector errors", 1), keyed.key("detector errors that last", 1)
_FORGOTTEN = 0.05
_LARGEST = 80.0  # expm1 of more overflows in float32


@dataclass(frozen=True, eq=False)
class Errors:
    """Draws the errors of one detector on one skeleton.

    Attributes:
        spread: (J,) person's sizes. tail: (J,) degrees of freedom, infinite for Gaussian. memory: (J,) seconds.
        lasting: (J,) share of the variance.
        reach, right: person's sizes; see `harness.data.detector_file`.
    """

    spread: Tensor
    tail: Tensor
    memory: Tensor
    lasting: Tensor
    reach: float
    right: float

    @classmethod
    def of(cls, detector: Detector, skeleton: Skeleton, scale: float = 1.0) -> Errors:
        """Of ``skeleton``'s joints, each ``scale`` times as large.

        Raises:
            UserError: a joint of which the detector's file says nothing.
        """
        found = detector.of(skeleton)
        return cls(
            spread=torch.tensor([scale * error.spread for error in found]),
            tail=torch.tensor([math.inf if error.tail is None else error.tail for error in found]),
            memory=torch.tensor([error.memory for error in found]),
            lasting=torch.tensor([error.lasting for error in found]),
            reach=detector.reach,
            right=detector.right,
        )

    def draw(self, keys: Tensor, frames: Tensor, fps: Tensor) -> Tensor:
        """Errors in person's sizes.

        Args:
            keys: (B,) int64. frames: (B, T) int64, frame numbers counted from the clip's start. fps: (B,).
        Returns:
            (B, T, J, 2) float32.
        """
        pairs = self.pairs(keys, frames, fps)  # (B, T, J), standard normal
        ratio = (pairs.real.square() + pairs.imag.square()).div_(self.tail).clamp_(1e-12, _LARGEST)
        error = pairs * (self.spread * torch.sqrt(torch.expm1(ratio) / ratio))
        return torch.view_as_real(error * (self.reach / error.abs().clamp_min(1e-12)).clamp_max(1.0))

    def pairs(self, keys: Tensor, frames: Tensor, fps: Tensor) -> Tensor:
        """The standard normal pairs behind `draw`, as complex numbers (B, T, J): real and imaginary part."""
        joints = len(self.spread)
        first = frames.amin(dim=1, keepdim=True)  # (B, 1)
        place = frames - first
        span = int(place.max()) + 1 if place.numel() else 0
        kept = torch.exp(-1.0 / (fps.double().view(-1, 1) * self.memory.double()))  # (B, J), of each frame's error
        doublings = (math.log(_FORGOTTEN) / kept.log()).log2().ceil().clamp_min(0)  # (B, J), 0 without memory
        passes = int(doublings.max()) if doublings.numel() else 0
        before = (1 << passes) - 1
        numbers = first + torch.arange(-before, span, device=frames.device)
        found = torch.view_as_complex(normal_pairs(keypoint_keys(keys, numbers, joints, _PASSING)))
        # After pass i each value is the sum of 2^(i+1) frames: as long as the joint remembers, and no longer.
        for number in range(passes):
            step, counts = 1 << number, number < doublings
            weight = torch.where(counts, kept**step, 0.0).to(torch.float32)[:, None]  # (B, 1, J)
            found = found[:, step:] + weight * found[:, :-step]
        remembered = torch.where(doublings > 0, kept, 0.0)
        share = (1 - remembered**2) / (1 - remembered ** (2 * 2**doublings)) * (1 - self.lasting.double())
        constant = torch.view_as_complex(
            normal_pairs(keypoint_keys(keys, torch.zeros_like(first), joints, _LASTING))
        )  # (B, 1, J)
        found = share.sqrt().to(torch.float32)[:, None] * found + self.lasting.sqrt() * constant
        if span == frames.shape[1] and bool((place == torch.arange(span, device=frames.device)).all()):
            return found
        return found.gather(1, place[..., None].expand(-1, -1, joints))


def person_size(pixels: Tensor) -> Tensor:
    """Root mean square distance of the keypoints (…, J, 2) from their centre, (…), in the same unit."""
    around = pixels - pixels.mean(dim=-2, keepdim=True)
    return around.square().sum(dim=-1).mean(dim=-1).sqrt()
