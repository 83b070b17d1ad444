"""Drivers that share a study, in a file and on a real PostgreSQL: kill −9, Ctrl-C, a database that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
import yaml

from harness import tracking
from harness.errors import UserError
from harness.spec import load
from harness.sweep import faults
from harness.tune import run_study
from harness.tune.search import standing
from harness.tune.storage import open_storage, place
from tests.tune.bodies import FOLDER, SECONDS
from tests.tune.conftest import SPEC
from tests.tune.loop import BODY

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

_DRIVER = f"""
import sys
from harness.errors import UserError
from harness.spec import load
from harness.tune import run_study

spec, store, storage = sys.argv[1:4]
try:
    found = run_study(load(spec), uri=store, storage=storage, body="{BODY}", workers=2, command="COMMAND")
except UserError as error:
    sys.exit(str(error))
sys.exit(130 if found.interrupted else 0)
"""


@pytest.fixture
def store(tmp_path):
    """The address of an empty store of runs."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking.prepare(uri)
    return uri


@pytest.fixture
def spec(tmp_path):
    """Eight trials of one arm, none of them stopped."""
    study = {**SPEC["study"], "pruner": "none", "budget": {"trials": 8}}
    file = tmp_path / "tuned.yaml"
    file.write_text(yaml.safe_dump({**SPEC, "study": study}))
    return load(file)


@pytest.fixture(params=["file", "postgresql"])
def storage(request, store, postgres):
    """Where the history is kept."""
    return place("tuned", store) if request.param == "file" else postgres.url()


@pytest.fixture
def start(spec, store, storage, tmp_path):
    """Starts a driver of the study; its trials take about a second."""
    (tmp_path / "begun").mkdir()
    begun = []

    def started(**environment: str) -> subprocess.Popen:
        given = {**os.environ, FOLDER: str(tmp_path / "begun"), SECONDS: "0.1", **environment}
        command = [sys.executable, "-c", _DRIVER, str(spec.path), store, storage]
        root = Path(__file__).parents[2]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        begun.append(subprocess.Popen(command, cwd=root, env=given, start_new_session=True, **pipes))
        return begun[-1]

    yield started
    for process in begun:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _begun(tmp_path: Path) -> Counter:
    return Counter(file.name.partition(".")[0] for file in (tmp_path / "begun").iterdir())


def _trials(storage: str) -> list[optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name="tuned: tiny, both", storage=open_storage(storage))
    return study.get_trials(deepcopy=False)


def _states(storage: str) -> Counter:
    assert all(trial.state.name in ("COMPLETE", "FAIL", "PRUNED") for trial in _trials(storage))
    return Counter(trial.state.name for trial in standing(_trials(storage)))


def _until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_two_drivers_share_a_study_and_do_no_trial_twice(start, store, storage, tmp_path):
    drivers = [start(), start()]
    for driver in drivers:
        said, _ = driver.communicate(timeout=300)
        assert driver.returncode == 0, said
    assert _states(storage) == {"COMPLETE": 8}
    owners = {trial.user_attrs["owner"] for trial in _trials(storage)}
    assert len(owners) == 2  # both have worked
    assert len(_begun(tmp_path)) == 8 and set(_begun(tmp_path).values()) == {1}
    assert len(tracking.finished(store)) == 8 and tracking.running(store) == {}


def test_a_driver_that_is_killed_is_outlived_by_the_other_one(start, store, storage, tmp_path):
    killed = start(**{faults.VARIABLE: f"before-tell:{tmp_path / 'fired'}"})
    other = start()
    said, _ = other.communicate(timeout=300)
    assert killed.wait(timeout=60) == -signal.SIGKILL and other.returncode == 0, said
    assert _states(storage) == {"COMPLETE": 8}
    lost = [trial for trial in _trials(storage) if trial.user_attrs.get("lost")]
    assert 1 <= len(lost) <= 2
    # The run that was finished and not told is answered from its record; the one beside it began again.
    assert len(_begun(tmp_path)) == 8 and sum(_begun(tmp_path).values()) <= 8 + 1
    assert len(tracking.finished(store)) == 8 and tracking.running(store) == {}


def test_ctrl_c_stops_in_order_and_the_same_command_goes_on(start, store, storage, tmp_path):
    stopped = start(**{SECONDS: "0.5"})
    _until(lambda: len(_begun(tmp_path)) >= 2)
    os.killpg(stopped.pid, signal.SIGINT)
    said, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 130 and "stopped; this goes on with it: COMMAND" in said and "Traceback" not in said
    assert not any(trial.state.name == "RUNNING" for trial in _trials(storage)) and tracking.running(store) == {}
    on = start()
    assert on.wait(timeout=300) == 0 and _states(storage) == {"COMPLETE": 8}


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
def test_a_database_that_goes_away_ends_the_study_in_a_line_and_the_same_command_goes_on(
    start,
    store,
    storage,
    postgres,
    tmp_path,
):
    driver = start(**{SECONDS: "0.5"})
    _until(lambda: len(_begun(tmp_path)) >= 2)
    postgres.restart(10)
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 1 and "doesn't answer as it should" in said.splitlines()[-1]
    assert "Traceback" not in said and tracking.running(store) == {}
    on = start()
    assert on.wait(timeout=300) == 0 and _states(storage) == {"COMPLETE": 8}


def test_a_database_that_may_not_be_written_is_told_in_a_line(spec, store, postgres):
    url = postgres.url()
    open_storage(url)  # makes the tables
    reader = f"{url}?options=-cdefault_transaction_read_only%3Don"
    with pytest.raises(UserError, match="read-only transaction"):
        run_study(spec, uri=store, storage=reader, body=BODY)
