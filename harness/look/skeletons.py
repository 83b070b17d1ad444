"""Skeletons in a panel: bones, the left side thin, crossed circles at hidden joints."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.skeleton import Skeleton

YAW, PITCH = 0.7, 0.15  # radians; from straight ahead, depth can't be seen
TRUTH, UNDER, MARK = "#474e57", "#b9bfc6", "#1d2126"


def turned(pose: np.ndarray, yaw: float = YAW, pitch: float = PITCH) -> np.ndarray:
    """(J, 2) on the page, x to the right and y down, of (J, 3) turned about the vertical, then about the horizontal."""
    x = pose[:, 0] * np.cos(yaw) + pose[:, 2] * np.sin(yaw)
    away = pose[:, 2] * np.cos(yaw) - pose[:, 0] * np.sin(yaw)
    return np.stack([x, pose[:, 1] * np.cos(pitch) + away * np.sin(pitch)], axis=1)


def body(
    panel: Any,
    points: np.ndarray,
    skeleton: Skeleton,
    colour: str,
    hidden: np.ndarray | None = None,
    *,
    seen: np.ndarray | None = None,
) -> None:
    """Bones, and circles at ``hidden`` joints. With ``seen`` (J,), bones that end where nothing was seen are pale."""
    left, whole = set(skeleton.halves.get("left", ())), seen if seen is not None else np.ones(len(points), dtype=bool)
    kinds: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    for bone in skeleton.bones:
        kinds.setdefault((bool(whole[list(bone)].all()), bone[1] in left), []).append(bone)
    for (firm, thin), bones in sorted(kinds.items()):
        # One path for all of a kind: NaN lifts the pen.
        gap = np.full((len(bones), 1, 2), np.nan)
        drawn = np.concatenate([points[np.array(bones)], gap], axis=1).reshape(-1, 2)
        look = {"color": colour if firm else UNDER, "linewidth": 0.8 if thin else 1.9, "solid_capstyle": "round"}
        panel.plot(drawn[:, 0], drawn[:, 1], **look)
    if hidden is not None and hidden.any():
        x, y = points[hidden].T
        panel.plot(x, y, "o", markersize=4.5, markerfacecolor="white", markeredgecolor=MARK, markeredgewidth=0.7)
        panel.plot(x, y, "x", markersize=2.8, color=MARK, markeredgewidth=0.7)


def frame(panel: Any, middle: np.ndarray, half: float, wide: float = 1.0) -> None:
    """A part of the plane, y down, without axes: ``2 half`` high, ``wide`` times that wide."""
    panel.set_xlim(middle[0] - wide * half, middle[0] + wide * half)
    panel.set_ylim(middle[1] + half, middle[1] - half)  # y points down
    panel.set_aspect("equal")
    panel.axis("off")
