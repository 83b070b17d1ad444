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


def test_an_owner_on_another_host_is_believed_by_its_heartbeat(store, monkeypatch):
    far = replace(tracking.myself(), host="another")
    begun(store, owner=far)._stop()
    assert set(tracking.survey(store, ["r0"]).busy) == {"r0"}
    monkeypatch.setattr("harness.tracking.owner.SILENCE", -10.0)
    assert tracking.survey(store, ["r0"]).free == {"r0": 1}


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
