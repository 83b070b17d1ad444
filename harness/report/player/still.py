"""One frame of each clip on paper: what the player shows, where nothing plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.report.figures.drawing import Drawn, Sketch, panels, written
from harness.report.player.choosing import Choice
from harness.report.player.excerpt import Excerpt
from harness.skeleton import Skeleton

STEM = "clips"
YAW, PITCH = 0.7, 0.15  # radians; from straight ahead, depth can't be seen
TRUTH, UNDER, MARK = "#474e57", "#b9bfc6", "#1d2126"


def draw(choice: Choice, excerpts: Sequence[Excerpt], skeleton: Skeleton) -> Drawn:
    """A row for each clip: the input, the truth, the baseline and the other arm, at the frame that tells most."""
    figure, axes = panels(len(excerpts), 4, 2.0, 2.1)
    for across, one in zip(axes, excerpts, strict=True):
        at = one.plainest
        hidden, screen = ~one.visible[at], one.inputs[at]
        truth, *both = (turned(pose, YAW, PITCH) for pose in one.poses[at])
        reach = 1.1 * float(np.linalg.norm(one.poses[:, 0], axis=-1).max())
        _body(across[0], screen, skeleton, TRUTH, hidden, seen=one.visible[at])
        low, high = screen.min(0), screen.max(0)
        _frame(across[0], (low + high) / 2, 0.6 * max(float((high - low).max()), 1e-6))
        _body(across[1], truth, skeleton, TRUTH, hidden)
        for panel, pose, colour in zip(across[2:], both, choice.colours, strict=True):
            _body(panel, truth, skeleton, UNDER)
            _body(panel, pose, skeleton, colour, hidden)
        for panel in across[1:]:
            _frame(panel, np.zeros(2), reach)
        shown = [f"{one.pick.clip}, frame {one.start + at * one.step + 1}", "truth"]
        shown += [f"{name}\n{mm:.1f} mm" for name, mm in zip(choice.names, one.errors[at], strict=True)]
        for panel, head in zip(across, shown, strict=True):
            panel.set_title(head, fontsize=8)
    return written(Sketch(figure, caption(choice)), STEM)


def caption(choice: Choice) -> str:
    """What is to be seen, for the figure."""
    return (
        f"The clips in which {choice.names[1]}, the best arm at {choice.level} test occlusion, differs most from "
        f"{choice.names[0]}{f' (both {choice.shared})' if choice.shared else ''}, either way, each at a frame where it "
        f"does, seed {choice.seed}: what the network sees, the truth, both predictions over the truth in pale grey. "
        "Crossed circles: hidden keypoints, in the input where the detector reports them; thin: the left side. "
        "Millimetres are of the frame."
    )


def turned(pose: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """(J, 2) on the page, x to the right and y down, of (J, 3) turned about the vertical, then about the horizontal."""
    x = pose[:, 0] * np.cos(yaw) + pose[:, 2] * np.sin(yaw)
    away = pose[:, 2] * np.cos(yaw) - pose[:, 0] * np.sin(yaw)
    return np.stack([x, pose[:, 1] * np.cos(pitch) + away * np.sin(pitch)], axis=1)


def _body(
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


def _frame(panel: Any, middle: np.ndarray, half: float) -> None:
    panel.set_xlim(middle[0] - half, middle[0] + half)
    panel.set_ylim(middle[1] + half, middle[1] - half)  # y points down
    panel.set_aspect("equal")
    panel.axis("off")
