"""kill −9 of a study's driver and of its worker, then the same again: it goes on, and nothing is left RUNNING."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness import tracking
from harness.sweep import faults
from harness.tune import run_study
from tests.tune.bodies import FOLDER, error
from tests.tune.conftest import SPEC
from tests.tune.loop import BODY, searches_of

_DRIVER = """
import json, os, sys
from harness import tracking
from harness.spec import load
from tests.tune.conftest import SPEC
from tests.tune.loop import drive

tracking.preload()  # once: each study below is a fork that is killed at its moment
file, store, moments = sys.argv[1], sys.argv[2], sys.argv[3:]
spec, died = load(file), []
for moment in moments:
    child = os.fork()
    if not child:
        os.environ["REPOSE_FAULT"] = f"{moment}:{file}.{moment}"
        drive(spec, store)
        os._exit(0)
    died.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
found = drive(spec, store)
print(json.dumps([died, found]))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    made = tmp_path / "begun"
    made.mkdir()
    monkeypatch.setenv(FOLDER, str(made))
    return made


def _begun(folder: Path) -> list[int]:
    names = [file.name.partition(".")[0] for file in folder.iterdir()]
    return [names.count(name) for name in sorted(set(names))]


def _consistent(spec, store) -> None:
    assert tracking.running(store) == {}
    assert all(trial.state.name != "RUNNING" for search in searches_of(spec, store) for trial in search.trials())


def test_a_driver_killed_at_each_moment_goes_on_and_trains_nothing_twice(spec_of, store, tmp_path, folder):
    spec = spec_of(study={"pruner": "none", "budget": {"trials": 5}})
    moments = ["after-ask", "mid-epoch", "after-report", "after-seal", "before-tell", "after-tell"]
    command = [sys.executable, "-c", _DRIVER, str(spec.path), store, *moments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=120)
    assert done.returncode == 0, done.stderr
    died, found = json.loads(done.stdout)
    assert died == [-9] * len(moments)
    (arm,) = found["arms"]
    assert arm["states"] == {"COMPLETE": 5}
    assert len({json.dumps(trial["params"]) for trial in arm["trials"]}) == 5
    # A run that was killed in the middle began again; one that was finished, or sealed, never.
    assert sum(_begun(folder)) - 5 == 2 and max(_begun(folder)) <= 3
    _consistent(spec, store)


def test_a_worker_killed_in_a_run_is_replaced_and_ray_tunes_stopped_trials_are_pruned_never_complete(
    spec_of, store, tmp_path, folder, monkeypatch, ray_session
):
    # The spec's own learning rate is the best one and goes first: whatever comes third has a better one before it.
    space = {"train.lr": {"categorical": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1]}}
    study = {"space": space, "sampler": "grid", "pruner": {"name": "asha", "reduction": 6}, "budget": {"trials": 6}}
    spec = spec_of(train={**SPEC["train"], "lr": 3e-3}, study=study)
    fault = ",".join(f"{moment}:{tmp_path / moment}" for moment in ("mid-epoch", "after-seal"))
    monkeypatch.setenv(faults.VARIABLE, fault)
    outcome = run_study(spec, uri=store, body=BODY, workers=2)
    assert (tmp_path / "mid-epoch").exists() and (tmp_path / "after-seal").exists()
    (arm,) = outcome.content["arms"]
    (search,) = searches_of(spec, store)
    states = Counter(trial.state.name for trial in search.trials())
    assert states == arm["states"] and set(states) == {"COMPLETE", "PRUNED"} and states.total() == 6
    assert not outcome.interrupted
    _consistent(spec, store)
    last_step = {trial.number: max(trial.intermediate_values) for trial in search.trials()}
    assert all((last_step[trial["number"]] == 9) == (trial["state"] == "COMPLETE") for trial in arm["trials"])
    stopped = [run for trial in arm["trials"] if trial["state"] == "PRUNED" for run in trial["runs"]]
    last = {record.run_id: record for record in tracking.records(store, stopped)}
    assert all(last[run].pruned for run in stopped)
    complete = [run for trial in arm["trials"] if trial["state"] == "COMPLETE" for run in trial["runs"]]
    assert set(complete) == set(tracking.finished(store))
    assert arm["default"]["values"] == [error(spec.runs[0], 9)] and arm["best"] == [0]
    # Done already: neither Ray nor a run is started.
    before = len(os.listdir(folder))
    assert run_study(spec, uri=store, body=BODY).content == outcome.content
    assert len(os.listdir(folder)) == before
