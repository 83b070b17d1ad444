"""What the network sees of a window: projection, detector noise, occlusion, confidence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from harness import occlusion
from harness.data.camera import normalise_screen_coordinates
from harness.data.confidence import Kind, confidence
from harness.data.detector import observe
from harness.data.windows import Windows
from harness.occlusion import Level, Scene
from harness.skeleton import Skeleton


@dataclass(frozen=True)
class Observer:
    """Turns true pixels into a network's input.

    Attributes:
        noise: standard deviation of the detector's error, pixels of the native resolution.
        confidence: ``none``, ``oracle``, ``calibrated`` or ``detector``.
        skeleton: the joints' declaration.
    """

    noise: float
    confidence: Kind
    skeleton: Skeleton

    @property
    def features(self) -> int:
        return 2 if self.confidence == "none" else 3

    def __call__(
        self,
        pixels: Tensor,
        resolution: Tensor,
        keys: Tensor,
        frames: Tensor,
        level: Level,
        severity: Tensor | None = None,
        scene: Scene | None = None,
        scores: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One batch of inputs.

        Args:
            pixels: (B, T, J, 2) true projections, or what a detector reported.
            resolution: (B, 1, 1, 2) width and height, pixels.
            keys: (B,) int64; with ``frames`` they decide every draw.
            frames: (B, T) frame numbers within the clip. Where a window reaches beyond it, the number (and the
                pixels) of the frame held there, which is then reported as that frame is: noise, occlusion and all.
            level: the occlusion level.
            severity: (B,) each window's own in place of the level's.
            scene: the truth behind the windows, for a level that needs it.
            scores: (B, T, J) the detector's own, where they are recorded.
        Returns:
            inputs (B, T, J, C) and visible (B, T, J).
        """
        seen = observe(pixels, keys, frames, noise_px=self.noise)
        screen = normalise_screen_coordinates(seen, resolution)
        drawn = level.draw(keys, frames, self.skeleton, severity=severity, scene=scene)
        screen, visible = occlusion.apply(screen, drawn)
        seeing = visible if drawn.certainty is None else drawn.certainty
        channel = confidence(self.confidence, seeing, keys, frames, scores)
        if channel is not None:
            screen = torch.cat([screen, channel[..., None]], dim=-1)
        return screen, visible


def mirror_inputs(inputs: Tensor, skeleton: Skeleton) -> Tensor:
    """The input seen in a mirror: x negated, left and right joints exchanged. (B, T, J, C)."""
    flipped = inputs[..., list(skeleton.mirror), :].clone()
    flipped[..., 0] = -flipped[..., 0]
    return flipped


mirror_poses = mirror_inputs
"""The same for poses (B, T, J, 3): camera x is negated."""


def mirror_points(points: Tensor) -> Tensor:
    """Points (…, 3) in camera axes seen in a mirror: x negated."""
    return points * points.new_tensor([-1.0, 1.0, 1.0])


def output_part(windows: Windows, mask: Tensor) -> Tensor:
    """The output frames' part of an input mask, (B, T, …) → (B, T_out, …)."""
    return mask[:, windows.lead : windows.lead + windows.frames_out]
