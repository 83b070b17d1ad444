"""Runs small enough to train within a test."""

import pytest
import torch

from harness.spec.run import Cameras, Choice, Data, Run, Train

TINY_DATA = {"subjects": 6, "clips": 2, "seconds": 1.2}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_run():
    """A function (objective, seed, data fields, train fields, backbone) → tiny run."""

    def make(objective=None, seed=0, *, backbone=None, data=None, **train):
        return Run(
            data=Data(**{"options": TINY_DATA, "window": 9, "cameras": Cameras(train=1, test=1), **(data or {})}),
            backbone=backbone or Choice(name="videopose3d", options={"filter_widths": [3], "channels": 16}),
            objective=objective or {"mpjpe": {"weight": 1.0}},
            train=Train(**{"steps": 12, "batch": 4, "epochs": 3, "occlusion": "moderate", **train}),
            seed=seed,
        )

    return make


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
