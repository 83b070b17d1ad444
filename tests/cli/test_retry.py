"""`repose retry --failed`: what failed, was stopped or lost its worker is done again; nothing else is begun."""

import pytest

from harness import sweep
from harness.sweep.outcome import SweepOutcome
from tests.cli.test_status import job, made
from tests.sweep.conftest import template

__all__ = ["job", "made", "template"]


@pytest.fixture
def asked(monkeypatch):
    """What a sweep was asked to do; it says that all of it failed again."""
    seen = []

    def run_sweep(spec, **keywords):
        seen.append(keywords)
        return SweepOutcome(failed=dict.fromkeys(keywords["only"], "again"))

    monkeypatch.setattr(sweep, "run_sweep", run_sweep)
    return seen


def test_only_what_went_wrong_is_done_again(repose, made, asked):
    answer = repose("retry", "--failed", "trial.yaml", "--workers", "3")
    assert answer.code == 1
    [given] = asked
    assert given["only"] == [made.runs[number].run_id for number in (3, 4, 5)]
    assert given["command"] == "repose retry trial.yaml --failed --workers 3"


def test_where_nothing_failed_nothing_starts(repose, job, asked):
    answer = repose("retry", "trial.yaml", "--failed")
    assert (answer.code, answer.out, asked) == (0, "no run of 'trial' failed\n", [])


def test_it_must_be_said_what_to_retry(repose, job):
    answer = repose("retry", "trial.yaml")
    assert answer.code == 2 and "--failed" in answer.err
