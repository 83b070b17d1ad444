"""What waits, while the store may be gone."""

import pytest

from harness import tracking
from harness.sweep import supplements
from harness.sweep.outcome import SweepOutcome
from harness.sweep.queue import Queue
from harness.tracking import patience
from tests.sweep.bodies import FakeRun

RUN_ID = FakeRun(0).run_id


@pytest.fixture
def queue(store):
    return Queue(store, tracking.myself(), supplements.Queue(store, {}, {}), SweepOutcome())


@pytest.fixture
def gone(monkeypatch):
    """``gone[0]``: how often the store doesn't answer from now on."""
    times, real = [0], tracking.survey

    def survey(uri, run_ids):
        if times[0]:
            times[0] -= 1
            tracking.probe("http://127.0.0.1:1")
        return real(uri, run_ids)

    monkeypatch.setattr(tracking, "survey", survey)
    return times


def test_what_cannot_be_asked_for_now_is_asked_for_again(queue, gone):
    gone[0] = 2
    for _ in range(2):
        assert queue.sort([RUN_ID]) == 0 and queue.elsewhere == {RUN_ID} and not queue
    queue.sort([RUN_ID])
    assert list(queue.runs) == [(RUN_ID, 0)] and not queue.elsewhere


def test_what_failed_for_good_waits_for_the_store(queue, gone, monkeypatch):
    monkeypatch.setattr(patience, "_FIRST", 0.01)
    gone[0] = 2
    queue.sort([RUN_ID], again=False)
    assert gone[0] == 0 and not queue and not queue.elsewhere


def test_a_store_that_stays_away_ends_the_sweep_with_one_message(queue, gone, monkeypatch):
    monkeypatch.setattr(tracking, "WINDOW", -1.0)
    gone[0] = 9
    with pytest.raises(tracking.TrackingLost, match="didn't answer for"):
        queue.sort([RUN_ID])
