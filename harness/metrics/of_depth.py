"""Registered metrics: depth order by gap, and how far apart depths are. See `harness.metrics.depth_order`."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from harness.metrics import depth_order
from harness.metrics.metric import Clip, Metric, Value


class OrderSpatial(Metric):
    """Depth order right across the joints of a frame; n counts pairs, groups are gaps."""

    label = "depth order across joints"
    unit = "%"
    decimals = 1
    better = "higher"

    def values(self, clip: Clip) -> Iterable[Value]:
        shares = depth_order.spatial(*_counted(clip), hidden=clip.hidden[:, clip.counted], valid=clip.valid)
        return [Value(share.value, share.n, group=group) for group, share in shares.items()]


class OrderTemporal(Metric):
    """Depth order right across the frames of a joint, relative to each frame's root; n counts pairs."""

    label = "depth order across frames"
    unit = "%"
    decimals = 1
    better = "higher"

    def values(self, clip: Clip) -> Iterable[Value]:
        shares = depth_order.temporal(*_counted(clip), hidden=clip.hidden[:, clip.counted], valid=clip.valid)
        return [Value(share.value, share.n, group=group) for group, share in shares.items()]


class DepthSpread(Metric):
    """Standard deviation of predicted over that of true depth."""

    label = "depth spread, predicted/true"
    decimals = 3

    def values(self, clip: Clip) -> Iterable[Value]:
        share = depth_order.spread(*_counted(clip), valid=clip.valid)
        yield Value(share.value, share.n)


def _counted(clip: Clip) -> tuple[Tensor, Tensor]:
    """Prediction and truth of every frame, (F, C, 3) each, of the joints that count."""
    return clip.pred[:, clip.counted], clip.target[:, clip.counted]
