"""Training batches: pure functions of (seed, step), assembled as a few tensor operations.

Windows are visited pass by pass in a keyed order. What happens to a window (noise, occlusion, flip,
body shape) is keyed by (seed, window, pass), so neither the batch it lies in nor the loss that follows
can change it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from harness import keyed, occlusion
from harness.data.body_shape import draw_factors, scale_bones
from harness.data.camera import image_coordinates, mirror_intrinsic, project
from harness.data.views import Views
from harness.data.windows import Windows
from harness.objectives.term import Batch
from harness.occlusion import Scene
from harness.skeleton import Skeleton
from harness.spec.run import Run
from harness.training.ahead import Ahead
from harness.training.curriculum import Curriculum
from harness.training.observation import Observer, mirror_points, mirror_poses, output_part

UNLABELLED = "unlabelled"
"""The purpose of windows whose poses training must not know."""
_UNMIRRORED = ("valid", "whole_valid", "keys")
_TOGETHER = 4096
"""Frames assembled at once: several small batches share the cost of launching operations."""
_AHEAD = 4
"""Threads that assemble batches while a GPU trains; their number changes no batch."""


class TrainingBatches:
    """Batch ``step`` of a run, for any step in any order.

    Args:
        run: the run.
        views, windows: training material.
        curriculum: training occlusion.
        observer: how true pixels become network input.
        device: where batches are put.
        purpose: stage of the run; each has draws of its own. Under `UNLABELLED` the poses are kept back.
        whole: give the targets of every input frame too.
        needs: the fields of `Batch` that are wanted beside poses, masks and inputs.
        unlabelled: gives each batch its unlabelled windows.
    """

    def __init__(
        self,
        run: Run,
        views: Views,
        windows: Windows,
        curriculum: Curriculum,
        observer: Observer,
        device: torch.device,
        purpose: str = "train",
        whole: bool = False,
        needs: Collection[str] = (),
        unlabelled: TrainingBatches | None = None,
    ) -> None:
        self.run, self.views, self.windows, self.curriculum = run, views, windows, curriculum
        self.observer, self.device, self.whole = observer, device, whole
        self.needs, self.unlabelled, self.labelled = frozenset(needs), unlabelled, purpose != UNLABELLED
        self._group = max(1, _TOGETHER // (run.train.batch * windows.window))
        self._ready: tuple[int, list[Batch]] = (-1, [])
        # A GPU would wait for the CPU; without one the cores are busy with the network.
        self._groups = Ahead(self._assemble, _AHEAD if device.type == "cuda" else 0)
        self._order: dict[int, Tensor] = {}
        self._ordering = Lock()
        self._base = keyed.key(purpose, run.seed)
        # Windows with poses come in one order in all stages; unlabelled ones must not come beside themselves.
        self._order_of: tuple[str | int, ...] = ("order", run.seed) if self.labelled else (purpose, "order", run.seed)

    def __getitem__(self, step: int) -> Batch:
        group, place = divmod(step, self._group)
        if self._ready[0] != group:
            self._ready = (group, self._groups[group])
        batch = self._ready[1][place]
        return batch if self.unlabelled is None else replace(batch, unlabelled=self.unlabelled[step])

    def _assemble(self, group: int) -> list[Batch]:
        size, first_step = self.run.train.batch, group * self._group
        sample = torch.arange(first_step * size, (first_step + self._group) * size)
        which, visit = self._visited(sample)
        keys = keyed.combine(self._base, which, visit)
        step = torch.div(sample, size, rounding_mode="floor")
        whole = vars(self.make(which, keys, self.curriculum.severity(keys, step)))
        parts = {name: value.split(size) for name, value in whole.items() if value is not None}
        return [Batch(**{name: part[number] for name, part in parts.items()}) for number in range(self._group)]

    def _visited(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Window number and pass of each sample of the stream."""
        total = len(self.windows)
        visit, place = torch.div(sample, total, rounding_mode="floor"), sample % total
        which = torch.empty_like(sample)
        for number in visit.unique().tolist():
            now = visit == number
            which[now] = self._order_in(number)[place[now]]
        return which, visit

    def _order_in(self, visit: int) -> Tensor:
        """The order of the windows in a pass; that of the pass before it is kept too."""
        with self._ordering:
            if visit not in self._order:
                self._order = {number: order for number, order in self._order.items() if number >= visit - 1}
                self._order[visit] = keyed.permutation(len(self.windows), *self._order_of, visit)
            return self._order[visit]

    def make(self, which: Tensor, keys: Tensor, severity: Tensor | None = None) -> Batch:
        """Windows ``which``, each under its key, on the device; their own unlabelled windows aside.

        Args:
            severity: (B,) of each window's occlusion; None: the level's.
        """
        views, windows, train, skeleton = self.views, self.windows, self.run.train, self.observer.skeleton
        frames, rows = windows.inputs(which)
        _, out_rows, valid = windows.outputs(which)
        seen_from = windows.view[which]
        resolution = views.resolution[seen_from][:, None, None]  # (B, 1, 1, 2)
        pixels, poses = views.pixels[rows], views.poses[out_rows]
        level = self.curriculum.level
        every = views.poses[rows] if self.whole or level.needs_scene else None  # (B, T, J, 3)
        if train.body_shape > 0:
            pixels, poses = self._reshape(rows, out_rows, keys, views.intrinsic[seen_from], resolution)
            if every is not None:
                every = scale_bones(every, draw_factors(keys, train.body_shape, skeleton), skeleton)
        scene = None
        if level.needs_scene and every is not None:
            camera = views.intrinsic[seen_from], views.resolution[seen_from], views.fps[seen_from]
            scene = Scene(every, pixels, *camera)
        scores = None if views.score is None else views.score[rows]
        fps = views.fps[seen_from]
        inputs, visible = self.observer(pixels, resolution, keys, frames, level, severity, scene, scores, fps)
        origin = _origin(poses, self.run.data.root, skeleton)
        found: dict[str, Any] = {
            "inputs": inputs,
            "target": poses - origin,
            "visible": output_part(windows, visible) | ~valid[..., None],
            "valid": valid,
            "keys": keys,
        }
        if self.whole and every is not None:
            own = every[:, :, skeleton.root : skeleton.root + 1]
            found["whole"] = every - (origin[:, :1] if self.run.data.root == "first_frame" else own)
            wanted = windows.start[which, None] + torch.arange(windows.window) - windows.lead
            found["whole_valid"] = frames == wanted
            found["whole_visible"] = visible | ~found["whole_valid"][..., None]
        if "trajectory" in self.needs:
            found["trajectory"] = origin.expand(-1, windows.frames_out, -1, -1)
        if "camera" in self.needs:
            found["camera"] = views.intrinsic[seen_from]
        if "clean" in self.needs:
            found["clean"], _ = self.observer(
                pixels, resolution, keys, frames, occlusion.level("none"), scores=scores, fps=fps
            )
        if train.flip:
            mirrored = keyed.uniform(keyed.combine(keys, keyed.key("flip"))) < 0.5
            found = {name: _mirror(name, part, mirrored, skeleton) for name, part in found.items()}
        if "screen" in self.needs:
            found["screen"] = output_part(windows, found["inputs"][..., :2])
        if not self.labelled:
            found["target"] = torch.full_like(found["target"], torch.nan)
        return Batch(**{name: part.to(self.device) for name, part in found.items()})

    def _reshape(
        self, rows: Tensor, out_rows: Tensor, keys: Tensor, intrinsic: Tensor, resolution: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Pixels and poses of the same motions by other bodies."""
        skeleton = self.observer.skeleton
        factors = draw_factors(keys, self.run.train.body_shape, skeleton)
        poses_in = scale_bones(self.views.poses[rows], factors, skeleton)
        pixels = image_coordinates(project(poses_in, intrinsic[:, None, None]), resolution)
        return pixels, scale_bones(self.views.poses[out_rows], factors, skeleton)


def relative(poses: Tensor, root: str, skeleton: Skeleton) -> Tensor:
    """Camera-space poses (B, T, J, 3) relative to each frame's root, or to the first frame's."""
    return poses - _origin(poses, root, skeleton)


def _origin(poses: Tensor, root: str, skeleton: Skeleton) -> Tensor:
    """What poses (B, T, J, 3) are made relative to: each frame's root (B, T, 1, 3), or the first's (B, 1, 1, 3)."""
    own = poses[:, :, skeleton.root : skeleton.root + 1]
    return own[:, :1] if root == "first_frame" else own


def _mirror(name: str, part: Tensor, which: Tensor, skeleton: Skeleton) -> Tensor:
    """One field of a batch, with the samples ``which`` (B,) as they are in a mirror."""
    if name in _UNMIRRORED:
        return part
    there = {
        "visible": lambda x: x[..., list(skeleton.mirror)],
        "whole_visible": lambda x: x[..., list(skeleton.mirror)],
        "trajectory": mirror_points,
        "camera": mirror_intrinsic,
    }.get(name, lambda x: mirror_poses(x, skeleton))(part)
    return torch.where(which.view(-1, *[1] * (part.ndim - 1)), there, part)
