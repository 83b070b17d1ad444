"""Every kind of network trains, is chosen and validated by the one loop, with the terms that compare frames."""

from __future__ import annotations

import math

import pytest
import torch

from harness.occlusion import level
from harness.spec.run import Choice
from harness.training import train
from harness.training.material import open_material, scoring_windows
from harness.training.observation import Observer
from harness.training.prediction import predict
from harness.training.train import build_lifter
from tests.training.conftest import same_weights

TERMS = {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1}, "temporal_rdc": {"weight": 0.1}}
NETWORKS = {
    "mixste": {"embed_dim_ratio": 8, "depth": 2},
    "poseformer": {"num_frame": 5, "embed_dim_ratio": 8, "depth": 1},
    "poseformerv2": {"num_frame": 7, "number_of_kept_frames": 3, "embed_dim_ratio": 8, "depth": 1},
    "multistride_tcn": {"strides": [1, 2], "filter_widths": [3], "channels": 8},
    "pstmo": {"layers": 1, "channel": 16, "d_hid": 16, "frames": 9},
    "dstformer": {"dim_feat": 16, "dim_rep": 16, "depth": 1},
    "motionagformer": {"n_layers": 1, "dim_feat": 16, "dim_rep": 16, "n_frames": 9},
}


def a_run(make_run, name, frames_out):
    confidence = "calibrated" if name in ("dstformer", "motionagformer") else "none"
    data = {"window": 9, "frames_out": frames_out, "confidence": confidence}
    objective = TERMS if frames_out != 1 else {"mpjpe": {"weight": 1.0}}
    return make_run(objective, backbone=Choice(name=name, options=NETWORKS[name]), data=data, steps=6, epochs=2)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("frames_out", [None, 3])
def test_a_small_one_trains(make_run, name, frames_out):
    """Centre-frame networks too answer for several neighbouring frames, so that terms between frames act."""
    run = a_run(make_run, name, frames_out)
    result = train(run)
    assert math.isfinite(result.summary["val_mpjpe_best"])
    active = [value for curve, _, value in result.curves if curve == "active.temporal_rdc"]
    assert active and max(active) > 0
    assert all(torch.isfinite(weight).all() for weight in result.last_weights.values() if weight.is_floating_point())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("frames_out", [None, 4, 1])
def test_every_frame_is_answered_exactly_once(make_run, name, frames_out):
    """Whether a network answers for one frame of a window or for all, each frame of a clip has one prediction."""
    run = a_run(make_run, name, frames_out)
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter, views = build_lifter(run, material, observer), material.tests["seen"]
    windows, counted = scoring_windows(views, lifter.window, lifter.frames_out, lifter.left)
    _, rows, _ = windows.outputs(torch.arange(len(windows)))
    assert (rows[counted].bincount(minlength=views.frames) == 1).all()
    poses, _ = predict(lifter, views, level("none"), observer, flip=False, device=torch.device("cpu"))
    assert poses.shape == views.poses.shape and torch.isfinite(poses).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_one_frame_out_and_the_same_bits_again(make_run, name):
    run = a_run(make_run, name, 1)
    first, second = train(run), train(run)
    assert same_weights(first.last_weights, second.last_weights)
    assert first.curves == second.curves
