"""Values that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks.examined import Examined, Finding, finite


def check(data: Examined) -> Iterator[Finding]:
    """NaN or infinity in positions, and in what a detector reported."""
    for clip in data.clips:
        arrays: list[tuple[str | None, str, np.ndarray]] = [(None, "positions", clip.positions)]
        arrays += [(c.name, "keypoints", c.pixels) for c in clip.cameras if c.pixels is not None]
        arrays += [(c.name, "scores", c.score) for c in clip.cameras if c.score is not None]
        for camera, what, array in arrays:
            bad = ~finite(array)
            if bad.any():
                said = f"NaN or infinity in the {what} of {bad.sum():,} of {len(bad):,} frames"
                yield data.finding("values", said, "numbers", clip, bad, camera=camera)
