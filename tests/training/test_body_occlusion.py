"""Occlusion told from the person: training, validation and test windows carry the truth to the process."""

import pytest
import torch

from harness import occlusion
from harness.occlusion.self_occlusion import severity_needed
from harness.spec.run import Test
from harness.training import evaluate, train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed
from harness.training.train import build_lifter, training_batches


def batches_of(run):
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    return training_batches(run, material, observer, build_lifter(run, material, observer), torch.device("cpu"))


def test_training_windows_hide_what_the_body_hides(make_run):
    run = make_run(occlusion="self_occlusion@0.8", flip=False, batch=16, data={"root": "first_frame"})
    batches = batches_of(run)
    which = torch.arange(16) * 3
    windows, views = batches.windows, batches.views
    _, rows, valid = windows.outputs(which)
    expected = severity_needed(views.poses[rows], batches.observer.skeleton) < 0.8
    hidden = ~batches.make(which, torch.arange(16)).visible
    assert torch.equal(hidden, expected & valid[..., None]) and hidden.any()


def test_a_larger_body_is_the_one_that_hides(make_run):
    """With body shapes drawn anew, other joints are hidden than of the recorded body."""
    plain, reshaped = (
        batches_of(make_run(occlusion="self_occlusion@1", flip=False, body_shape=shape)) for shape in (0.0, 0.3)
    )
    which, keys = torch.arange(64) * 3, torch.arange(64)
    one, other = plain.make(which, keys).visible, reshaped.make(which, keys).visible
    assert 0.9 < (one == other).float().mean() < 1


def test_what_is_shown_in_tests_is_what_the_body_hides(make_run):
    run = make_run()
    material = open_material(run.data)
    observer = Observer(run.data.noise, "none", material.skeleton)
    _, visible = observed(material.validation, occlusion.level("self_occlusion@1"), observer)
    needed = severity_needed(material.validation.poses[:, None], material.skeleton)[:, 0]
    assert torch.equal(~visible, needed < 1)


@pytest.mark.parametrize("schedule", ["fixed", "rising"])
def test_a_run_is_trained_and_tested_on_them(make_run, schedule):
    run = make_run(occlusion="self_occlusion@0.8", occlusion_schedule=schedule)
    levels = ["none", "passer_by@1", "self_occlusion@1"]
    frame = evaluate(run, Test(occlusion=levels, cameras=["seen"]), train(run))
    found = frame[
        (frame.metric == "mpjpe") & (frame.joint == "all") & (frame.group == "all") & (frame.weights == "best")
    ]
    assert set(found["test_occlusion"]) == set(levels) and found["value"].notna().all()
    by_level = found.groupby("test_occlusion")["value"].mean()
    assert by_level["self_occlusion@1"] != by_level["none"] != by_level["passer_by@1"]
