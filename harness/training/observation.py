"""What the network sees of a window: projection, detector noise, occlusion, confidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from harness import occlusion
from harness.data.camera import normalise_screen_coordinates
from harness.data.confidence import Kind, confidence
from harness.data.detector import observe
from harness.data.detector_errors import Errors, person_size
from harness.data.windows import Windows
from harness.occlusion import Level, Scene, event
from harness.occlusion.composition import Occlusion
from harness.skeleton import Skeleton
from harness.spec.detector_noise import DetectorNoise


@dataclass(frozen=True)
class Observer:
    """Turns true pixels into a network's input.

    Attributes:
        noise: standard deviation of the detector's error, pixels of the native resolution; or a detector whose errors
            are drawn.
        confidence: ``none``, ``oracle``, ``calibrated`` or ``detector``.
        skeleton: the joints' declaration.
    """

    noise: float | DetectorNoise
    confidence: Kind
    skeleton: Skeleton

    @property
    def features(self) -> int:
        return 2 if self.confidence == "none" else 3

    @cached_property
    def errors(self) -> Errors | None:
        """What draws the errors of the detector that is named; None where noise is a number.

        Raises:
            UserError: it can't be read, is another than is declared, or says nothing of a joint.
        """
        if not isinstance(self.noise, DetectorNoise):
            return None
        return Errors.of(self.noise.read(), self.skeleton, self.noise.scale)

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
        fps: Tensor | None = None,
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
            scores: (B, T, J) the detector's own, where they are recorded. 0 says that it saw nothing: the keypoint
                isn't visible, and reads as zero whatever the data hold for it.
            fps: (B,) frames a second, which the errors of a detector need.
        Returns:
            inputs (B, T, J, C) and visible (B, T, J).
        """
        seen, right = self._detected(pixels, keys, frames, fps)
        screen = normalise_screen_coordinates(seen, resolution)
        drawn = level.draw(keys, frames, self.skeleton, severity=severity, scene=scene)
        if scores is not None:
            drawn = _unseen(drawn, scores == 0)
        screen, visible = occlusion.apply(screen, drawn)
        seeing = visible if drawn.certainty is None else drawn.certainty
        if right is not None:
            seeing = seeing * right
        channel = confidence(self.confidence, seeing, keys, frames, scores)
        if channel is not None:
            screen = torch.cat([screen, channel[..., None]], dim=-1)
        return screen, visible

    def _detected(
        self, pixels: Tensor, keys: Tensor, frames: Tensor, fps: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Keypoints with errors (B, T, J, 2), and which a detector has right (B, T, J), None where nobody asks."""
        if not isinstance(self.noise, DetectorNoise):
            return observe(pixels, keys, frames, noise_px=self.noise), None
        if fps is None or self.errors is None:
            raise ValueError("a detector's errors need the frames a second")
        error = self.errors.draw(keys, frames, fps)  # person's sizes
        right = error.square().sum(dim=-1) <= self.errors.right**2 if self.confidence == "calibrated" else None
        return pixels + error * person_size(pixels)[..., None, None], right


def _unseen(drawn: Occlusion, missing: Tensor) -> Occlusion:
    """The draw, with keypoints (B, T, J) hidden that the detector didn't see: they read as zero under every level."""
    if not bool(missing.any()):
        return drawn
    return replace(
        drawn,
        visible=drawn.visible & ~missing,
        cause=drawn.cause.masked_fill(missing, event.ZERO),
        stretch_key=drawn.stretch_key.masked_fill(missing, 1),
        certainty=None if drawn.certainty is None else drawn.certainty.masked_fill(missing, 0.0),
    )


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
