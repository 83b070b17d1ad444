"""The visibility head in training: it learns, is logged and resumed, and leaves the lifter alone."""

import math
import pickle

import pytest
import torch

from harness.errors import UserError
from harness.spec.run import Choice
from harness.training import train
from harness.training.visibility import Head, area
from tests.training.conftest import same_weights

HEAD = {"mpjpe": {"weight": 1.0}, "visibility": {"weight": 0.1, "channels": 32}}
GATED = {**HEAD, "spatial_rdc": {"lambda": 0.1, "weight": "predicted"}}


def curve(result, name):
    return [value for curve, _, value in result.curves if curve == name]


def test_it_changes_no_bit_of_the_lifter(make_run):
    alone, beside = train(make_run()), train(make_run(HEAD))
    assert same_weights(alone.last_weights, beside.last_weights)
    assert curve(alone, "val_mpjpe") == curve(beside, "val_mpjpe")
    assert set(curve(beside, "share.visibility")) == {0.0}


def test_it_learns_what_the_detector_saw(make_run):
    run = make_run(HEAD, steps=90, batch=16, lr=5e-3, occlusion="severe")
    result = train(run)
    told = curve(result, "visibility.auc")
    assert told[-1] > 0.75 and told[-1] > told[0] and curve(result, "visibility.accuracy")[-1] > 0.65
    assert curve(result, "term.visibility")[-1] < math.log(2) - 0.1


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_gated_run_is_repeatable_and_resumes_to_the_same_bits(make_run, stop_after):
    run, kept = make_run(GATED), []

    def stop(info):
        kept.append(pickle.dumps(info.snapshot()))
        if len(kept) == stop_after:
            raise KeyboardInterrupt

    whole = train(run)
    with pytest.raises(KeyboardInterrupt):
        train(run, on_epoch=stop)
    assert any(name.startswith("visibility") for name in pickle.loads(kept[-1])["modules"])
    resumed = train(run, resume=pickle.loads(kept[-1]))
    assert same_weights(whole.last_weights, resumed.last_weights) and whole.curves == resumed.curves
    told = make_run({**GATED, "spatial_rdc": {"lambda": 0.1, "weight": "occluded"}})
    assert not same_weights(whole.last_weights, train(told).last_weights)


@pytest.mark.parametrize("name, data", [
    ("simple_baseline", {"frames_out": 3, "confidence": "calibrated"}),
    ("mixste", {"root": "first_frame"}),
    ("pstmo", {"frames_out": 1}),
    ("videopose3d", {"window": 1, "frames_out": 1}),
])  # fmt: skip
def test_any_network_can_have_one(make_run, name, data):
    options = {
        "simple_baseline": {"linear_size": 16, "num_stage": 1},
        "mixste": {"depth": 1, "embed_dim_ratio": 16},
        "pstmo": {"layers": 1, "channel": 16, "d_hid": 16, "frames": 9},
        "videopose3d": {"filter_widths": [1], "channels": 16},
    }
    run = make_run(GATED, backbone=Choice(name=name, options=options[name]), data=data, steps=2, epochs=1)
    assert train(run).summary["val_mpjpe_best"] > 0


def test_where_nothing_is_hidden_there_is_nothing_to_score(make_run):
    result = train(make_run(HEAD, occlusion="none", steps=3, epochs=1))
    assert not curve(result, "visibility.auc") and curve(result, "term.visibility")[0] > 0


def test_the_area_is_the_share_of_pairs_in_order():
    positive, negative = torch.tensor([3.0, 1.0, 2.0]), torch.tensor([2.0, 0.0, 0.0, 5.0])
    pairs = [(p > n) + 0.5 * (p == n) for p in positive.tolist() for n in negative.tolist()]
    assert area(positive, negative).item() == pytest.approx(sum(pairs) / len(pairs))


def test_the_head_looks_four_frames_to_either_side_at_the_frames_asked_for():
    torch.manual_seed(0)
    head = Head(joints=5, features=2, channels=64, first=6, frames=2)
    inputs = torch.randn(1, 15, 5, 2, requires_grad=True)
    logits = head(inputs, torch.randn(1, 2, 5, 3))
    assert logits.shape == (1, 2, 5)
    logits[:, 0].sum().backward()
    read = inputs.grad[0].abs().sum((1, 2)) > 0
    reach = read.nonzero()[:, 0]
    # Two convolutions reach four frames; the step to the neighbour of the last one adds another.
    assert reach.min() == 6 - 5 and reach.max() == 6 + 5


def test_the_gate_needs_its_head(make_run):
    alone = {name: given for name, given in GATED.items() if name != "visibility"}
    with pytest.raises(UserError, match="add the term 'visibility'"):
        train(make_run(alone))
