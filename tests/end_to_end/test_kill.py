"""kill −9 at named moments, then the same command again: every run finished once, none left RUNNING."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import tracking
from harness.sweep import faults, run_sweep
from tests.sweep.bodies import spec_of

ROOT = Path(__file__).parents[2]
BODY = "tests.sweep.bodies:trivial"
SWEEP = """
import sys
from harness.sweep import run_sweep
from tests.sweep.bodies import spec_of
outcome = run_sweep(
    spec_of(int(sys.argv[2]), seconds=float(sys.argv[3])), uri=sys.argv[1], body="tests.sweep.bodies:trivial",
    command="repose run spec.yaml",
)
print("outcome", len(outcome.finished), len(outcome.skipped), len(outcome.failed), outcome.interrupted)
"""


def driver(store: str, runs: int, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-c", SWEEP, store, str(runs), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check_all_finished_once(store: str, runs: int) -> None:
    by_status: dict[str, list[str]] = {}
    for record in tracking.records(store):
        by_status.setdefault(record.status, []).append(record.run_id)
    assert sorted(by_status["FINISHED"]) == sorted(run.run_id for run in spec_of(runs).runs)
    assert "RUNNING" not in by_status
    assert len(tracking.read_evaluations(store, by_status["FINISHED"])) == runs


def until_running(store: str, process: subprocess.Popen) -> list[tracking.Record]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the driver ended before a run was at work"
        running = list(tracking.running(store).values())
        if running:
            return running
        time.sleep(0.05)
    raise AssertionError("no run was at work within a minute")


@pytest.mark.usefixtures("ray_session")
def test_workers_killed_at_every_named_moment_cost_nothing_but_time(store, tmp_path, monkeypatch):
    """One run after the other dies at the next moment; the same sweep again does what is missing."""
    files = {moment: tmp_path / moment for moment in faults.OF_WORKERS}
    monkeypatch.setenv(faults.VARIABLE, ",".join(f"{moment}:{file}" for moment, file in files.items()))
    first = run_sweep(spec_of(6), uri=store, workers=1, body=BODY, retries=0)
    assert all(file.exists() for file in files.values())
    # The one that died after its seal had everything in place: it counts.
    assert (len(first.failed), len(first.finished)) == (4, 2)
    assert not tracking.running(store)
    second = run_sweep(spec_of(6), uri=store, workers=1, body=BODY)
    assert (len(second.finished), len(second.skipped)) == (4, 2) and not second.failed
    check_all_finished_once(store, 6)


@pytest.mark.usefixtures("ray_session")
def test_a_killed_worker_is_replaced_and_its_run_done_in_the_same_sweep(store, tmp_path, monkeypatch):
    monkeypatch.setenv(faults.VARIABLE, f"mid-epoch:{tmp_path / 'fired'}")
    outcome = run_sweep(spec_of(2), uri=store, workers=1, body=BODY)
    assert (tmp_path / "fired").exists()
    assert len(outcome.finished) == 2 and not outcome.failed
    check_all_finished_once(store, 2)


def test_a_killed_driver_takes_its_workers_with_it_and_the_next_one_goes_on(store):
    first = driver(store, 4, 0.5)
    owners = [record.owner for record in until_running(store, first)]
    first.kill()
    first.wait()
    assert all(owner is not None and not tracking.is_alive(owner) for owner in owners)
    second = driver(store, 4, 0.05)
    out, _ = second.communicate(timeout=120)
    assert "outcome" in out and " 0 False" in out
    check_all_finished_once(store, 4)
    end = time.monotonic() + 10
    while any(tracking.process_alive(owner) for owner in owners if owner) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(tracking.process_alive(owner) for owner in owners if owner)


def test_ctrl_c_leaves_a_consistent_store_and_prints_the_command_that_goes_on(store):
    process = driver(store, 6, 0.5)
    owners = [record.owner for record in until_running(store, process)]
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "True" in out.splitlines()[-1]
    assert "repose run spec.yaml" in out
    assert not tracking.running(store)
    assert "the sweep was stopped" in tracking.failed(store).values()
    assert not any(tracking.process_alive(owner) for owner in owners if owner)
