"""λ that waits, ramps or is measured in gradients, in training: curves, bits, and going on from a snapshot."""

from __future__ import annotations

import pickle

import pytest

from harness.errors import UserError
from harness.training.train import train
from tests.training.conftest import same_weights

SPATIAL = {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.5}}


def beside(**keys):
    return {**SPATIAL, "spatial_rdc": {"weight": 0.5, **keys}}


def curve(result, name):
    return [value for found, _, value in result.curves if found == name]


def test_a_waiting_term_leaves_every_bit_alone_until_it_begins(make_run):
    # Chosen by the validation error, the first epoch's weights are the best of a run that diverges afterwards.
    weights = {}
    for name, objective in (
        ("alone", {"mpjpe": {"weight": 1.0}}),
        ("waits", beside(warmup=1)),
        ("ramps", beside(ramp=[1, 3])),
    ):

        def keep(info, name=name):
            weights.setdefault(name, info.snapshot()["modules"]["lifter"])

        train(make_run(objective), on_epoch=keep)
    assert same_weights(weights["alone"], weights["waits"]) and same_weights(weights["alone"], weights["ramps"])


def test_curves_hold_the_lambda_in_force(make_run):
    assert curve(train(make_run(beside(warmup=1))), "lambda.spatial_rdc") == [0, 0.5, 0.5]
    # Steps 4 to 7 of 4 an epoch stand at 0, 1/8, 2/8 and 3/8 of a ramp of two epochs.
    ramp = train(make_run(beside(ramp=[1, 3])))
    assert curve(ramp, "lambda.spatial_rdc") == pytest.approx([0, 0.5 * 1.5 / 8, 0.5 * 5.5 / 8])
    assert curve(ramp, "lambda.mpjpe") == [1, 1, 1]
    assert curve(ramp, "share.spatial_rdc")[0] == 0 and curve(ramp, "share.spatial_rdc")[2] > 0
    assert len(curve(ramp, "term.spatial_rdc")) == 3  # also while it waits
    assert not [name for name, _, _ in train(make_run(SPATIAL)).curves if name.startswith("lambda.")]


def test_scaled_by_gradient_the_term_weighs_what_was_asked_for(make_run):
    # A learning rate of next to nothing: the gradients stay what they were when they were measured.
    terms = {"mpjpe": {"weight": 2.0}, "mse": {"weight": 0.25, "scale": "gradient"}}
    result = train(make_run(terms, lr=1e-9, flip=False, occlusion="none", weight_decay=0))
    shares = curve(result, "share.mse")
    assert shares[0] == 0
    assert shares[1:] == pytest.approx([0.2, 0.2], rel=0.15)  # 0.25 to 1, over other windows
    in_force = curve(result, "lambda.mse")
    assert in_force[0] == 0 and in_force[1] == in_force[2] != 0.25


@pytest.mark.parametrize("keys", [{"scale": "gradient", "warmup": 2}, {"scale": "gradient", "ramp": [1, 3]}], ids=str)
def test_a_resumed_run_has_the_same_factor_and_bits(make_run, keys):
    run = make_run(beside(**keys))
    whole = train(run)
    for stop_after in (1, 2):
        kept = []

        def stop(info, kept=kept, stop_after=stop_after):
            if info.epoch == stop_after:
                kept.append(pickle.dumps(info.snapshot()))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(run, on_epoch=stop)
        resumed = train(run, resume=pickle.loads(kept[0]))
        assert same_weights(whole.last_weights, resumed.last_weights)
        assert whole.curves == resumed.curves


def test_a_term_without_any_gradient_cant_be_scaled_by_it(make_run):
    # Nothing moves by more than a kilometre.
    terms = {"mpjpe": {"weight": 1.0}, "acceleration": {"weight": 1.0, "free": 1e3, "scale": "gradient"}}
    with pytest.raises(UserError, match="acceleration had no gradient before acceleration began"):
        train(make_run(terms))
