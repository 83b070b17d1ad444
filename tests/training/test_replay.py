"""`replay`: what was scored, to the bit, without predicting all the rest."""

import numpy as np
import pytest
import torch

from harness import occlusion
from harness.errors import UserError
from harness.metrics import clip_rows
from harness.spec.run import Test
from harness.training import evaluate, prediction, train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import predict
from harness.training.replay import replay
from harness.training.train import build_lifter


@pytest.fixture(params=[{}, {"data": {"frames_out": 1, "window": 15}}])
def trained(request, make_run, monkeypatch):
    # Several batches, whose ends lie within clips.
    monkeypatch.setattr(prediction, "_FRAMES_AT_ONCE", 100)
    run = make_run(**request.param)
    return run, train(run)


def test_replayed_errors_are_those_of_the_record(trained):
    run, result = trained
    frame = evaluate(run, Test(occlusion=["severe"], cameras=["unseen"]), result)
    rows = frame[
        (frame.metric == "mpjpe") & (frame.joint == "all") & (frame.group == "all") & (frame.weights == "best")
    ]
    skeleton = open_material(run.data).skeleton
    chosen = [(row.clip, row.camera) for row in rows.iloc[[2, 0]].itertuples()]
    found = replay(run, result.best_weights, chosen, level="severe", cameras="unseen")
    for one, recorded in zip(found, rows.iloc[[2, 0]]["value"], strict=True):
        fixed = np.zeros_like(one.visible)
        again = clip_rows(one.poses, one.truth, hidden=~one.visible, fixed=fixed, skeleton=skeleton, root=skeleton.root)
        (value,) = [r["value"] for r in again if r["metric"] == "mpjpe" and r["joint"] == r["group"] == "all"]
        assert value == recorded


def test_chosen_clips_have_the_bits_they_have_among_all(trained, tmp_path):
    run, result = trained
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer)
    lifter.backbone.load_state_dict(result.best_weights)
    views, level, cpu = material.tests["seen"], occlusion.level("severe"), torch.device("cpu")
    whole, hidden = predict(lifter, views, level, observer, flip=run.train.flip_test, device=cpu)
    seen, _ = prediction.observed(views, level, observer)
    torch.save(result.best_weights, tmp_path / "best.pt")
    last = len(views) - 1
    name = views.clips[int(views.clip[last])].name
    (one,) = replay(run, tmp_path / "best.pt", [(name, int(views.camera[last]))], level="severe", cameras="seen")
    rows = slice(int(views.offset[last]), None)
    assert np.array_equal(one.poses, whole[rows].numpy())
    assert np.array_equal(one.visible, ~hidden[rows].numpy()) and not one.visible.all()
    assert np.array_equal(one.inputs, seen[rows].numpy())
    assert np.array_equal(one.truth, views.poses[rows].numpy())


def test_what_cannot_be_replayed_is_said(make_run, tmp_path):
    run = make_run()
    clip = open_material(run.data).tests["seen"].clips[0].name
    given = {"level": "severe", "cameras": "seen"}
    with pytest.raises(UserError, match=r"don't fit videopose3d: .*Missing key"):
        replay(run, {}, [(clip, 0)], **given)
    (tmp_path / "best.pt").write_bytes(b"PK half a file")
    with pytest.raises(UserError, match=r"best.pt: the weights can't be read"):
        replay(run, tmp_path / "best.pt", [(clip, 0)], **given)
    good = build_lifter(run, open_material(run.data), Observer(4.0, "none", open_material(run.data).skeleton))
    with pytest.raises(UserError, match=rf"unknown test clip and camera '{clip}, 7'; did you mean '{clip}, 0'"):
        replay(run, good.backbone.state_dict(), [(clip, 7)], **given)
