"""A run that is killed, told to stop or out of memory goes on within its epoch, and ends with the same bits."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from pyarrow import parquet

from harness import tracking
from harness.spec import load
from harness.sweep import run_sweep
from harness.sweep.worker import Settings, Worker
from harness.tracking import tags
from harness.tracking.store import client
from harness.training import train

BODY = "tests.sweep.interruptions:execute"
SPEC = """\
name: long
data: {options: {subjects: 4, clips: 1, seconds: 0.6}, window: 27, cameras: {train: 1, test: 1}}
backbone: {name: videopose3d, filter_widths: [3], channels: 8, dropout: 0.25}
train: {steps: 8, batch: 4, epochs: 2, validate_on: [none]}
test: {occlusion: [none], cameras: [seen]}
objectives: {both: {mpjpe: 1, spatial_rdc: 0.1}}
grid: {objective: [both], train_occlusion: [moderate], seed: 1}
resources: {workers: 1, checkpoint_minutes: 1.0e-9}
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the run gives that nobody interrupts."""
    file = tmp_path_factory.mktemp("whole") / "long.yaml"
    file.write_text(SPEC)
    threads = torch.get_num_threads()
    result = train(load(file).runs[0])
    assert torch.get_num_threads() == threads
    return hashes(result.best_weights), hashes(result.last_weights), result.curves


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "long.yaml").write_text(SPEC)
    return load(tmp_path / "long.yaml")


@pytest.fixture
def only_when_told(spec):
    """The same without checkpoints now and then."""
    return load(spec.path, ["resources.checkpoint_minutes=null"])


def hashes(weights):
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in weights.items()}


def interrupt(tmp_path: Path, how: str, at: int) -> None:
    (tmp_path / "interrupt.json").write_text(json.dumps({"how": how, "at": at}))


def steps(tmp_path: Path) -> list[int]:
    """The steps before which the run stood, in order."""
    return [int(line.split()[1]) for line in (tmp_path / "steps").read_text().splitlines()]


def check_same(store, run, expected):
    record = tracking.finished(store)[run.run_id]
    for name, wanted in zip(("best.pt", "last.pt"), expected, strict=False):
        assert hashes(torch.load(tracking.path(store, record, name), weights_only=True)) == wanted
    rows = parquet.read_table(tracking.path(store, record, "curves.parquet")).to_pylist()
    assert sorted((r["name"], r["step"], r["value"]) for r in rows) == sorted(expected[2])
    assert not tracking.running(store)
    assert not tracking.checkpoints(store, run.run_id), "the run is finished"
    assert not list(Path(store.removeprefix("sqlite:///")).parent.rglob("*checkpoint*"))


@pytest.mark.usefixtures("ray_session")
def test_killed_it_loses_what_came_after_its_last_checkpoint(store, spec, expected, tmp_path, capfd):
    """As the kernel kills who takes too much memory, too."""
    interrupt(tmp_path, "kill", 6)
    outcome = run_sweep(spec, uri=store, body=BODY)
    assert outcome.finished == [spec.runs[0].run_id] and not outcome.failed
    # It went on at the step of its last checkpoint, the one before: one step was done again, of eight.
    assert steps(tmp_path) == [*range(6), *range(5, 9)]
    check_same(store, spec.runs[0], expected)
    assert "again: videopose3d both" in capfd.readouterr().out
    assert [record.status for record in tracking.records(store)] == ["KILLED", "FINISHED"]


@pytest.mark.usefixtures("ray_session")
def test_sigterm_to_a_worker_keeps_a_checkpoint_and_costs_no_step_and_no_attempt(
    store, only_when_told, expected, tmp_path, capfd
):
    interrupt(tmp_path, "term", 3)
    spec = only_when_told
    outcome = run_sweep(spec, uri=store, body=BODY, retries=0)
    assert outcome.finished == [spec.runs[0].run_id] and not outcome.failed
    assert steps(tmp_path) == [0, 1, 2, 3, *range(3, 9)], "stopped before step 3, gone on there"
    check_same(store, spec.runs[0], expected)
    said = "its worker was told to stop (SIGTERM); goes on at step 3 of 8"
    assert said in capfd.readouterr().out
    [first, second] = tracking.records(store)
    assert first.status == "KILLED" and first.reason == said
    log = tracking.path(store, second, "log.txt").read_text()
    assert "goes on from the checkpoint at step 3 of 8" in log
    assert int((tmp_path / "interrupted").read_text()) != os.getpid()


@pytest.mark.usefixtures("ray_session")
def test_a_signal_to_the_driver_has_its_workers_keep_checkpoints_and_the_same_command_goes_on(
    store, only_when_told, expected, tmp_path, capfd
):
    interrupt(tmp_path, "wait", 6)
    spec = only_when_told

    def send():
        while not (tmp_path / "interrupted").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=send, daemon=True).start()
    outcome = run_sweep(spec, uri=store, body=BODY, command="repose run long.yaml")
    run = spec.runs[0]
    assert outcome.interrupted and outcome.left == [run.run_id] and not outcome.failed
    out = capfd.readouterr().out
    assert "stopping: 1 run at work may keep a checkpoint, for 20 s" in out
    assert "the sweep was stopped; goes on at step 6 of 8" in out and "repose run long.yaml" in out
    assert not tracking.running(store)
    [kept] = tracking.checkpoints(store, run.run_id)
    assert (kept.step, kept.steps) == (6, 8)
    assert [file.name for file in tmp_path.rglob("*checkpoint*")] == [kept.name]

    again = run_sweep(spec, uri=store, body=BODY)
    assert again.finished == [run.run_id]
    assert steps(tmp_path) == [*range(7), *range(6, 9)]
    check_same(store, run, expected)


@pytest.fixture
def worker(store):
    """A function that makes a worker in this process, as it is plain Python."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda: Worker(Settings(store, "long", tracking.myself(), body=BODY, checkpoint_minutes=1e-9))
    signal.signal(signal.SIGTERM, before)


