"""The last checkpoint of a run: whole at every moment, alone, found by whoever takes the run over, gone in the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace

import pytest

from harness import tracking
from harness.tracking import artifacts
from harness.tracking.direct import client
from tests.tracking.runs import Run, begun


def files(tmp_path):
    return sorted(file.name for file in tmp_path.rglob("*checkpoint*"))


def content_of(store, run_id="r0"):
    [found] = tracking.checkpoints(store, run_id)
    return tracking.read_checkpoint(store, found)


def test_the_last_one_is_kept_alone_and_pointed_to(store, tmp_path):
    kept = begun(store).checkpoints
    assert kept.earlier() == [] and tracking.checkpoints(store, "r0") == []
    for step in (1, 2, 3):
        assert kept.keep(f"state {step}".encode(), step, 9, wait=True)
        assert content_of(store) == f"state {step}".encode() and len(files(tmp_path)) == 1
    [found] = tracking.checkpoints(store, "r0")
    assert (found.step, found.steps, found.hardware) == (3, 9, tracking.hardware())
    kept.drop()
    assert not files(tmp_path) and not tracking.checkpoints(store, "r0")
    kept.drop()  # nothing to remove any more
    tracking.drop_checkpoints(store, "r0")


def test_whoever_takes_over_finds_it_and_removes_it_with_the_first_of_his_own(store, tmp_path):
    first, other = begun(store), begun(store, "other")
    other.checkpoints.keep(b"another run's", 1, 9, wait=True)
    first.checkpoints.keep(b"state", 4, 9, wait=True)
    first.fail("killed", status="KILLED")
    second = begun(store, generation=1)
    [found] = second.checkpoints.earlier()
    assert found.record.mlflow_id == first.mlflow_id and tracking.read_checkpoint(store, found) == b"state"
    second.checkpoints.keep(b"further", 6, 9, wait=True)
    [found] = tracking.checkpoints(store, "r0")
    assert found.record.mlflow_id == second.mlflow_id and content_of(store) == b"further"
    assert len(files(tmp_path)) == 2, "the other run's is left alone"
    third = begun(store, generation=2)
    third.checkpoints.drop()
    assert not tracking.checkpoints(store, "r0") and content_of(store, "other") == b"another run's"


def test_what_a_killed_writer_left_half_written_goes_with_the_others(store, tmp_path):
    first = begun(store)
    place = client(store).get_run(first.mlflow_id).info.artifact_uri
    child = os.fork()
    if child == 0:  # killed before its first checkpoint is whole: nothing points to it
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        artifacts.write(store, first.mlflow_id, place, "checkpoint-a.pt", b"half", durable=True)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    [left] = tmp_path.rglob(".checkpoint-a.pt.*")
    second = begun(store, generation=1)
    second.checkpoints.keep(b"whole", 1, 9, wait=True)
    assert not left.exists() and content_of(store) == b"whole"
    left.write_bytes(b"half")
    second.checkpoints.keep(b"further", 2, 9, wait=True)
    second.checkpoints.drop()
    tracking.drop_checkpoints(store, "r0")
    assert not left.exists() and not files(tmp_path)


@pytest.mark.parametrize("moment", ["the file", "the pointer"])
def test_one_that_fails_or_is_cut_short_leaves_the_one_before(store, tmp_path, monkeypatch, moment):
    logger = begun(store)
    kept = logger.checkpoints
    assert kept.keep(b"one", 1, 9, wait=True)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if moment == "the file":
            patch.setattr("os.fsync", full)
        else:
            patch.setattr(type(client(store)), "set_tag", full)
        assert not kept.keep(b"two", 2, 9, wait=True)
    assert content_of(store) == b"one"
    assert not list(tmp_path.rglob(".checkpoint*")), "no part of a file is left on the full disk"
    assert "no checkpoint could be kept at step 2 of 9: OSError: [Errno 28]" in logger.lines.content()[0].decode()
    assert kept.keep(b"three", 3, 9, wait=True)
    assert content_of(store) == b"three" and len(files(tmp_path)) == 1


def test_one_that_is_gone_or_not_whole_is_said_to_be(store, tmp_path):
    begun(store).checkpoints.keep(b"state", 1, 9, wait=True)
    [found] = tracking.checkpoints(store, "r0")
    [file] = tmp_path.rglob("checkpoint*")
    file.write_bytes(b"stat")
    with pytest.raises(tracking.NoCheckpoint, match="isn't whole"):
        tracking.read_checkpoint(store, found)
    file.unlink()
    with pytest.raises(tracking.NoCheckpoint, match="FileNotFoundError"):
        tracking.read_checkpoint(store, found)


def test_training_does_not_wait_for_one_and_a_slow_store_gets_fewer(store, monkeypatch):
    go, genuine = threading.Event(), artifacts.write

    def slow(*arguments, **options):
        go.wait(10)
        genuine(*arguments, **options)

    monkeypatch.setattr(artifacts, "write", slow)
    kept = begun(store).checkpoints
    assert kept.keep(b"one", 1, 9) and not kept.keep(b"two", 2, 9), "the first is being written still"
    go.set()
    assert kept.keep(b"three", 3, 9, wait=True)
    assert content_of(store) == b"three"


def test_they_are_due_after_so_many_minutes_or_never(store):
    logger = begun(store)
    held = tracking.claim(store, "r1", 0, tracking.myself())
    often = tracking.RunLogger(store, Run("r1"), "spec", held, checkpoint_minutes=0.05 / 60).start().checkpoints
    assert not often.due
    time.sleep(0.06)
    assert often.due and not logger.checkpoints.due
    often.keep(b"state", 1, 9, wait=True)
    assert not often.due


def test_asked_when_at_rest_one_is_kept_at_once(store):
    kept, done = begun(store).checkpoints, threading.Event()
    kept.rest(done.set)
    assert kept.asked is None
    kept.ask("the node is wanted back")
    kept.ask("again")
    assert kept.asked == "the node is wanted back" and done.wait(5)


def test_the_record_of_an_owner_who_died_after_the_seal_loses_its_checkpoint_when_it_is_closed(store, tmp_path):
    logger = begun(store, owner=replace(tracking.myself(), started="0"))
    logger.checkpoints.keep(b"state", 9, 9, wait=True)

    class Died(BaseException):
        pass

    def die():
        raise Died

    with pytest.raises(Died):
        logger.finish(after_seal=die)
    assert "r0" in tracking.survey(store, ["r0"]).finished
    assert not files(tmp_path) and not tracking.checkpoints(store, "r0")
