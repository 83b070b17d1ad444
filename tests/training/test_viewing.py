"""`harness.training.viewing`: what is looked at is what tests see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness import occlusion
from harness.data import open_dataset
from harness.data.camera import image_coordinates
from harness.spec.run import Data
from harness.training import viewing
from harness.training.observation import Observer
from harness.training.prediction import observed


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("synthetic", subjects=4, clips=2, seconds=1.0)


def test_sights_are_what_tests_see(dataset):
    data = Data(noise=3.0)
    every = viewing.filmed(dataset.clips, data, "unseen", 2)
    chosen = [dataset.clips[3], dataset.clips[1]]
    found = viewing.sights(viewing.filmed(chosen, data, "unseen", 2), data, dataset.skeleton, "unseen", ["severe"])
    assert [(one.clip, one.camera) for one in found] == [
        (clip.name, f"camera unseen {number}") for clip in chosen for number in range(2)
    ]
    inputs, visible = observed(every, occlusion.level("severe"), Observer(3.0, "none", dataset.skeleton))
    view = 3 * 2 + 1
    rows = slice(int(every.offset[view]), int(every.offset[view] + every.length[view]))
    assert np.array_equal(found[1].seen["severe"], inputs[rows].numpy())
    assert np.array_equal(found[1].visible["severe"], visible[rows].numpy()) and found[1].scored.all()
    pixels = image_coordinates(torch.tensor(found[1].image), every.resolution[view])
    assert torch.allclose(pixels, every.pixels[rows], atol=1e-2)


def test_rates_are_counted_frames(dataset):
    data = Data()
    seen = viewing.filmed(dataset.clips, data, "seen", 1)
    found = viewing.rates(seen, data, dataset.skeleton, "limbs@1")
    _, visible = observed(seen, occlusion.level("limbs@1"), Observer(data.noise, "none", dataset.skeleton))
    assert found.shape == (18, 5)
    assert np.allclose(found[:-1, 0], (~visible).double().mean(0).numpy())
    side = viewing.side_seen(seen.poses, dataset.skeleton)
    counts = np.array([(side == place).sum() for place in range(4)])
    assert counts.sum() == seen.frames
    assert np.allclose(np.nansum(found[:, 1:] * counts, axis=1) / counts.sum(), found[:, 0])


def test_where_the_camera_stands(dataset):
    pose = torch.tensor(dataset.clips[0].positions[:1] - dataset.clips[0].positions[:1, :1])
    x, y, z = pose.unbind(-1)
    sides = []
    for turn in range(4):  # about the vertical, y down, five metres away
        angle = torch.tensor(turn * torch.pi / 2)
        across, away = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()
        sides.append(int(viewing.side_seen(torch.stack([across, -z, away + 5], -1), dataset.skeleton)))
    assert sorted(sides) == [0, 1, 2, 3] and np.all(np.diff(sides) % 4 == np.diff(sides)[0] % 4)


def test_different_clips(dataset):
    names = [(clip.subject, clip.action) for clip in viewing.different(dataset.clips, 2)]
    assert len({subject for subject, _ in names}) == len({action for _, action in names}) == 2
    assert len(viewing.different(dataset.clips, 100)) == len(dataset.clips)
