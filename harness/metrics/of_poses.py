"""Registered metrics: poses as wholes, and their motion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from harness.metrics import position
from harness.metrics.metric import Clip, Metric, Value


class _OfFrames(Metric):
    """One number of a clip's valid frames: their mean ``measure``."""

    measure: ClassVar[Callable[..., Any]]

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(self.measure(*clip.counted_poses), clip.frames)


class PMpjpe(_OfFrames):
    """MPJPE after Procrustes alignment of each frame."""

    label = "P-MPJPE"
    unit = "mm"
    decimals = 1
    better = "lower"
    measure = staticmethod(position.p_mpjpe)


class NMpjpe(_OfFrames):
    """MPJPE after the best scale of each frame."""

    label = "N-MPJPE"
    unit = "mm"
    decimals = 1
    better = "lower"
    measure = staticmethod(position.n_mpjpe)


class Pck150(_OfFrames):
    """Share of joints within 150 mm."""

    label = "PCK@150"
    unit = "%"
    decimals = 1
    better = "higher"
    measure = staticmethod(position.pck)


class Auc(_OfFrames):
    """Mean of the share of joints within 0, 5, …, 150 mm."""

    label = "AUC"
    unit = "%"
    decimals = 1
    better = "higher"
    measure = staticmethod(position.auc)


class Mpjve(Metric):
    """Mean per-joint velocity error between neighbouring valid frames; n counts steps."""

    label = "MPJVE"
    unit = "mm/frame"
    decimals = 2
    better = "lower"

    def values(self, clip: Clip) -> Iterable[Value]:
        steps = int((clip.valid[1:] & clip.valid[:-1]).sum())
        yield Value(position.mpjve(clip.pred, clip.target, joints=clip.joints, valid=clip.valid), steps)
