"""The lines of a run: what is taken down, how much of it is kept, and when it stands in the record."""

import logging
import sys
import threading
import time

import pytest

from harness import tracking
from harness.tracking import run_log
from harness.tracking.artifacts import LOG
from harness.tracking.run_log import RunLog
from harness.tracking.store import client
from tests.tracking.runs import begun


def text(log: RunLog) -> str:
    return log.content()[0].decode()


def test_what_is_printed_and_logged_becomes_lines_and_is_printed_all_the_same(capsys):
    log = RunLog()
    with log.listening():
        print("from the network")
        print("in an", end="", file=sys.stderr)
        print(" unfinished line\rover it\nlast", file=sys.stderr)
        threading.Thread(target=print, args=("from a thread",)).start()
        logging.getLogger("torch").warning("recompiled")
        logging.getLogger("torch").info("of no interest")
        time.sleep(0.05)
    print("afterwards")
    shown = text(log)
    for said in ("from the network", "over it", "last", "from a thread", "torch: recompiled"):
        assert said in shown
    assert "of no interest" not in shown and "afterwards" not in shown
    assert all(line[4] == "-" and line[19:21] == "  " for line in shown.splitlines())
    out, _ = capsys.readouterr()
    assert "from the network\n" in out and "afterwards" in out


@pytest.mark.parametrize("apart", [False, True])
def test_a_library_that_keeps_its_messages_from_the_root_is_heard_once(monkeypatch, apart):
    monkeypatch.setattr(logging.getLogger("torch"), "propagate", not apart)
    log = RunLog()
    with log.listening():
        logging.getLogger("torch").warning("recompiled")
    assert text(log).count("torch: recompiled") == 1


def test_a_loop_that_prints_keeps_its_beginning_and_its_end(monkeypatch):
    monkeypatch.setattr(run_log, "HEAD", 1000)
    monkeypatch.setattr(run_log, "TAIL", 4000)
    log = RunLog()
    for number in range(1000):
        log.say(f"line {number}")
    lines = text(log).splitlines()
    assert "line 0" in lines[0] and "line 999" in lines[-1] and len(text(log)) < 5200
    [gap] = [place for place, line in enumerate(lines) if "left out" in line]
    told = int(lines[gap].split()[1])
    assert len(lines) - 1 + told == 1000


def test_a_finished_record_holds_its_lines_and_one_that_failed_says_why(store):
    logger = begun(store)
    logger.lines.say("step 1 of 10")
    logger.finish()
    shown = tracking.path(store, tracking.finished(store)["r0"], LOG).read_text()
    assert [line[21:].partition(":")[0] for line in shown.splitlines()] == [
        "run r0 (both 0) of spec",
        "step 1 of 10",
        "finished",
    ]
    other = begun(store, "r1")
    other.fail("ValueError: no\n\nTraceback: here")
    [record] = tracking.records(store, ["r1"])
    assert tracking.path(store, record, LOG).read_text().endswith("  Traceback: here\n")


def test_lines_of_a_run_at_work_stand_in_its_record_before_it_ends(store):
    logger = begun(store)
    logger.lines.say("at work")
    [record] = tracking.records(store)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if "at work" in tracking.path(store, record, LOG).read_text():
                break
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    else:
        pytest.fail("the lines never came")
    logger.finish()


def test_a_heartbeat_tells_how_far_the_run_is(store):
    logger = begun(store)
    logger.at(30, 100)
    logger._last_beat -= 60
    logger._tick()
    assert client(store).get_run(logger.mlflow_id).data.tags["repose.at"] == "30/100"
    logger.finish()


def test_a_full_disk_does_not_hide_why_a_run_failed(store, monkeypatch):
    from harness.tracking import artifacts

    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    logger = begun(store)
    monkeypatch.setattr(artifacts, "write", full)
    logger.fail("it diverged")
    assert tracking.failed(store) == {"r0": "it diverged"}
