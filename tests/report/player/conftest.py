"""Two predictions of clips, made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from harness.report.player import Choice, Pick
from harness.skeleton import H36M17


@pytest.fixture
def played():
    """played(mm of the baseline, mm of the other arm, frames) → both predictions of one clip.

    A prediction is off by the given mm at each joint but the root, whose error is 0 by definition; a number of mm may
    be given for each frame.
    """

    def make(*errors, frames=300, fps=50.0, skeleton=H36M17):
        draw = np.random.default_rng(0)
        joints = len(skeleton)
        truth = (draw.normal(size=(frames, joints, 3)) * 0.4 + [0, 0, 5]).astype(np.float32)
        inputs = draw.uniform(-1, 1, size=(frames, joints, 2)).astype(np.float32)
        visible = draw.random((frames, joints)) > 0.3
        both = []
        for mm in errors:
            off = np.zeros_like(truth)
            off[:, 1:, 2] = np.broadcast_to(np.asarray(mm, dtype=np.float32) / 1000, (joints - 1, frames)).T
            poses = truth + off + np.float32(2)  # where the root is doesn't count
            both.append(SimpleNamespace(inputs=inputs, visible=visible, truth=truth, poses=poses, fps=fps))
            both[-1].scored = np.ones(frames, dtype=bool)
            both[-1].skeleton = skeleton
        return both

    return make


@pytest.fixture
def chosen(played):
    """chosen(clips, …) → a choice of so many clips, and what was played of each."""

    def make(count=1, **more):
        both = [played(60 + i, 50, **more) for i in range(count)]
        share = 1 - 1 / len(both[0][0].skeleton)
        picks = tuple(
            Pick(f"S1/clip{i}", "S1", "walk", "unseen", 0, ((60 + i) * share, 50 * share)) for i in range(count)
        )
        runs, colours = ("0123456789abcdef", "fedcba9876543210"), ("#000000", "#0072B2")
        return Choice("severe", 3, ("abs", "spatial"), "small", colours, runs, picks), both

    return make
