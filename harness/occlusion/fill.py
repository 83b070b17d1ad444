"""What the detector reports for a hidden keypoint, as shares of the events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fill:
    """Shares of the events whose keypoints come back as zero, last seen, in a wrong place, or as the mean.

    They add up to 1. What each reads as is told by `harness.occlusion.apply`.
    """

    zero: float
    last_seen: float
    hallucinated: float
    mean: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.zero, self.last_seen, self.hallucinated, self.mean)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"the shares of a fill are at least 0 and add up to 1, got {shares}")
