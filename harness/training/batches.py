"""Training batches: pure functions of (seed, step), assembled as a few tensor operations.

Windows are visited pass by pass in a keyed order. What happens to a window (noise, occlusion, flip,
body shape) is keyed by (seed, window, pass), so neither the batch it lies in nor the loss that follows
can change it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness import keyed
from harness.data.body_shape import draw_factors, scale_bones
from harness.data.camera import image_coordinates, project
from harness.data.views import Views
from harness.data.windows import Windows
from harness.objectives.term import Batch
from harness.occlusion import Level
from harness.skeleton import Skeleton
from harness.spec.run import Run
from harness.training.observation import Observer, mirror_inputs, mirror_poses, output_part

_TOGETHER = 4096
"""Frames assembled at once: several small batches share the cost of launching operations."""


class TrainingBatches:
    """Batch ``step`` of a run, for any step in any order.

    Args:
        run: the run.
        views, windows: training material.
        level: training occlusion level.
        observer: how true pixels become network input.
        device: where batches are put.
        purpose: stage of the run; each has draws of its own.
        whole: give the targets of every input frame too.
    """

    def __init__(
        self,
        run: Run,
        views: Views,
        windows: Windows,
        level: Level,
        observer: Observer,
        device: torch.device,
        purpose: str = "train",
        whole: bool = False,
    ) -> None:
        self.run, self.views, self.windows, self.level = run, views, windows, level
        self.observer, self.device, self.whole = observer, device, whole
        self._group = max(1, _TOGETHER // (run.train.batch * windows.window))
        self._ready: tuple[int, list[Batch]] = (-1, [])
        self._order: dict[int, Tensor] = {}
        self._base = keyed.key(purpose, run.seed)

    def __getitem__(self, step: int) -> Batch:
        group, place = divmod(step, self._group)
        if self._ready[0] != group:
            self._ready = (group, self._assemble(group * self._group))
        return self._ready[1][place]

    def _assemble(self, first_step: int) -> list[Batch]:
        size = self.run.train.batch
        sample = torch.arange(first_step * size, (first_step + self._group) * size)
        which, visit = self._visited(sample)
        keys = keyed.combine(self._base, which, visit)
        whole = self.make(which, keys)
        parts = zip(*(part.split(size) for part in whole), strict=True)
        found = []
        for inputs, target, visible, valid, keys, *every in parts:
            there, mask = every or (None, None)
            found.append(Batch(inputs, target, visible, valid, keys, whole=there, whole_valid=mask))
        return found

    def _visited(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Window number and pass of each sample of the stream."""
        total = len(self.windows)
        visit, place = torch.div(sample, total, rounding_mode="floor"), sample % total
        which = torch.empty_like(sample)
        for number in visit.unique().tolist():
            if number not in self._order:
                self._order = {
                    k: v for k, v in self._order.items() if k >= number - 1
                }  # a pass is never visited again once two later ones have begun
                self._order[number] = keyed.permutation(total, "order", self.run.seed, number)
            now = visit == number
            which[now] = self._order[number][place[now]]
        return which, visit

    def make(self, which: Tensor, keys: Tensor) -> tuple[Tensor, ...]:
        """(inputs, target, visible, valid, keys) of windows ``which``, on the device; then whole and its mask, if
        asked for."""
        views, windows, train = self.views, self.windows, self.run.train
        frames, rows = windows.inputs(which)
        _, out_rows, valid = windows.outputs(which)
        seen_from = windows.view[which]
        resolution = views.resolution[seen_from][:, None, None]  # (B, 1, 1, 2)
        pixels, poses = views.pixels[rows], views.poses[out_rows]
        every = views.poses[rows] if self.whole else None  # (B, T, J, 3)
        if train.body_shape > 0:
            pixels, poses = self._reshape(rows, out_rows, keys, views.intrinsic[seen_from], resolution)
            if every is not None:
                factors = draw_factors(keys, train.body_shape, self.observer.skeleton)
                every = scale_bones(every, factors, self.observer.skeleton)
        inputs, visible = self.observer(pixels, resolution, keys, frames, self.level)
        visible = output_part(windows, visible) | ~valid[..., None]
        target = relative(poses, self.run.data.root, self.observer.skeleton)
        if every is not None:
            root = self.observer.skeleton.root
            first = poses[:, :1] if self.run.data.root == "first_frame" else every
            every = every - first[:, :, root : root + 1]
            wanted = windows.start[which, None] + torch.arange(windows.window) - windows.lead
        if train.flip:
            mirrored = keyed.uniform(keyed.combine(keys, keyed.key("flip"))) < 0.5
            if every is not None:
                every = torch.where(mirrored[:, None, None, None], mirror_poses(every, self.observer.skeleton), every)
            inputs, target, visible = _mirror(mirrored, inputs, target, visible, self.observer.skeleton)
        parts = (inputs, target, visible, valid, keys, *(() if every is None else (every, frames == wanted)))
        return tuple(part.to(self.device) for part in parts)

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
    origin = poses[:, :, skeleton.root : skeleton.root + 1]
    return poses - (origin[:, :1] if root == "first_frame" else origin)


def _mirror(
    which: Tensor, inputs: Tensor, target: Tensor, visible: Tensor, skeleton: Skeleton
) -> tuple[Tensor, Tensor, Tensor]:
    chosen = which[:, None, None]
    return (
        torch.where(chosen[..., None], mirror_inputs(inputs, skeleton), inputs),
        torch.where(chosen[..., None], mirror_poses(target, skeleton), target),
        torch.where(chosen, visible[..., list(skeleton.mirror)], visible),
    )
