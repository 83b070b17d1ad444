"""kill −9 of a study's driver and of its worker, then the same again: it goes on, and nothing is left RUNNING."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import tracking
from harness.sweep import faults
from harness.tune import run_study
from tests.tune.bodies import FOLDER, SECONDS, error
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


_ON_RAY = """
import sys
from harness.spec import load
from harness.tune import run_study

run_study(load(sys.argv[1]), uri=sys.argv[2], body="tests.tune.bodies:formula", workers=2)
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


def test_a_worker_killed_in_a_run_is_replaced_and_its_trial_ends(
    spec_of, store, tmp_path, folder, monkeypatch, ray_session
):
    # The spec's own learning rate is no point of the space: it is run beside the search, as its default.
    train = {**SPEC["train"], "lr": 0.5}
    spec = spec_of(train=train, study={"pruner": {"name": "asha", "reduction": 2}, "budget": {"trials": 6}})
    fault = ",".join(f"{moment}:{tmp_path / moment}" for moment in ("mid-epoch", "after-seal"))
    monkeypatch.setenv(faults.VARIABLE, fault)
    outcome = run_study(spec, uri=store, body=BODY, workers=2)
    assert (tmp_path / "mid-epoch").exists() and (tmp_path / "after-seal").exists()
    (arm,) = outcome.content["arms"]
    assert sum(arm["states"].values()) == 6 and "FAIL" not in arm["states"] and not outcome.interrupted
    _consistent(spec, store)
    stopped = [run for trial in arm["trials"] if trial["state"] == "PRUNED" for run in trial["runs"]]
    last = {record.run_id: record for record in tracking.records(store, stopped)}
    assert all(last[run].pruned for run in stopped)
    complete = [run for trial in arm["trials"] if trial["state"] == "COMPLETE" for run in trial["runs"]]
    default = arm["default"]
    assert default["number"] is None and default["values"] == [error(spec.runs[0], 9)]
    assert {*complete, *default["runs"]} == set(tracking.finished(store))
    # Done already: neither Ray nor a run is started.
    before = len(os.listdir(folder))
    assert run_study(spec, uri=store, body=BODY).content == outcome.content
    assert len(os.listdir(folder)) == before


def test_a_driver_killed_on_ray_takes_its_workers_with_it_and_the_same_command_goes_on(
    spec_of, store, tmp_path, folder, ray_session
):
    spec = spec_of(study={"pruner": "none", "budget": {"trials": 5}})
    environment = {**os.environ, faults.VARIABLE: f"before-tell:{tmp_path / 'fired'}", SECONDS: "0.02"}
    command = [sys.executable, "-c", _ON_RAY, str(spec.path), store]
    done = subprocess.run(
        command,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        env=environment,
        timeout=120,
        start_new_session=True,
    )
    assert done.returncode == -9
    assert tracking.finished(store)  # the run of the trial that was never told
    (arm,) = run_study(spec, uri=store, body=BODY, workers=2).content["arms"]
    assert arm["states"] == {"COMPLETE": 5}
    _consistent(spec, store)
    assert set(_begun(folder)) <= {1, 2} and sum(_begun(folder)) <= 5 + 1
