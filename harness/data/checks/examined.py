"""What the checks are given, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from harness.data.clip_file import no_body
from harness.data.dataset import Clip, Split, itself
from harness.skeleton import Skeleton

_SHOWN = 6
"""Stretches of frames that a line of text names."""


@dataclass(frozen=True, eq=False)
class Examined:
    """Data that nobody has judged yet.

    Attributes:
        file: the data file, or the name of a generator.
        clips: arrays of the right shapes and of any values.
        up: unit vector of the positions' axes that points up, more or less.
        splits: the splits that are looked at, by name.
        performers: who a subject may be.
        window: frames of the longest window that is asked for.
    """

    file: str
    skeleton: Skeleton
    clips: tuple[Clip, ...]
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    splits: Mapping[str, Split] = field(default_factory=dict)
    performers: Callable[[str], tuple[str, ...]] = itself
    window: int = 1

    @cached_property
    def metric(self) -> tuple[Clip, ...]:
        """The clips whose lengths mean something: those that are a body's in metres. ``units`` tells of the others."""
        return tuple(c for c in self.clips if no_body(c.positions[finite(c.positions)], self.skeleton) is None)

    def finding(
        self, check: str, said: str, expected: str, clip: Clip | None = None, bad: np.ndarray | None = None, **more: Any
    ) -> Finding:
        """A finding about these data; ``bad``: bool (frames,)."""
        unscored = clip is not None and clip.scored is not None and bad is not None and not clip.scored[bad].any()
        frames = () if bad is None else stretches(bad)
        return Finding(check, self.file, clip.name if clip else None, frames, said, expected, unscored, **more)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or very odd.

    Attributes:
        check: the check's name. file: the data. clip: the clip, if it is about one.
        frames: first and last of each stretch, counted from 0; empty where it isn't about some of them.
        said, expected: what is there, and what should be.
        unscored: it touches only frames that don't count when the clip is tested on.
        camera: the recorded camera that it is about.
    """

    check: str
    file: str
    clip: str | None
    frames: tuple[tuple[int, int], ...]
    said: str
    expected: str
    unscored: bool = False
    camera: str | None = None

    def __str__(self) -> str:
        clip = f"{self.clip}@{self.camera}" if self.camera else self.clip
        parts = [self.file, clip, self._frames(), self.check, f"{self.said}; expected {self.expected}"]
        return ": ".join(part for part in parts if part)

    def _frames(self) -> str | None:
        if not self.frames:
            return None
        shown = [str(a) if a == b else f"{a}-{b}" for a, b in self.frames[:_SHOWN]]
        more = len(self.frames) - len(shown)
        words = f"frame{'' if self.frames[0] == self.frames[-1] and shown[0].isdigit() else 's'} {', '.join(shown)}"
        return words + (f" and {more} more" if more else "") + (" (not scored)" if self.unscored else "")


def stretches(bad: np.ndarray) -> tuple[tuple[int, int], ...]:
    """First and last of each run of True in bool (frames,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    return tuple((int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True))


def finite(values: np.ndarray) -> np.ndarray:
    """The frames (frames,) in which all values (frames, …) are numbers."""
    return np.isfinite(values).reshape(len(values), -1).all(axis=1)


def numbers(values: np.ndarray) -> np.ndarray:
    """The values (frames, …) as float64; frames with one that is no number are NaN, so that no comparison holds."""
    found = values.astype(np.float64)
    found[~finite(found)] = np.nan
    return found


def length(metres: float) -> str:
    """A length in words."""
    return f"{1000 * metres:.0f} mm" if abs(metres) < 1 else f"{metres:.2f} m"
