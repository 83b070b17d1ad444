"""Two stages of one run: repeatable, resumable in both, logged apart, and without a trace where it isn't asked for."""

from __future__ import annotations

import math
import pickle

import pytest
import torch

from harness.errors import UserError
from harness.spec.run import Choice
from harness.training import train
from tests.training.conftest import same_weights

TINY = Choice(name="pstmo", options={"layers": 2, "channel": 16, "d_hid": 16, "frames": 9})


@pytest.fixture
def two_stages(make_run):
    def make(pretrain=None, *, window=9, **train_fields):
        data = {"window": window, "frames_out": 1}
        stage = {"steps": 6, "joints_hidden": 3, **(pretrain or {})}
        return make_run(backbone=TINY, data=data, pretrain=stage, steps=6, **{"epochs": 2, **train_fields})

    return make


def test_a_run_of_two_stages_is_repeatable_and_logs_them_apart(two_stages):
    told = []
    first, second = train(two_stages(), on_epoch=told.append), train(two_stages())
    assert same_weights(first.last_weights, second.last_weights) and first.curves == second.curves
    assert [(info.step, info.steps, info.val_mpjpe is None) for info in told] == [
        (3, 12, True), (6, 12, True), (9, 12, False), (12, 12, False),
    ]  # fmt: skip
    at = {name: [step for curve, step, _ in first.curves if curve == name] for name, _, _ in first.curves}
    assert at["pretrain_loss"] == at["val_mpjpe"] == at["loss"] == [3, 6]
    assert [point for info in told for point in info.curves] == first.curves
    assert all(math.isfinite(value) for _, _, value in first.curves)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_resumed_in_either_stage_it_ends_with_the_bits_of_an_uninterrupted_one(two_stages, stop_after):
    whole, kept = train(two_stages()), []

    def stop(info):
        kept.append(pickle.dumps(info.snapshot()))
        if len(kept) == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(two_stages(), on_epoch=stop)
    resumed = train(two_stages(), resume=pickle.loads(kept[-1]))
    assert same_weights(whole.last_weights, resumed.last_weights)
    assert same_weights(whole.best_weights, resumed.best_weights)
    assert whole.curves == resumed.curves


def test_what_is_learned_first_is_what_the_second_stage_starts_from(two_stages, make_run):
    without = train(make_run(backbone=TINY, data={"frames_out": 1}, steps=6, epochs=2)).last_weights
    after = train(two_stages()).last_weights
    assert without.keys() == after.keys(), "nothing of the masked form is left in the network"
    assert not torch.equal(without["encoder.fc_1.weight"], after["encoder.fc_1.weight"])


def test_pretraining_learns_to_guess_keypoints(two_stages):
    result = train(two_stages({"steps": 120, "lr": 3e-3}, epochs=4, schedule="constant", batch=8))
    losses = [value for name, _, value in result.curves if name == "pretrain_loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_of_a_longer_window_the_middle_is_guessed(two_stages):
    assert math.isfinite(train(two_stages(window=11)).summary["val_mpjpe_best"])


def test_confidence_is_no_place_and_is_not_guessed(make_run):
    data = {"frames_out": 1, "confidence": "oracle"}
    run = make_run(backbone=TINY, data=data, pretrain={"steps": 4}, steps=4, epochs=1)
    assert math.isfinite(train(run).summary["val_mpjpe_best"])


@pytest.mark.parametrize("fields", [{"precision": "bfloat16"}, {"body_shape": 0.1}])
def test_both_heads_are_supervised_in_the_published_way(two_stages, fields):
    run = two_stages(window=11, **fields)
    published = run.model_copy(update={"objective": {"mpjpe": {"weight": 1.0}, "mpjpe_every_frame": {"weight": 1.0}}})
    first, second = train(published), train(published)
    assert same_weights(first.last_weights, second.last_weights)
    assert any(name == "term.mpjpe_every_frame" and 0 < value < 10 for name, _, value in first.curves)
    moved = {
        name for name, value in train(run).last_weights.items() if not torch.equal(value, first.last_weights[name])
    }
    assert "fcn_1.1.weight" in moved, "the head of all frames learns only if it is supervised"


def test_more_hidden_joints_than_there_are_is_told(two_stages):
    with pytest.raises(UserError, match=r"train\.pretrain.*17"):
        train(two_stages({"joints_hidden": 18}))


ALL_FRAMES = {
    "simple_baseline": {"linear_size": 16, "num_stage": 1},
    "mixste": {"embed_dim_ratio": 16, "depth": 1, "num_heads": 2},
}


@pytest.mark.parametrize("name", ALL_FRAMES)
@pytest.mark.parametrize("stop_after", [1, 3])
def test_any_network_of_all_frames_is_pretrained_and_resumed_in_either_stage(make_run, name, stop_after):
    backbone, stage = Choice(name=name, options=ALL_FRAMES[name]), {"steps": 4, "joints_hidden": 3}
    run, kept = make_run(backbone=backbone, pretrain=stage, steps=4, epochs=2), []

    def stop(info):
        kept.append(pickle.dumps(info.snapshot()))
        if len(kept) == stop_after:
            raise KeyboardInterrupt

    whole = train(run)
    with pytest.raises(KeyboardInterrupt):
        train(run, on_epoch=stop)
    resumed = train(run, resume=pickle.loads(kept[-1]))
    assert same_weights(whole.last_weights, resumed.last_weights) and whole.curves == resumed.curves
    without = train(make_run(backbone=backbone, steps=4, epochs=2)).last_weights
    assert without.keys() == whole.last_weights.keys(), "nothing of the masked form is left in the network"
    assert not same_weights(without, whole.last_weights)


def test_a_network_of_all_frames_learns_to_guess_hidden_keypoints(make_run):
    backbone = Choice(name="mixste", options=ALL_FRAMES["mixste"])
    stage = {"steps": 80, "lr": 3e-3, "frames_hidden": 0.4}
    run = make_run(backbone=backbone, pretrain=stage, steps=1, epochs=4, schedule="constant", batch=8)
    losses = [value for name, _, value in train(run).curves if name == "pretrain_loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_a_masked_form_is_built_for_the_data_it_sees(make_run):
    data = {"confidence": "calibrated", "frames_out": 3}
    backbone = Choice(name="simple_baseline", options=ALL_FRAMES["simple_baseline"])
    run = make_run(backbone=backbone, data=data, pretrain={"steps": 2}, steps=2, epochs=1)
    assert math.isfinite(train(run).summary["val_mpjpe_best"])


def test_a_network_without_a_masked_form_is_told(make_run):
    with pytest.raises(UserError, match="videopose3d has no masked form"):
        train(make_run(pretrain={"steps": 1}))


def test_the_second_heads_term_may_have_weight_zero(make_run):
    run = make_run(
        {"mpjpe": {"weight": 1.0}, "mpjpe_every_frame": {"weight": 0.0}},
        backbone=TINY,
        data={"frames_out": 1},
        steps=2,
    )
    assert not [name for name, _, _ in train(run).curves if "every_frame" in name]
