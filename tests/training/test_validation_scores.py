"""Measures on validation subjects: those that training chose its epoch by, and others, without a trace in the run."""

import pytest
import torch

from harness import training
from harness.spec import load


@pytest.fixture(scope="module")
def run():
    return load("smoke").runs[0]


def test_the_error_is_the_one_that_chose_the_epoch_and_scoring_within_a_run_changes_no_bit_of_it(run):
    plain, told = training.train(run), []

    def score(info):
        scores = training.validation_scores(run, info.best_weights(), ["mpjpe", "order_spatial"], run.train.validate_on)
        told.append(scores)

    watched = training.train(run, on_epoch=score)
    assert told[-1]["mpjpe"] == watched.summary["val_mpjpe_best"] == plain.summary["val_mpjpe_best"]
    assert 0 <= told[-1]["order_spatial"] <= 100
    assert all(torch.equal(watched.last_weights[name], plain.last_weights[name]) for name in plain.last_weights)


def test_levels_are_averaged_and_scored_alone(run):
    weights = training.train(run).best_weights
    each = [training.validation_scores(run, weights, ["order_spatial"], [level]) for level in ("none", "severe")]
    both = training.validation_scores(run, weights, ["order_spatial"], ["none", "severe"])
    assert both["order_spatial"] == pytest.approx(sum(one["order_spatial"] for one in each) / 2)
    assert each[0] != each[1]
