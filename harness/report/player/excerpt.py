"""The part of a clip that is shown: the stretch in which the arms differ most, thinned for the eye, and packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from harness.look.player import bits, quantised
from harness.report.player.choosing import Pick, Unplayable
from harness.skeleton import Skeleton

FPS = 25.0
SECONDS = 8.0
BYTES = 900_000
"""Of all clips together, as text in the page."""
FEWEST = 25
"""Frames of a clip that are worth showing."""
_TOLERANCE, _SHARE = 0.1, 0.005  # mm, and of the recorded error: other processors sum in another order


class Played(Protocol):
    """What `harness.training.replay` gives: arrays of F frames and J joints."""

    @property
    def inputs(self) -> np.ndarray: ...  # (F, J, 2) normalised screen coordinates

    @property
    def visible(self) -> np.ndarray: ...  # (F, J) bool

    @property
    def truth(self) -> np.ndarray: ...  # (F, J, 3) metres, camera coordinates

    @property
    def poses(self) -> np.ndarray: ...  # (F, J, 3) metres

    @property
    def scored(self) -> np.ndarray: ...  # (F,) bool, the frames that count

    @property
    def fps(self) -> float: ...

    @property
    def skeleton(self) -> Skeleton: ...


@dataclass(frozen=True, eq=False)
class Excerpt:
    """What is shown of one clip.

    Attributes:
        pick: the clip.
        start, step, total: first frame of the clip that is shown, every how many, and how many the clip has.
        fps: frames a second at which it moves as fast as it was.
        inputs: (n, J, 2), visible: (n, J) bool.
        poses: (n, 3, J, 3), metres from the root: the truth, the baseline, the other arm.
        errors: (n, 2), mm, of the baseline and the other arm in each frame.
        scored: (n,) bool, the frames that count.
    """

    pick: Pick
    start: int
    step: int
    total: int
    fps: float
    inputs: np.ndarray
    visible: np.ndarray
    poses: np.ndarray
    errors: np.ndarray
    scored: np.ndarray

    @property
    def plainest(self) -> int:
        """The frame shown in which the arms differ most, the way they do over the clip."""
        ours = self.errors[:, 1] - self.errors[:, 0]
        ours = ours * np.sign(self.pick.errors[1] - self.pick.errors[0])
        return int(np.argmax(np.where(self.scored, ours, -np.inf)))

    def packed(self) -> dict[str, Any]:
        """For the page's script: coordinates as whole numbers of 16 bits and what they are multiplied by."""
        return {
            "start": self.start,
            "step": self.step,
            "total": self.total,
            "fps": self.fps,
            "frames": len(self.inputs),
            "inputs": quantised(self.inputs),
            "poses": quantised(self.poses),
            "visible": bits(self.visible),
            "errors": self.errors.round(1).tolist(),
            **({} if self.scored.all() else {"unscored": bits(~self.scored)}),
        }


def frames_each(clips: int, joints: int) -> int:
    """How many frames each of ``clips`` may have."""
    held = 2 * joints * (2 + 3 * 3) + joints / 8  # bytes of a frame
    return min(int(SECONDS * FPS), int(BYTES / clips / (held * 4 / 3 + 16)))


def cut(pick: Pick, both: Sequence[Played], frames: int) -> Excerpt:
    """The ``frames`` of a clip in which two predictions of it differ most.

    Args:
        both: the baseline's and the other arm's.
    Raises:
        Unplayable: the predictions aren't those whose errors were recorded.
    """
    errors = np.stack([error(one) for one in both], axis=1)  # (F, 2)
    for recorded, found in zip(pick.errors, errors[both[0].scored].mean(0), strict=True):
        if not abs(found - recorded) <= max(_TOLERANCE, _SHARE * recorded):
            raise Unplayable(
                f"the saved weights give {found:.1f} mm on {pick.clip}, where {recorded:.1f} mm were recorded"
            )
    base, other = both
    step = max(1, round(base.fps / FPS))
    long = min(len(errors), frames * step)
    apart = (errors[:, 1] - errors[:, 0]) * np.sign(pick.errors[1] - pick.errors[0]) * base.scored
    sums = np.concatenate([[0.0], apart.cumsum()])
    start = int(np.argmax(sums[long:] - sums[:-long]))
    rows = slice(start, start + long, step)
    return Excerpt(
        pick=pick,
        start=start,
        step=step,
        total=len(errors),
        fps=base.fps / step,
        inputs=other.inputs[rows],
        visible=other.visible[rows],
        poses=np.stack([_centred(one, base.skeleton)[rows] for one in (base.truth, base.poses, other.poses)], axis=1),
        errors=errors[rows],
        scored=base.scored[rows],
    )


def error(played: Played) -> np.ndarray:
    """(F,) mm: mean distance of the joints from the truth, both from their root, as it is scored."""
    difference = _centred(played.poses, played.skeleton) - _centred(played.truth, played.skeleton)
    return 1000 * np.linalg.norm(difference, axis=-1).mean(-1, dtype=np.float64)


def _centred(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return poses - poses[:, skeleton.root, None]
