"""`repose logs`: a run by its id or label, its attempts, and a run at work followed to its end."""

import pytest

from harness import tracking
from harness.cli import logs
from tests.cli.test_status import job, named
from tests.sweep.conftest import template

__all__ = ["job", "template"]


@pytest.fixture
def failed_once(job):
    """A run that failed and was then finished; its labels."""
    spec, begin = job
    first = begin(4)
    first.lines.say("step 1 of 10")
    first.fail("ValueError: no\n\nTraceback: here")
    second = begin(4, 1)
    second.lines.say("step 2 of 10")
    second.finish()
    begin(0).finish()
    return spec.runs[4]


def words(out):
    return [line[21:] if line[4:5] == "-" else line for line in out.splitlines()]


def test_the_last_attempt_is_shown_and_all_of_them_when_asked(repose, failed_once):
    label = named(failed_once)
    assert words(repose("logs", failed_once.run_id[:6]).out)[0] == f"{label}, attempt 2 of 2: finished"
    shown = words(repose("logs", failed_once.run_id, "--all").out)
    assert [line for line in shown if "attempt" in line or "step" in line or "Traceback" in line] == [
        f"{label}, attempt 1 of 2: failed",
        "step 1 of 10",
        "Traceback: here",
        f"{label}, attempt 2 of 2: finished",
        "step 2 of 10",
    ]


def test_words_of_a_label_name_a_run(repose, failed_once):
    assert words(repose("logs", *failed_once.labels.values()).out)[0].startswith(named(failed_once))
    assert words(repose("logs", failed_once.labels["objective"], failed_once.labels["seed"]).out)[0].startswith(
        named(failed_once)
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [("videopose3d-s", "'videopose3d-s' could be any of 2 runs: "), ("vidopose", "no run of the store is called 'vid")],
)
def test_a_name_of_none_or_several_is_one_line(repose, failed_once, given, said):
    answer = repose("logs", given)
    assert answer.code == 2 and answer.err.startswith(f"repose: error: {said}") and answer.err.count("\n") == 1


def test_a_worker_that_was_killed_said_no_last_word_so_the_store_does(repose, job):
    spec, begin = job
    logger = begin(1)
    tracking.reap(None, [spec.runs[1].run_id], of=None)
    assert "at work" in repose("logs", spec.runs[1].run_id).out
    logger._close("KILLED", "its owner died")
    assert repose("logs", spec.runs[1].run_id).out.endswith("killed: its owner died\n")


def test_following_ends_with_the_run_and_prints_each_line_once(repose, job, monkeypatch):
    spec, begin = job
    logger, looks = begin(2), []

    def slept(seconds):
        looks.append(seconds)
        logger.lines.say(f"look {len(looks)}")
        logger._keep_lines()
        if len(looks) == 3:
            logger.finish()

    monkeypatch.setattr(logs.time, "sleep", slept)
    shown = words(repose("logs", spec.runs[2].run_id, "--follow").out)
    assert shown[-4:] == ["look 1", "look 2", "look 3", "finished"] and len(shown) == 6
