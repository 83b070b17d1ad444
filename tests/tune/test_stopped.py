"""A study that is told to stop has its trials keep checkpoints, and goes on from these to the same bits."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest
import yaml

from harness import tracking
from harness.spec import load
from harness.training import train
from harness.tune import book, run_study
from harness.tune.work import HALTED, RUNNING, TrialWorker
from tests.sweep.test_long_runs import BODY, check_same, hashes, steps
from tests.sweep.test_long_runs import SPEC as LONG
from tests.tune.loop import drive, searches_of

STUDY = {"space": {"train.lr": {"log": [1e-4, 1e-1]}}, "pruner": "none", "budget": {"trials": 1}}


@pytest.fixture
def spec(tmp_path):
    """A study of one trial, which is the spec's own run: eight steps, checkpoints only when it's told to stop."""
    content = yaml.safe_load(LONG)
    content["resources"]["checkpoint_minutes"] = None
    (tmp_path / "long.yaml").write_text(yaml.safe_dump({**content, "study": STUDY}))
    return load(tmp_path / "long.yaml")


@pytest.fixture
def expected(spec):
    """What the run gives that nobody interrupts."""
    result = train(spec.runs[0])
    return hashes(result.best_weights), hashes(result.last_weights), result.curves


def interrupt(tmp_path, at):
    (tmp_path / "interrupt.json").write_text(json.dumps({"how": "wait", "at": at}))


@pytest.mark.usefixtures("ray_session")
def test_a_signal_to_a_studys_driver_keeps_checkpoints_and_the_next_one_goes_on_from_them(
    spec, store, expected, tmp_path, capfd
):
    interrupt(tmp_path, 6)

    def send():
        while not (tmp_path / "interrupted").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=send, daemon=True).start()
    outcome = run_study(spec, uri=store, body=BODY, workers=1, command="repose tune long.yaml")
    run = spec.runs[0]
    said = capfd.readouterr().out
    assert outcome.interrupted and "stopping: 1 trial at work may keep a checkpoint, for 20 s" in said
    assert "stopped: videopose3d, both #0: the study was stopped; goes on at step 6 of 8" in said
    assert "stopped; this goes on with it: repose tune long.yaml" in said
    assert tracking.running(store) == {}
    [kept] = tracking.checkpoints(store, run.run_id)
    assert (kept.step, kept.steps) == (6, 8)
    (arm,) = drive(spec, store, body=BODY)["arms"]
    assert [(trial["state"], trial["enqueued"]) for trial in arm["trials"]] == [("COMPLETE", "default")]
    assert steps(tmp_path) == [*range(7), *range(6, 9)], "no step was done twice but the one it stopped before"
    check_same(store, run, expected)


def test_a_trial_hears_at_once_that_the_study_ends_and_no_other_run_of_it_begins(spec, store, tmp_path):
    from harness.sweep.worker import Settings

    interrupt(tmp_path, 3)
    (search,) = searches_of(spec, store)
    runs = [search.runs({})[0], search.runs({"train.lr": 0.01})[0]]
    worker = TrialWorker(Settings(store, "long", tracking.myself(), body=BODY), spec.study.metric, 1)
    worker.begin(runs, spec.test)
    while (told := worker.next()).state == RUNNING:
        assert not told.points, "it says nothing while it waits"
        if (tmp_path / "interrupted").exists():
            worker.leave("the study was stopped")
    assert told.state == HALTED and told.reason == "the study was stopped; goes on at step 3 of 8"
    assert tracking.running(store) == {} and not tracking.checkpoints(store, runs[1].run_id)
    worker.begin(runs[1:], spec.test)
    while (told := worker.next()).state == RUNNING:
        assert not told.points
    assert told.state == HALTED
    assert [record.run_id for record in tracking.records(store)] == [runs[0].run_id]


def test_a_worker_of_a_study_that_is_told_to_stop_keeps_a_checkpoint_and_its_trial_goes_on_elsewhere(
    spec, store, expected, tmp_path, monkeypatch
):
    from harness.sweep.worker import Settings

    gone = []

    def end(code):
        gone.append(code)
        raise tracking.Stopped("gone", pruned=False)  # ends the trial's thread: as good here as the process

    interrupt(tmp_path, 4)
    worker = TrialWorker(Settings(store, "long", tracking.myself(), body=BODY), spec.study.metric, 1)
    worker.begin(searches_of(spec, store)[0].runs({}), spec.test)
    with monkeypatch.context() as patched:
        patched.setattr("harness.tune.work.os._exit", end)
        while not gone:
            assert worker.next().state == RUNNING
            if (tmp_path / "interrupted").exists():
                worker.halt("its worker was told to stop (SIGTERM)")
    assert gone == [1] and tracking.running(store) == {}
    (arm,) = drive(spec, store, body=BODY)["arms"]
    assert [trial["state"] for trial in arm["trials"]] == ["COMPLETE"]
    assert steps(tmp_path) == [*range(5), *range(4, 9)]
    check_same(store, spec.runs[0], expected)


class Actor:
    """Stands for a trial's actor."""

    def __init__(self):
        self.told = []
        self.leave = SimpleNamespace(remote=self.told.append)


@pytest.mark.parametrize("grace", [20.0, 0.0])
def test_a_trial_that_does_not_hear_is_waited_for_as_long_as_the_spec_says(monkeypatch, grace):
    now, said = SimpleNamespace(time=100.0), []
    monkeypatch.setattr(book, "time", SimpleNamespace(monotonic=lambda: now.time))
    kept = book.Book([], 2, SimpleNamespace(say=lambda text, *_: said.append(text)), None, grace=grace)
    kept.held = {"a": object(), "b": object()}
    actors = {"a": Actor(), "b": Actor(), "over": Actor()}
    kept.halted = True
    assert kept.ending and not kept.settled, "nobody was asked yet"
    kept.leave(actors)
    if not grace:
        assert kept.settled and not any(actor.told for actor in actors.values())
        assert said == ["stopping; what is finished is kept (once more ends all at once)"]
        return
    assert [len(actor.told) for actor in actors.values()] == [1, 1, 0]
    assert said == ["stopping: 2 trials at work may keep a checkpoint, for 20 s (once more ends all at once)"]
    now.time += 19
    assert not kept.settled
    now.time += 2
    assert kept.settled
