"""Runs scored under protocols: what is left out, overlaps and mirror images; keys, rescoring and reports."""

import pandas as pd
import pytest
import torch

from harness import occlusion, protocols
from harness.data.windows import overlapping
from harness.errors import UserError
from harness.protocols import LeftOut, Protocol, Scoring
from harness.spec import identity
from harness.spec.run import Cameras, Choice, Data, Run, Test, Train
from harness.training import check_protocol, evaluate, train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.train import build_lifter

DATA = {"subjects": 4, "clips": 2, "seconds": 0.6}


@pytest.fixture(scope="module")
def run():
    return Run(
        data=Data(options=DATA, window=9, cameras=Cameras(train=1, test=1)),
        backbone=Choice(name="videopose3d", options={"filter_widths": [3], "channels": 8}),
        objective={"mpjpe": {"weight": 1.0}},
        train=Train(steps=3, batch=4, epochs=1, flip_test=False),
    )


@pytest.fixture(scope="module")
def trained(run):
    return train(run)


def test_overlapping_windows_answer_for_every_frame_and_reach_no_further():
    offset, length = torch.tensor([0, 20, 24]), torch.tensor([20, 4, 9])
    windows, counted = overlapping(offset, length, 9, 9, 0, 3)
    assert windows.start[windows.view == 0].tolist() == [0, 3, 6, 9, 11]
    for view, frames in enumerate([20, 4, 9]):
        mine = windows.view == view
        answered = (windows.start[mine, None] + torch.arange(9))[counted[mine]]
        assert answered.bincount().tolist() == [int((answered == frame).sum()) for frame in range(frames)]
        assert answered.unique().tolist() == list(range(frames))
    assert (windows.view > 0).sum() == 2


def test_overlapping_predictions_are_averaged_frame_by_frame(run):
    material = open_material(run.data)
    observer, level = Observer(run.data.noise, "none", material.skeleton), occlusion.level("severe")
    lifter = build_lifter(run, material, observer)
    views, cpu = material.tests["seen"], torch.device("cpu")
    given, _ = predict(lifter, views, level, observer, flip=False, device=cpu, overlap="averaged")
    inputs, _ = observed(views, level, observer)
    windows, counted = overlapping(views.offset, views.length, 9, lifter.frames_out, lifter.left, 3)
    answers: dict[int, list[torch.Tensor]] = {}
    with torch.inference_mode():
        for number in range(len(windows)):
            which = torch.tensor([number])
            out = lifter(inputs[windows.inputs(which)[1]])[0]
            for frame, row in enumerate(windows.outputs(which)[1][0].tolist()):
                if counted[number, frame]:
                    answers.setdefault(row, []).append(out[frame].double())
    assert max(map(len, answers.values())) >= 3 and min(map(len, answers.values())) == 1
    slow = torch.stack([torch.stack(answers[row]).mean(0) for row in range(len(given))])
    assert torch.allclose(given.double(), slow, atol=1e-6)
    once, _ = predict(lifter, views, level, observer, flip=False, device=cpu)
    assert not torch.equal(once, given)
    only, _ = predict(lifter, views, level, observer, flip=False, device=cpu, overlap="averaged", only=[1])
    rows = slice(int(views.offset[1]), int(views.offset[1] + views.length[1]))
    assert torch.equal(only[rows], given[rows])


def mine(monkeypatch, **scoring):
    made = Protocol("frame", "these tests", Scoring("of-these-tests", **scoring), name="mine")
    monkeypatch.setattr(protocols, "of", lambda name, **where: made)
    return Test(occlusion=["none"], cameras=["seen"], protocol="mine")


def test_left_out_clips_have_no_rows_and_others_keep_theirs(run, trained, monkeypatch):
    plain = evaluate(run, Test(occlusion=["none"], cameras=["seen"]), trained)
    clip = plain["clip"].iloc[0]
    subject, _, name = clip.partition("/")
    rest = evaluate(run, mine(monkeypatch, left_out=LeftOut(subject, ((name,), ("another",)))), trained)
    pd.testing.assert_frame_equal(rest, plain[plain["clip"] != clip].reset_index(drop=True))
    unknown = mine(monkeypatch, left_out=LeftOut(subject, (("another",),)))
    for ask in (lambda: check_protocol(run, unknown), lambda: evaluate(run, unknown, trained)):
        with pytest.raises(UserError, match=r"'mine' can't score these data: .*another.*nobody can tell"):
            ask()


def test_mirror_images_are_averaged_where_the_protocol_says_so(run, trained, monkeypatch):
    test = Test(occlusion=["none"], cameras=["seen"])
    with_flip = run.model_copy(update={"train": run.train.model_copy(update={"flip_test": True})})
    wanted = evaluate(with_flip, test, trained)
    pd.testing.assert_frame_equal(evaluate(run, mine(monkeypatch, flip=True), trained), wanted)
    assert not wanted.equals(evaluate(run, mine(monkeypatch), trained))


def test_old_keys_stay_and_a_scoring_of_its_own_has_keys_of_its_own():
    def keys(protocol):
        return list(identity.conditions(Test(occlusion=["severe"], cameras=["seen"], protocol=protocol)))

    for name in ("mean-per-subject", "mean-per-action", "mean-per-frame", "best-on-test"):
        assert keys(name) == ["severe@1/seen"]
    assert keys("videopose3d") == ["severe@1/seen~root-kept@1"]
    assert len({*keys("videopose3d"), *keys("root-zeroed"), *keys("3dhp"), *keys("3dhp-14"), *keys("repose")}) == 5
