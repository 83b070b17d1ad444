"""`evaluate`: every frame once, the same input for every arm, what is undefined is missing."""

import pandas as pd
import pytest
import torch

from harness import occlusion
from harness.metrics import clip_rows, summarise
from harness.skeleton import H36M17
from harness.spec.run import Test
from harness.training import evaluate, train
from harness.training.evaluate import COLUMNS
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.train import build_lifter
from harness.training.validation import validation_mpjpe


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


def test_clips_shorter_than_the_window_are_scored_on_their_own_frames_alone(make_run):
    run = make_run(data={"window": 60, "options": {"subjects": 6, "clips": 4, "seconds": 1.2}})
    clips = open_material(run.data).tests["seen"].clips
    assert any(len(clip) < 60 for clip in clips)
    frame = evaluate(run, Test(occlusion=["severe"], cameras=["seen"]), train(run))
    best = frame[(frame.weights == "best") & (frame.joint == "all") & (frame.group == "all")]
    frames = best["clip"].map({clip.name: len(clip) for clip in clips})
    for metric, fewer in (("mpjpe", 0), ("p_mpjpe", 0), ("mpjve", 1), ("depth_spread", 0)):
        rows = best[best.metric == metric]
        assert len(rows) == len(clips)
        assert (rows["n"] == frames[rows.index] - fewer).all()
        assert rows["value"].notna().all()


def test_the_fixed_set_is_the_same_at_every_level(scored):
    _, frame = scored
    fixed = frame[(frame.metric == "mpjpe_fixed") & (frame.weights == "best")]
    counts = fixed.groupby(["cameras", "clip", "camera"])["n"]
    assert (counts.nunique() == 1).all() and (counts.count() == 4).all()
    hidden = frame[(frame.metric == "mpjpe_occluded") & (frame.weights == "best") & (frame.test_occlusion == "severe")]
    where = ["cameras", "clip", "camera"]
    severe = fixed[fixed.test_occlusion == "severe"].set_index(where).sort_index()
    assert severe["value"].equals(hidden.set_index(where).sort_index()["value"])


def test_the_epoch_is_chosen_on_the_mean_over_levels_of_the_mean_over_subjects(make_run):
    run = make_run(data={"options": {"subjects": 8, "clips": 2, "seconds": 1.2}})
    material = open_material(run.data)
    observer, cpu = Observer(run.data.noise, "none", material.skeleton), torch.device("cpu")
    lifter = build_lifter(run, material, observer)
    views, names = material.validation, ["none", "severe"]
    levels = [occlusion.level(name) for name in names]
    found = validation_mpjpe(lifter, views, levels, observer, cpu)
    assert found == validation_mpjpe(lifter, views, levels, observer, cpu)  # the masks are fixed
    means = []
    for level in levels:
        poses, hidden = predict(lifter, views, level, observer, flip=False, device=cpu)
        rows = []
        for number in range(len(views)):
            at = slice(int(views.offset[number]), int(views.offset[number] + views.length[number]))
            scored = clip_rows(
                poses[at], views.poses[at], hidden=hidden[at], fixed=hidden[at], skeleton=H36M17, cheap=True
            )
            rows += [{"subject": views.clips[int(views.clip[number])].subject, **row} for row in scored]
        means.append(summarise(pd.DataFrame(rows), "mpjpe", settings=())["value"][0])
    assert found == pytest.approx(sum(means) / 2, rel=1e-6)
