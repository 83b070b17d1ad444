"""`evaluate`: every frame once, the same input for every arm, what is undefined is missing."""

import pytest
import torch

from harness import occlusion
from harness.skeleton import H36M17
from harness.spec.run import Test
from harness.training import evaluate, train
from harness.training.evaluate import COLUMNS
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.train import build_lifter


@pytest.fixture
def scored(make_run):
    run = make_run()
    return run, evaluate(run, Test(), train(run))


def test_rows_cover_every_condition_and_frame(scored):
    run, frame = scored
    assert list(frame.columns) == COLUMNS
    assert set(frame["test_occlusion"]) == {"none", "minor", "moderate", "severe"}
    assert set(frame["cameras"]) == {"seen", "unseen"}
    clips = open_material(run.data).tests["seen"].clips
    whole = frame[
        (frame.metric == "mpjpe") & (frame.joint == "all") & (frame.group == "all") & (frame.weights == "best")
    ]
    assert len(whole) == len(clips) * 4 * 2
    frames = {clip.name: len(clip) for clip in clips}
    assert (whole["n"] == whole["clip"].map(frames)).all()


def test_joint_rows_average_to_the_whole(scored):
    _, frame = scored
    best = frame[(frame.metric == "mpjpe") & (frame.weights == "best") & (frame.group == "all")]
    where = ["test_occlusion", "cameras", "clip", "camera"]
    whole = best[best.joint == "all"].set_index(where)["value"].sort_index()
    joints = best[best.joint != "all"].groupby(where)["value"].mean().sort_index()
    assert joints.to_numpy() == pytest.approx(whole.to_numpy(), rel=1e-4)


def test_occluded_error_is_missing_where_nothing_is_occluded(scored):
    _, frame = scored
    occluded = frame[(frame.metric == "mpjpe_occluded") & (frame.weights == "best")]
    assert occluded[occluded.test_occlusion == "none"]["value"].isna().all()
    assert occluded[occluded.test_occlusion == "severe"]["value"].notna().any()


def test_last_epoch_stands_beside_the_chosen_one(scored):
    _, frame = scored
    assert set(frame["weights"]) == {"best", "last"}


def test_evaluation_repeats(scored):
    run, frame = scored
    again = evaluate(run, Test(), train(run))
    assert frame.equals(again)


def test_arms_are_tested_on_the_same_input_whatever_their_window_and_seed(make_run):
    found = []
    for window in (9, 15):
        run = make_run(data={"window": window}, seed=window)
        views = open_material(run.data).tests["seen"]
        observer = Observer(run.data.noise, "none", H36M17)
        observed.cache_clear()
        found.append(observed(views, occlusion.level("severe"), observer))
    for first, second in zip(*found, strict=True):
        assert torch.equal(first, second)


def test_prediction_leaves_no_frame_out(make_run):
    run = make_run(data={"frames_out": 4})
    material = open_material(run.data)
    observer = Observer(run.data.noise, "none", material.skeleton)
    lifter = build_lifter(run, material, observer)
    poses, _ = predict(
        lifter, material.validation, occlusion.level("minor"), observer, flip=True, device=torch.device("cpu")
    )
    assert torch.isfinite(poses).all()
