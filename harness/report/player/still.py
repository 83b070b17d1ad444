"""One frame of each clip on paper: what the player shows, where nothing plays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.look.skeletons import TRUTH, UNDER, body, frame, turned
from harness.report.figures.drawing import Drawn, Sketch, panels, written
from harness.report.player.choosing import Choice
from harness.report.player.excerpt import Excerpt
from harness.skeleton import Skeleton

STEM = "clips"


def draw(choice: Choice, excerpts: Sequence[Excerpt], skeleton: Skeleton) -> Drawn:
    """A row for each clip: the input, the truth, the baseline and the other arm, at the frame that tells most."""
    figure, axes = panels(len(excerpts), 4, 2.0, 2.1)
    for across, one in zip(axes, excerpts, strict=True):
        at = one.plainest
        hidden, screen = ~one.visible[at], one.inputs[at]
        truth, *both = (turned(pose) for pose in one.poses[at])
        reach = 1.1 * float(np.linalg.norm(one.poses[:, 0], axis=-1).max())
        body(across[0], screen, skeleton, TRUTH, hidden, seen=one.visible[at])
        low, high = screen.min(0), screen.max(0)
        frame(across[0], (low + high) / 2, 0.6 * max(float((high - low).max()), 1e-6))
        body(across[1], truth, skeleton, TRUTH, hidden)
        for panel, pose, colour in zip(across[2:], both, choice.colours, strict=True):
            body(panel, truth, skeleton, UNDER)
            body(panel, pose, skeleton, colour, hidden)
        for panel in across[1:]:
            frame(panel, np.zeros(2), reach)
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
