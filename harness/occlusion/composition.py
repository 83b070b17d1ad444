"""A level: some processes at one severity, and what the detector reports instead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.process import Doubting, Hiding, Moving, Process
from harness.occlusion.scene import Scene
from harness.occlusion.stretches import StretchProcess, strike
from harness.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What is hidden in a batch of windows.

    Attributes:
        visible: (B, T, J) bool, False where the detector doesn't see the joint; True on invalid frames.
        cause: (B, T, J) int8: 0 visible, 1 zero, 2 last seen, 3 hallucinated, 4 mean, 5 towards another joint,
            6 on the mirrored joint, 7 where it is, but for ``shift``.
        stretch_key: (B, T, J) int64, equal where one event hides, positive; 0 where visible.
        valid: (B, T) bool or None (all valid).
        mirror: (J,) int64, each joint's left/right counterpart.
        shift: (B, T, J, 2) how far keypoints are reported from their place, normalised screen units; None: not at all.
        certainty: (B, T, J) float32 in [0, 1], how sure a detector can be that it sees the keypoint; None where that
            is as clear as ``visible``.
    """

    visible: Tensor
    cause: Tensor
    stretch_key: Tensor
    valid: Tensor | None
    mirror: Tensor
    shift: Tensor | None = None
    certainty: Tensor | None = None


@dataclass(frozen=True)
class Level:
    """A named, versioned corruption at one severity.

    Levels that share processes and fill nest: for equal keys a keypoint hidden at one severity is hidden at
    every higher one, by the same event, with the same fill.

    Attributes:
        name, version: as in the registry.
        severity: 0 (nothing is hidden) to 1.
        processes: the processes that are drawn together.
        fill: what is reported instead, chosen per event.
    """

    name: str
    version: int | str
    severity: float
    processes: tuple[Process, ...]
    fill: Fill

    def __post_init__(self) -> None:
        if not 0 <= self.severity <= 1:
            raise ValueError(f"severity runs from 0 to 1, got {self.severity}")

    @property
    def needs_scene(self) -> bool:
        """Whether a process looks at the person, so that `draw` must be given the scene."""
        return self.severity > 0 and any(process.needs_scene for process in self.processes)

    def draw(
        self,
        keys: Tensor,
        frames: Tensor,
        skeleton: Skeleton,
        valid: Tensor | None = None,
        severity: Tensor | None = None,
        scene: Scene | None = None,
    ) -> Occlusion:
        """Draw what is hidden; a pure function of (key, frame), whatever the window and the batch.

        Args:
            keys: (B,) int64, one key a window: from (clip, camera, dataset seed) in tests, from (seed, sample,
                epoch) in training.
            frames: (B, T) integers, absolute frame numbers within the clip, increasing along T.
            skeleton: declares joints and groups.
            valid: (B, T) bool; invalid (padded) frames take part in no draw and count as visible.
            severity: (B,) float64 from 0 to 1, each window's own in place of the level's.
            scene: the truth behind the windows, for levels that need it (`needs_scene`).
        Raises:
            ValueError: shapes that don't fit together; a scene is needed and not given.
        """
        _check(keys, frames, valid)
        if self.needs_scene and scene is None:
            raise ValueError(f"the level '{self.name}' looks at the person: draw it with a scene")
        if severity is not None and severity.shape != keys.shape:
            raise ValueError(f"expected severity {tuple(keys.shape)}, found {tuple(severity.shape)}")
        shape = (*frames.shape, len(skeleton))
        mirror = torch.tensor(skeleton.mirror, device=frames.device)
        if (severity is None and self.severity == 0) or not self.processes or frames.numel() == 0:
            visible = torch.ones(shape, dtype=torch.bool, device=frames.device)
            nothing = torch.zeros(shape, dtype=torch.int8, device=frames.device)
            return Occlusion(visible, nothing, nothing.long(), valid, mirror)
        if valid is not None:
            frames = _without_padding(frames, valid)
        strength = self.severity if severity is None else severity
        packed = self._struck(skeleton, keys, frames.long(), scene)
        hidden = event.present(packed, strength)
        if valid is not None:
            hidden = hidden & valid[..., None]
        cause, stretch_key = event.unpack(packed, hidden)
        shift = self._shifted(strength, skeleton, keys, frames.long(), scene)
        certainty = self._certainty(strength, packed, hidden, valid)
        return Occlusion(~hidden, cause, stretch_key, valid, mirror, shift, certainty)

    def _struck(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, scene: Scene | None) -> Tensor:
        """(B, T, J) the event of all processes that hides each keypoint first."""
        together = tuple(process for process in self.processes if isinstance(process, StretchProcess))
        found = [strike(together, skeleton, keys, frames, self.fill)] if together else []
        for process in self.processes:
            if isinstance(process, Hiding) and not isinstance(process, StretchProcess):
                found.append(process.strike(skeleton, keys, frames, self.fill, scene))
        if not found:
            return torch.full((*frames.shape, len(skeleton)), event.NEVER, device=frames.device)
        return reduce(torch.minimum, found)

    def _shifted(
        self, severity: float | Tensor, skeleton: Skeleton, keys: Tensor, frames: Tensor, scene: Scene | None
    ) -> Tensor | None:
        """(B, T, J, 2) the sum of what the moving processes add; None without any."""
        found = [p.shift(severity, skeleton, keys, frames, scene) for p in self.processes if isinstance(p, Moving)]
        return reduce(torch.add, found) if found else None

    def _certainty(
        self, severity: float | Tensor, packed: Tensor, hidden: Tensor, valid: Tensor | None
    ) -> Tensor | None:
        """(B, T, J) the least that any doubting process leaves, 1 on invalid frames; None without any."""
        doubting = [process for process in self.processes if isinstance(process, Doubting)]
        if not doubting:
            return None
        at = torch.as_tensor(severity, dtype=torch.float32, device=packed.device).view(-1, 1, 1)
        found = reduce(torch.minimum, [process.certainty(packed, at) for process in doubting])
        # Severities are rounded to 24 bits; a half never stands on the wrong side of what is hidden.
        found = torch.where(hidden == (found < 0.5), found, (~hidden).to(found.dtype))
        return found if valid is None else found.masked_fill(~valid[..., None], 1.0)


def _without_padding(frames: Tensor, valid: Tensor) -> Tensor:
    """Frame numbers with those of invalid frames replaced by a valid one of the row, so that they cost nothing."""
    last = torch.where(valid, frames, torch.iinfo(frames.dtype).min).amax(dim=1, keepdim=True)
    return torch.where(valid, frames, torch.where(valid.any(dim=1, keepdim=True), last, 0))


def _check(keys: Tensor, frames: Tensor, valid: Tensor | None) -> None:
    if frames.dim() != 2 or keys.shape != frames.shape[:1]:
        raise ValueError(f"expected keys (B,) and frames (B, T), found {tuple(keys.shape)} and {tuple(frames.shape)}")
    if valid is not None and valid.shape != frames.shape:
        raise ValueError(f"expected valid {tuple(frames.shape)}, found {tuple(valid.shape)}")
