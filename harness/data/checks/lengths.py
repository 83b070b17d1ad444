"""Clips too short for what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

from harness.data.checks.examined import Examined, Finding


def check(data: Examined) -> Iterator[Finding]:
    """Clips shorter than a window, which is then filled up by repeated frames; clips no frame of which is scored."""
    for clip in data.clips:
        if len(clip) < data.window:
            yield data.finding("lengths", f"{len(clip)} frames", f"a window of {data.window} or more", clip)
        if clip.scored is not None and not clip.scored.any():
            said = "no frame of the clip is scored"
            yield data.finding("lengths", said, "some, or the clip can't be tested on", clip)
