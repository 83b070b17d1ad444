"""Loops over keypoints and frames, compiled: integers only, so the same on every processor."""

from __future__ import annotations

import numpy as np

from harness.compiled import compiled
from harness.occlusion.event import NEVER

_NEVER = np.int64(NEVER)


@compiled
def cover(since, origin, period, start, end, packed, slots, found):
    """The first event (in order of severity) of a joint's groups, into ``found`` (B, T, J).

    A frame is covered by the event of its own cell or by that of the cell before.

    Args:
        since: (B, T) frames, counted from a row's first. origin: (B, G) first frame of each group's first cell.
        period: (G,) frames of a cell. start, end, packed: (B, G, K) of each cell's event, the end exclusive.
        slots: (M, J) the groups of each joint.
    """
    rows, frames = since.shape
    groups, depth, joints = len(period), slots.shape[0], slots.shape[1]
    covering = np.empty((groups, frames), np.int64)
    for b in range(rows):
        for g in range(groups):
            length, begin = period[g], origin[b, g]
            for t in range(frames):
                now = since[b, t]
                cell = (now - begin) // length  # at least 1
                least = _NEVER
                if start[b, g, cell] <= now < end[b, g, cell]:
                    least = packed[b, g, cell]
                if now < end[b, g, cell - 1]:
                    least = min(least, packed[b, g, cell - 1])
                covering[g, t] = least
        for t in range(frames):
            for j in range(joints):
                least = covering[slots[0, j], t]
                for m in range(1, depth):
                    least = min(least, covering[slots[m, j], t])
                found[b, t, j] = least


@compiled
def last_seen(seen, found):
    """The last frame up to each in which a joint is seen, -1 before the first, into ``found``; both (B, T, J)."""
    rows, frames, joints = seen.shape
    for b in range(rows):
        for t in range(frames):
            for j in range(joints):
                if seen[b, t, j]:
                    found[b, t, j] = t
                else:
                    found[b, t, j] = found[b, t - 1, j] if t else -1