def test_out_of_memory_it_is_tried_again_from_its_last_checkpoint(store, spec, expected, tmp_path, worker):
    interrupt(tmp_path, "fail", 2)
    first = worker().do(spec.runs[0], spec.test, 0)
    assert (first.status, first.final) == ("failed", False) and "MemoryError" in first.reason
    assert worker().do(spec.runs[0], spec.test, 1).status == "finished"
    assert steps(tmp_path) == [*range(2), *range(1, 9)]
    check_same(store, spec.runs[0], expected)
    [_, second] = tracking.records(store)
    assert client(store).get_run(second.mlflow_id).data.tags[tags.RESUMED] == "1/8"


def test_a_checkpoint_that_does_not_fit_is_told_and_the_run_begins_anew(store, spec, expected, tmp_path, worker):
    interrupt(tmp_path, "fail", 5)
    run = spec.runs[0]
    assert worker().do(run, spec.test, 0).status == "failed"
    [kept] = tracking.checkpoints(store, run.run_id)
    [file] = tmp_path.rglob(kept.name)
    file.write_bytes(file.read_bytes()[:-1])
    assert worker().do(run, spec.test, 1).status == "finished"
    assert steps(tmp_path) == [*range(5), *range(9)]
    check_same(store, run, expected)
    log = tracking.path(store, tracking.finished(store)[run.run_id], "log.txt").read_text()
    assert "not gone on from the checkpoint at step 4 of 8" in log and "its file isn't whole" in log


def test_a_run_that_diverged_keeps_no_checkpoint(store, tmp_path, worker):
    (tmp_path / "long.yaml").write_text(SPEC)
    spec = load(tmp_path / "long.yaml", ["train.lr=1.0e+30", "train.clip_norm=0"])
    run = spec.runs[0]
    outcome = worker().do(run, spec.test, 0)
    assert outcome.final and "became" in outcome.reason and len(steps(tmp_path)) > 1
    assert not tracking.checkpoints(store, run.run_id) and not list(tmp_path.rglob("*checkpoint*"))


def test_told_to_stop_when_all_is_trained_only_the_scoring_is_done_again(
    store, spec, expected, tmp_path, monkeypatch, worker
):
    from harness import training

    first, run, held, genuine = worker(), spec.runs[0], [], training.evaluate

    def told(*arguments):
        tracking.drop_checkpoints(store, run.run_id)
        first.halt("its worker was told to stop (SIGTERM)")
        end = time.monotonic() + 10
        while not tracking.checkpoints(store, run.run_id) and time.monotonic() < end:
            time.sleep(0.01)
        held.extend(tracking.checkpoints(store, run.run_id))
        raise RuntimeError("ended")

    monkeypatch.setattr(training, "evaluate", told)
    assert first.do(run, spec.test, 0).status == "failed"
    assert [kept.step for kept in held] == [8]
    assert first.do(run, spec.test, 1).status == "halted", "it does no more"
    monkeypatch.setattr(training, "evaluate", genuine)
    assert worker().do(run, spec.test, 1).status == "finished"
    assert steps(tmp_path) == [*range(9), 8]
    check_same(store, run, expected)
