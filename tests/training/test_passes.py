"""Lengths in passes, decay by the pass, and the momentum of batch norms."""

from __future__ import annotations

import math

import pytest
import torch

from harness.data.windows import every_window
from harness.spec.run import Choice, Train
from harness.training import passes, train
from harness.training.optimisation import batch_norm_momentum, learning_rate, make_optimiser
from tests.training.conftest import same_weights


def windows(frames_out, lengths=(20, 7, 11)):
    length = torch.tensor(lengths)
    return every_window(length.cumsum(0) - length, length, 9, frames_out, 0)


@pytest.mark.parametrize(("frames_out", "a_pass"), [(1, 38), (9, 3 + 1 + 2)])
def test_a_pass_answers_for_each_frame_once(make_run, frames_out, a_pass):
    run = make_run(data={"frames_out": frames_out}, batch=4)
    assert passes.steps_a_pass(run, windows(frames_out)) == a_pass / 4


def test_lengths_become_steps(make_run):
    half, three = (make_run(passes=n, batch=4, pretrain={"passes": 2 * n}) for n in (0.5, 3))
    assert passes.resolved(half, windows(1)).train.steps == math.ceil(38 / 8)
    assert passes.resolved(three, windows(1)).train.steps == math.ceil(3 * 38 / 4)
    assert passes.resolved(three, windows(1)).train.pretrain.steps == math.ceil(6 * 38 / 4)
    as_long = passes.resolved(make_run(steps=12, pretrain={}), windows(1)).train
    assert as_long.steps == as_long.pretrain.steps == 12


def test_passes_train_as_many_steps_as_they_say(make_run):
    told = []
    run = make_run(passes=2, batch=64, data={"frames_out": 1})
    train(run, on_epoch=told.append)
    by_steps = make_run(steps=told[-1].steps, batch=64, data={"frames_out": 1})
    assert told[-1].step == told[-1].steps > 1
    assert same_weights(train(run).last_weights, train(by_steps).last_weights)


def test_the_rate_falls_after_each_pass():
    given = Train(schedule="per_pass", decay=0.9, lr=1.0, steps=100)
    rates = [learning_rate(given, step, 10.5) for step in (0, 10, 11, 20, 21, 99)]
    assert rates == pytest.approx([1, 1, 0.9, 0.9, 0.81, 0.9**9])


def test_momentum_goes_from_a_tenth_to_its_end_pass_by_pass():
    given = Train(steps=30, bn_momentum_end=0.001)
    assert [batch_norm_momentum(given, step, 10) for step in (0, 9, 10, 29)] == pytest.approx([0.1, 0.1, 0.01, 0.001])
    assert batch_norm_momentum(Train(), 5, 10) is None
    assert batch_norm_momentum(given, 3, math.inf) == 0.1


def test_momentum_reaches_the_network(make_run):
    plain, ending = (make_run(bn_momentum_end=end, data={"frames_out": 1}, batch=64) for end in (None, 1e-5))
    weights, others = train(plain).last_weights, train(ending).last_weights
    assert not torch.equal(weights["expand_bn.running_var"], others["expand_bn.running_var"])
    assert torch.equal(weights["shrink.weight"], others["shrink.weight"]), "in training, batches have their own"


def test_amsgrad_is_asked_for():
    parameter = [torch.nn.Parameter(torch.zeros(1))]
    assert make_optimiser(Train(amsgrad=True), parameter).defaults["amsgrad"]
    assert not make_optimiser(Train(), parameter).defaults["amsgrad"]


def test_closed_form_backbones_know_passes_too(make_run):
    run = make_run(backbone=Choice(name="ridge"), passes=1, batch=256, data={"frames_out": 1})
    assert train(run).summary["best_step"] > 1
