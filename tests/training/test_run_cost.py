"""What a run measures of its own network: of the shape it trains, and without a trace in anything it draws."""

from __future__ import annotations

import pytest
import torch

from harness.spec.run import Choice
from harness.training import run_cost
from harness.training.run_cost import measured

NAMES = {"cost.batch", "cost.predict_bytes", "cost.predict_per_second", "cost.step_bytes", "cost.step_per_second"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(run_cost, "_known", {})


def test_a_run_measures_its_own_batch(make_run):
    small, large = measured(make_run(batch=2), 0.0), measured(make_run(batch=8), 0.0)
    assert set(small) == NAMES and all(value > 0 for value in small.values())
    assert (small["cost.batch"], large["cost.batch"]) == (2, 8)
    assert large["cost.predict_bytes"] > 2 * small["cost.predict_bytes"]
    assert small["cost.step_bytes"] > small["cost.predict_bytes"]


def test_runs_of_one_network_share_a_measurement(make_run):
    first = measured(make_run({"mpjpe": {"weight": 1.0}}, seed=0), 0.0)
    again = measured(make_run({"temporal_rdc": {"weight": 0.1}, "mpjpe": {"weight": 1.0}}, seed=1), 0.0)
    assert again == first
    assert measured(make_run(batch=3), 0.0) != first


def test_a_solved_network_takes_no_step(make_run):
    assert set(measured(make_run(backbone=Choice(name="ridge")), 0.0)) == {n for n in NAMES if "step" not in n}


def test_measuring_draws_no_random_number_and_leaves_the_threads_alone(make_run):
    torch.manual_seed(7)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(7)
    measured(make_run(), 0.0)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads
