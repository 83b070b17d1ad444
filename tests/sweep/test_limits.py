"""A run beyond its time or memory is stopped, with a checkpoint and the reason, and left alone until that is raised."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import tracking
from harness.errors import UserError
from harness.spec import load
from harness.sweep import limits, run_sweep
from harness.sweep.keeper import Keeper
from harness.sweep.limits import Guard, Limits
from harness.sweep.worker import Outcome, Settings, Worker
from harness.training import StepInfo
from tests.sweep.bodies import FakeRun, spec_of

BODY = "tests.sweep.bodies:trivial"
SHORT = Limits(hours=0.2 / 3600)


class Watched:
    """A guard whose clock and memory the test sets, and what it did."""

    def __init__(self, **given: float) -> None:
        self.now, self.memory, self.stopped, self.ended = 0.0, 1e9, [], 0
        self.guard = Guard(Limits(**given), lambda: self.now, lambda: int(self.memory))

    def begin(self) -> None:
        self.guard.begin(self.stopped.append, self.end)

    def end(self) -> None:
        self.ended += 1

    def at(self, now: float) -> Watched:
        self.now = now
        self.guard.look()
        return self


def test_a_run_is_stopped_once_it_took_too_long_and_ended_if_it_takes_no_steps_any_more():
    watched = Watched(hours=1.0)
    watched.at(1e6)
    assert not watched.stopped, "no run is at work"
    watched.begin()
    assert not watched.at(1e6 + 3599).stopped
    assert watched.at(1e6 + 3601).stopped == ["it took more than its 1 h (resources.hours)"]
    assert not watched.at(1e6 + 3601 + limits.GRACE).ended
    assert watched.at(1e6 + 3602 + limits.GRACE).ended == 1 and len(watched.stopped) == 1


def test_the_parts_of_a_run_that_is_gone_on_with_count_together():
    watched = Watched(hours=1.0)
    watched.begin()
    watched.guard.spent(3500.0)
    assert not watched.at(99).stopped and watched.at(101).stopped
    watched.begin()
    assert watched.guard.beyond is None and watched.at(200) and len(watched.stopped) == 1


def test_memory_is_watched_and_a_run_that_has_ended_is_left_alone():
    watched = Watched(memory=2.0)
    watched.begin()
    watched.memory = 2.5e9
    assert watched.at(1).stopped == ["it held 2.50 GB of memory, more than its 2 GB (resources.memory)"]
    watched.guard.over()
    assert not watched.at(1e4).ended


def test_memory_is_what_a_process_has_for_itself(tmp_path):
    before = limits.held()
    kept = bytearray(os.urandom(1 << 20) * 40)
    assert limits.held() - before > 30e6
    file = tmp_path / "mapped"
    file.write_bytes(kept)
    del kept
    before = limits.held()
    with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(mapped[:: mmap.PAGESIZE]) >= 0
        assert limits.held() - before < 10e6, "a mapped file is shared by the runs of a node"
    assert not limits.worn(Limits(memory=1e3)) and limits.worn(Limits(memory=1e-3)) and not limits.worn(Limits())


@pytest.mark.usefixtures("ray_session")
def test_a_run_beyond_its_time_fails_once_and_is_left_alone_until_the_limit_is_raised(store, capfd):
    spec = spec_of(2)
    spec.runs[1] = FakeRun(1, {"seconds": 1.0})
    slow = spec.runs[1].run_id
    spec.resources.hours = 1.5 / 3600
    first = run_sweep(spec, uri=store, body=BODY)
    reason = "it took more than its 0.000416667 h (resources.hours)"
    assert first.finished == [spec.runs[0].run_id] and first.failed == {slow: reason} and not first.beyond
    assert [record.status for record in tracking.records(store, [slow])] == ["FAILED"], "not tried again"
    out = capfd.readouterr().out
    assert f"failed: abs 1: {reason}" in out and "again" not in out

    second = run_sweep(spec, uri=store, body=BODY)
    assert second.failed == {slow: reason} and second.beyond == [slow] and not second.finished and not second.left
    assert len(tracking.records(store, [slow])) == 1

    spec.resources.hours = 1.0
    third = run_sweep(spec, uri=store, body=BODY)
    assert third.finished == [slow] and not third.failed and not tracking.running(store)


def test_who_names_a_run_has_it_tried_under_the_same_limit(store):
    worker = Worker(Settings(store, "fake", tracking.myself(), body=BODY, limits=SHORT))
    run = FakeRun(0, {"seconds": 0.8})
    outcome = worker.do(run, None, 0)
    assert (outcome.status, outcome.final, outcome.worn) == ("failed", True, True)
    assert list(limits.beyond(store, [run.run_id], SHORT)) == [run.run_id]
    assert not limits.beyond(store, [run.run_id], Limits()) and not limits.beyond(store, [run.run_id], Limits(hours=1))
    assert not limits.beyond(store, [run.run_id], Limits(memory=1e-6)), "that was no matter"
    assert list(limits.beyond(store, [run.run_id], Limits(hours=1e-9, memory=9.0))) == [run.run_id]


_HANGS = """
import sys, time
from types import SimpleNamespace
from harness import tracking
from harness.sweep import limits
from harness.sweep.worker import Settings, Worker
from tests.sweep.bodies import FakeRun

def body(run, test, logger, on_epoch):
    kept = bytearray(b"x") * 240_000_000
    time.sleep(60)

limits.GRACE = 0.5
settings = Settings(sys.argv[1], "fake", tracking.myself(), body="__main__:body", limits=limits.Limits(memory=0.25))
Worker(settings).do(FakeRun(0), None, 0)
"""


def test_a_run_that_takes_no_steps_is_ended_with_its_process_and_its_record_says_why(store):
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _HANGS, store], cwd=Path(__file__).parents[2], timeout=60)
    assert done.returncode == 1 and time.monotonic() - begin < 55
    [record] = tracking.records(store, statuses=("FAILED",), details=True)
    assert "GB of memory, more than its 0.25 GB" in record.reason and "didn't stop when asked" in record.reason
    assert json.loads(record.limit) == {"memory": 0.25}


SPEC = """\
name: slow
data: {options: {subjects: 4, clips: 1, seconds: 0.6}, window: 27, cameras: {train: 1, test: 1}}
backbone: {name: videopose3d, filter_widths: [3], channels: 8}
train: {steps: 8, batch: 4, epochs: 1, validate_on: [none]}
test: {occlusion: [none], cameras: [seen]}
objectives: {abs: {mpjpe: 1}}
grid: {seed: 1}
"""


def test_a_training_beyond_its_time_keeps_what_it_has_for_whoever_raises_the_limit(store, tmp_path, monkeypatch):
    (tmp_path / "slow.yaml").write_text(SPEC)
    spec = load(tmp_path / "slow.yaml")
    [run] = spec.runs
    spent, genuine = [], Keeper.__call__

    def attempt(generation: int) -> Outcome:
        worker = Worker(Settings(store, "slow", tracking.myself(), checkpoint_minutes=None))
        worker._guard, now = Guard(Limits(hours=1.0), lambda: now[0]), [0.0]
        count, worker._guard.spent = worker._guard.spent, lambda seconds: (spent.append(seconds), count(seconds))

        def step(keeper: Keeper, info: StepInfo) -> None:
            if info.step == 3 + generation:
                now[0] = 3601.0
                worker._guard.look()
            genuine(keeper, info)

        monkeypatch.setattr(Keeper, "__call__", step)
        return worker.do(run, spec.test, generation)

    outcome = attempt(0)
    reason = "it took more than its 1 h (resources.hours); goes on at step 3 of 8"
    assert (outcome.status, outcome.final, outcome.reason) == ("failed", True, reason) and not spent
    [kept] = tracking.checkpoints(store, run.run_id)
    assert kept.step == 3
    outcome = attempt(1)
    assert outcome.status == "failed" and "goes on at step 4 of 8" in outcome.reason and 0 < spent[0] < 60
    monkeypatch.setattr(Keeper, "__call__", genuine)
    done = Worker(Settings(store, "slow", tracking.myself(), checkpoint_minutes=None)).do(run, spec.test, 2)
    assert done.status == "finished"
    log = tracking.path(store, tracking.finished(store)[run.run_id], "log.txt").read_text()
    assert "goes on from the checkpoint at step 4 of 8" in log


def test_limits_are_no_part_of_a_runs_identity(tmp_path):
    (tmp_path / "slow.yaml").write_text(SPEC)
    plain, limited = load(tmp_path / "slow.yaml"), load(tmp_path / "slow.yaml", ["resources.hours=0.5"])
    assert limited.resources.hours == 0.5 and [r.run_id for r in plain.runs] == [r.run_id for r in limited.runs]
    with pytest.raises(UserError, match="greater than 0"):
        load(tmp_path / "slow.yaml", ["resources.hours=0"])
