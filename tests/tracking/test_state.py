from dataclasses import replace

import pytest

from harness import tracking
from harness.tracking import claims
from harness.tracking.state import Survey
from tests.tracking.runs import begun

DEAD = replace(tracking.myself(), started="0")


def statuses(store: str) -> list[str]:
    return [record.status for record in tracking.records(store)]


def test_an_unknown_run_is_free(store):
    assert tracking.survey(store, ["r0"]) == Survey(free={"r0": 0})


def test_a_live_owner_is_left_alone(store):
    logger = begun(store)
    found = tracking.survey(store, ["r0"])
    assert found.busy == {"r0": tracking.myself()} and not found.free
    assert statuses(store) == ["RUNNING"]
    assert tracking.reap(store, ["r0"]) == 0
    logger.fail("done")


def test_a_live_owner_that_has_no_record_yet_is_left_alone(store):
    assert tracking.claim(store, "r0", 0, tracking.myself())
    assert set(tracking.survey(store, ["r0"]).busy) == {"r0"}


def test_a_dead_owner_that_never_made_a_record_frees_its_run(store):
    assert tracking.claim(store, "r0", 0, DEAD)
    assert tracking.survey(store, ["r0"]).free == {"r0": 1}


def test_a_dead_owners_record_is_closed_with_a_reason_and_its_run_is_free(store):
    begun(store, owner=DEAD)._stop()
    assert tracking.survey(store, ["r0"]).free == {"r0": 1}
    assert statuses(store) == ["KILLED"]
    assert tracking.failed(store) == {"r0": "its owner died"}


def test_a_failed_run_is_free_though_its_owner_lives(store):
    begun(store).fail("it broke")
    assert tracking.survey(store, ["r0"]).free == {"r0": 1}
    assert tracking.failed(store, ["r0"]) == {"r0": "it broke"}


def test_a_run_is_finished_once_and_its_failures_are_forgotten(store):
    begun(store).fail("it broke")
    begun(store, generation=1).finish({"val_mpjpe_best": 50.0})
    found = tracking.survey(store, ["r0"])
    assert set(found.finished) == {"r0"} and not found.free and not found.busy
    assert tracking.failed(store) == {}


def test_a_run_is_begun_when_its_first_attempt_is(store):
    begun(store).fail("it broke")
    [first] = tracking.records(store, ["r0"])
    begun(store, generation=1).finish({"val_mpjpe_best": 50.0})
    assert tracking.begun(store, ["r0"]) == {"r0": first.started} and tracking.begun(store, ["r1"]) == {}
    assert first.started <= tracking.finished(store)["r0"].started


def test_a_sealed_record_whose_owner_died_is_finished_by_whoever_looks(store):
    logger = begun(store, owner=DEAD)
    logger._stop()
    assert claims.seal(store, logger.held, logger.mlflow_id)
    assert set(tracking.survey(store, ["r0"]).finished) == {"r0"}
    assert statuses(store) == ["FINISHED"]


def test_a_finished_run_that_was_deleted_in_mlflow_is_free_again(store):
    logger = begun(store)
    logger.finish()
    from harness.tracking.store import client

    client(store).delete_run(logger.mlflow_id)
    assert tracking.survey(store, ["r0"]).free == {"r0": 2}


@pytest.fixture
def clock(monkeypatch):
    """Owners elsewhere are watched anew, on a clock set by hand: ``clock[0]``. Between two looks are ten seconds."""
    now = [0.0]
    monkeypatch.setattr(tracking.WATCH, "_clock", lambda: now[0])

    def sleep(_):
        now[0] += 10

    monkeypatch.setattr("harness.tracking.state.time.sleep", sleep)
    return now


FAR = replace(tracking.myself(), host="another")


@pytest.mark.parametrize("ahead", [-1e6, 1e6])
def test_an_owner_on_another_host_is_believed_by_its_heartbeat_whatever_its_clock_says(
    store, clock, monkeypatch, ahead
):
    import time

    real = time.time
    with monkeypatch.context() as there:
        there.setattr("harness.tracking.logger.time.time", lambda: real() + ahead)
        logger = begun(store, owner=FAR)
        for beat in range(15):
            there.setattr("harness.tracking.logger.time.time", lambda beat=beat: real() + ahead + 15 * beat)
            logger._last_beat -= 60
            logger._tick()
            clock[0] += 15
            assert set(tracking.survey(store, ["r0"]).busy) == {"r0"} and statuses(store) == ["RUNNING"]
        assert tracking.standing(store, ["r0"])["r0"].state == "running"
        logger._stop()
    found = tracking.state.settled(store, ["r0"])
    assert set(found.busy) == {"r0"} and not found.unsure  # it was heard
    while not tracking.survey(store, ["r0"]).free:
        clock[0] += 10
    assert statuses(store) == ["KILLED"]


def test_a_claim_from_another_host_that_never_got_a_record_is_free_after_a_while(store, clock):
    assert tracking.claim(store, "r0", 0, FAR)
    assert tracking.survey(store, ["r0"]).unsure == {"r0"}
    told = []
    assert tracking.state.settled(store, ["r0"], told.append).free == {"r0": 1}
    assert clock[0] >= 120 and "at work on another, or were: listening, for 2 min" in told[0]


def test_a_dead_owners_run_on_another_host_is_removed_once_its_silence_is_heard(store, clock):
    begun(store, owner=FAR)._stop()
    removed = tracking.remove(store, ["r0"])
    assert set(removed.runs) == {"r0"} and clock[0] >= 120 and not tracking.records(store)


def test_a_driver_closes_the_records_of_its_own_workers(store):
    driver = tracking.myself()
    begun(store, "mine", owner=tracking.myself(driver=driver))._stop()
    begun(store, "theirs", owner=tracking.myself())._stop()
    assert tracking.reap(store, ["mine", "theirs"], of=driver, reason="stopped") == 1
    assert tracking.failed(store) == {"mine": "stopped"}
    assert set(tracking.running(store)) == {"theirs"}


def test_an_owner_that_was_taken_over_cannot_finish(store):
    logger = begun(store)
    assert tracking.claim(store, "r0", 1, tracking.myself())
    with pytest.raises(tracking.TakenOver):
        logger.finish()
    assert statuses(store) == ["KILLED"]
