"""Registered metrics: how far joints are off, all of them and the hidden ones."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from harness.metrics.metric import Clip, Metric, Value


class Mpjpe(Metric):
    """Mean per-joint position error, and that of each joint."""

    label = "MPJPE"
    unit = "mm"
    decimals = 1
    better = "lower"
    cheap = True

    def values(self, clip: Clip) -> Iterable[Value]:
        yield Value(clip.errors.mean(), clip.frames)
        for joint, value in zip(clip.counted, clip.errors.mean(dim=0).tolist(), strict=True):
            yield Value(value, clip.frames, joint=clip.skeleton.joints[joint])


class MpjpeOccluded(Metric):
    """MPJPE of the keypoints that are hidden at the test level; n counts keypoints."""

    label = "MPJPE, occluded joints"
    unit = "mm"
    decimals = 1
    better = "lower"
    cheap = True

    def values(self, clip: Clip) -> Iterable[Value]:
        yield _chosen(clip, clip.hidden, "occluded")


class MpjpeFixed(Metric):
    """MPJPE of the keypoints that ``severe`` hides, at whatever level; n counts keypoints."""

    label = "MPJPE, fixed joints"
    unit = "mm"
    decimals = 1
    better = "lower"
    cheap = True

    def values(self, clip: Clip) -> Iterable[Value]:
        yield _chosen(clip, clip.fixed, "fixed")


def _chosen(clip: Clip, keypoints: Tensor, group: str) -> Value:
    keypoints = keypoints[clip.valid][:, clip.counted]  # (frames, C)
    return Value(clip.errors[keypoints].mean(), int(keypoints.sum()), group=group)
