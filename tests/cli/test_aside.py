"""A process beside this one: what it answers, and that nothing depends on it."""

import os
import sys

import pytest

from harness.cli.aside import Aside, beside


@pytest.fixture
def other():
    process = Aside()
    yield process
    process.close()


def test_answers_come_in_order_and_a_job_that_fails_has_none(other):
    three, wrong, said, one = (
        other.ask(*job)
        for job in (
            ("builtins:range", 3),
            ("builtins:iter", 5),
            ("builtins:print", "what is printed there is no answer"),
            ("builtins:range", 1),
        )
    )
    assert three.wait(2) and three.come() == [0, 1, 2] and not three.wait(3)
    assert not wrong.wait(0) and not said.wait(0)
    assert one.wait(0) and one.come() == [0]


def test_answers_of_two_jobs_come_together_and_end_with_the_last(other):
    first = other.ask("builtins:range", 2)
    assert first.wait(1) and not first.wait(2)
    both = other.ask("builtins:range", 3, among=first)
    assert both is first and both.wait(4) and both.come() == [0, 1, 0, 1, 2] and not both.wait(5)


def test_what_can_not_be_sent_or_is_asked_of_a_lost_process_has_no_answer(other):
    assert not other.ask("builtins:iter", lambda: 0).wait(0)
    endless = other.ask("itertools:count")
    assert endless.wait(5) and endless.come()[:3] == [0, 1, 2]
    waiting = other.ask("builtins:range", 1)
    other.close()
    assert not waiting.wait(0) and not other.ask("builtins:range", 1).wait(0)


def test_no_process_where_it_would_gain_nothing(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 2.0, 2.0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setitem(sys.modules, "torch", None)
    with beside() as process:
        assert process is None  # what takes long is loaded here
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with beside() as process:
        assert process is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    with beside() as process:
        assert process is not None and process.ask("builtins:range", 1).wait(0)
    monkeypatch.setattr(os, "getloadavg", lambda: (1.9, 0.1, 0.1))
    with beside() as process:
        assert process is None  # others are at work
