"""Training with windows without poses: what the lifter learns from them, and what it must not notice."""

import pickle
import sys
from dataclasses import replace

import pytest
import torch

from harness.errors import UserError
from harness.spec.run import Choice
from harness.training import train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.pretraining import Pretraining
from tests.training.conftest import same_weights

ONE = {"mpjpe": {"weight": 1.0}}
PLACE = {**ONE, "trajectory_mpjpe": {"weight": 1.0}}
SEMI = {**PLACE, "semi_reprojection": {"weight": 0.1}, "semi_bone_length": {"weight": 0.5}}
TAUGHT = {
    **ONE,
    "relational_consistency": {"lambda": 0.1, "weight": "occluded"},
    "relational_consistency_temporal": {"weight": 0.1},
}
FEW = {"label_fraction": 0.5}


def interrupted(run, after):
    """The run's result when it was stopped after some epochs and went on from its snapshot; and that snapshot."""
    kept = []

    def stop(info):
        if info.epoch == after:
            kept.append(pickle.dumps(info.snapshot()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, on_epoch=stop)
    snapshot = pickle.loads(kept[0])
    return train(run, resume=snapshot), snapshot


@pytest.mark.parametrize(("objective", "modules"), [(SEMI, {"trajectory"}), (TAUGHT, {"teacher"})])
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(make_run, objective, modules):
    run = make_run(objective, data=FEW)
    whole = train(run)
    resumed, snapshot = interrupted(run, 2)
    assert set(snapshot["modules"]) == {"lifter", *modules}
    assert same_weights(whole.last_weights, resumed.last_weights)
    assert whole.curves == resumed.curves


def test_the_trajectory_network_changes_no_bit_of_the_lifter(make_run):
    plain, beside = train(make_run(ONE)), train(make_run(PLACE))
    assert same_weights(plain.last_weights, beside.last_weights)
    assert same_weights(plain.best_weights, beside.best_weights)


@pytest.mark.parametrize("term", ["semi_reprojection", "semi_bone_length", "relational_consistency"])
def test_of_weight_zero_nothing_is_built(make_run, term):
    off = make_run({**ONE, term: {"weight": 0.0}})
    result, snapshot = interrupted(off, 1)
    assert set(snapshot["modules"]) == {"lifter"}
    assert same_weights(train(make_run(ONE)).last_weights, result.last_weights)


@pytest.mark.parametrize("objective", [SEMI, TAUGHT])
def test_unlabelled_windows_do_teach_the_lifter(make_run, objective):
    assert not same_weights(
        train(make_run(ONE, data=FEW)).last_weights, train(make_run(objective, data=FEW)).last_weights
    )


def test_poses_kept_back_decide_nothing(make_run, monkeypatch):
    run = make_run({**SEMI, **TAUGHT}, data=FEW)
    before = train(run).last_weights
    material = open_material(run.data)
    others = material.unlabelled
    blind = replace(material, unlabelled=replace(others, poses=torch.full_like(others.poses, torch.nan)))
    monkeypatch.setattr(sys.modules["harness.training.train"], "open_material", lambda data: blind)
    assert same_weights(before, train(run).last_weights)


def test_curves_hold_the_share_of_the_lifters_gradient(make_run):
    curves = train(make_run({**SEMI, "relational_consistency": {"weight": 0.1}}, data=FEW)).curves
    shares = {name: value for name, _, value in curves if name.startswith("share.")}  # the last of each
    assert shares.pop("share.trajectory_mpjpe") == 0
    assert len(shares) == 4 and all(value > 0 for value in shares.values())
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)


def test_fewer_labels_other_weights(make_run):
    results = [train(make_run(ONE, data={"label_fraction": part})).last_weights for part in (1.0, 0.5, 0.2)]
    assert same_weights(results[0], train(make_run(ONE)).last_weights)
    assert not same_weights(results[0], results[1]) and not same_weights(results[1], results[2])


def test_the_trajectory_is_learnt(make_run):
    run = make_run(PLACE, steps=150, batch=8, epochs=5, lr=3e-3, occlusion="none")
    errors = [value for name, _, value in train(run).curves if name == "term.trajectory_mpjpe"]
    assert errors[-1] < 0.6 * errors[0]


def test_the_teacher_is_the_mean_of_the_students(make_run):
    def teacher_after(decay):
        objective = {**ONE, "relational_consistency": {"weight": 0.1, "decay": decay}}
        states = []
        train(make_run(objective, steps=3, epochs=3), on_epoch=lambda info: states.append(info.snapshot()["modules"]))
        return states

    own = teacher_after(0.0)[-1]  # the student itself
    assert all(torch.equal(own["teacher"][name], value) for name, value in own["lifter"].items())
    states = teacher_after(0.5)
    names = [name for name, value in states[0]["lifter"].items() if value.is_floating_point()]
    assert names
    for name in names:
        first, second, third = (state["lifter"][name] for state in states)
        torch.testing.assert_close(states[1]["teacher"][name], (first + second) / 2)
        torch.testing.assert_close(states[2]["teacher"][name], first / 4 + second / 4 + third / 2)


def test_one_teacher_has_one_decay(make_run):
    objective = {**TAUGHT, "relational_consistency": {"weight": 0.1, "decay": 0.9}}
    with pytest.raises(UserError, match=r"relational_consistency: 0\.9, relational_consistency_temporal: 0\.999"):
        train(make_run(objective))


def test_a_fraction_that_leaves_no_clip_is_refused(make_run):
    with pytest.raises(UserError, match=r"a label fraction of 0\.1 leaves no clip"):
        train(make_run(data={"label_fraction": 0.1}))


@pytest.mark.parametrize("name", ["simple_baseline", "mixste"])
def test_any_backbone_and_first_frame_roots(make_run, name):
    options = {"simple_baseline": {"linear_size": 16, "num_stage": 1}, "mixste": {"depth": 1, "embed_dim_ratio": 16}}
    terms = {**SEMI, "relational_consistency": {"weight": 0.1}}
    data = {**FEW, "root": "first_frame", "confidence": "calibrated"}
    run = make_run(terms, backbone=Choice(name=name, options=options[name]), steps=2, epochs=1, data=data)
    assert train(run).summary["val_mpjpe_best"] > 0


def test_pre_training_sees_all_clips(make_run):
    run = make_run(backbone=Choice(name="pstmo"), data=FEW, pretrain={"steps": 2})
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    fed = Pretraining(run, observer).batches(material, torch.device("cpu"))
    assert len(fed.windows.length) == len(material.unlabelled) == 2 * len(material.train)
