"""Registered metrics: poses as wholes, and their motion."""

from __future__ import annotations

from collections.abc import Iterable

from harness.metrics import position
from harness.metrics.metric import Clip, Metric, Value


class PMpjpe(Metric):
    """MPJPE after Procrustes alignment of each frame."""

    label = "P-MPJPE"
    unit = "mm"
    decimals = 1
    better = "lower"

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(position.p_mpjpe(*clip.poses), clip.frames)


class NMpjpe(Metric):
    """MPJPE after the best scale of each frame."""

    label = "N-MPJPE"
    unit = "mm"
    decimals = 1
    better = "lower"

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(position.n_mpjpe(*clip.poses), clip.frames)


class Pck150(Metric):
    """Share of joints within 150 mm."""

    label = "PCK@150"
    unit = "%"
    decimals = 1
    better = "higher"

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(position.pck(*clip.poses), clip.frames)


class Auc(Metric):
    """Mean of the share of joints within 0, 5, …, 150 mm."""

    label = "AUC"
    unit = "%"
    decimals = 1
    better = "higher"

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(position.auc(*clip.poses), clip.frames)


class Mpjve(Metric):
    """Mean per-joint velocity error between neighbouring valid frames; n counts steps."""

    label = "MPJVE"
    unit = "mm/frame"
    decimals = 2
    better = "lower"

    def values(self, clip: Clip) -> Iterable[Value]:
        steps = int((clip.valid[1:] & clip.valid[:-1]).sum())
        yield Value(position.mpjve(clip.pred, clip.target, valid=clip.valid), steps)
