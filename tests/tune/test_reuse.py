"""Warm start: finished runs become trials, whoever trained them."""

import pytest

from harness import tracking
from harness.tune import read, reuse
from tests.tune.bodies import error
from tests.tune.loop import drive, searches_of

RATES = [0.002, 0.005, 0.5]


@pytest.fixture
def trained(spec_of, store):
    """Runs of two seeds at three learning rates, one of them outside the range of `SPEC`."""
    study = {"space": {"train.lr": {"categorical": RATES}}, "sampler": "grid", "over": {"seeds": 2}, "pruner": "none"}
    drive(spec_of(name="earlier", study=study), store)


def test_finished_runs_become_complete_trials_that_cost_no_budget(trained, spec_of, store):
    space = {"train.lr": {"log": [1e-4, 1e-1]}}
    spec = spec_of(study={"space": space, "over": {"seeds": 2}, "budget": {"trials": 1}, "pruner": "none"})
    (search,) = searches_of(spec, store)
    assert reuse.add(search, store) == 2 and reuse.add(search, store) == 0
    added = [trial for trial in search.trials() if trial.user_attrs.get("reused")]
    assert [trial.params["train.lr"] for trial in added] == RATES[:2]
    runs = search.runs(added[0].params)
    assert added[0].value == pytest.approx(sum(error(run, 9) for run in runs) / 2)
    assert {run.run_id for run in runs} <= set(tracking.finished(store))
    (arm,) = drive(spec, store)["arms"]
    assert arm["states"] == {"COMPLETE": 3} and [trial["reused"] for trial in arm["trials"]].count(True) == 2
    assert read(spec, store)["arms"] == [arm]


def test_runs_of_another_seed_or_another_network_are_none_of_the_studys(trained, spec_of, store):
    space = {"train.lr": {"log": [1e-4, 1e-1]}}
    (search,) = searches_of(spec_of(study={"space": space, "over": {"seeds": [2]}}), store)
    assert reuse.add(search, store) == 0
    wider = {"tiny": {"base": "videopose3d", "filter_widths": [3, 3], "channels": 24}}
    (search,) = searches_of(spec_of(name="wider", backbones=wider, study={"space": space, "over": {"seeds": 2}}), store)
    assert reuse.add(search, store) == 0
