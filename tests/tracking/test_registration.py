import json
import time

import pytest

from harness import tracking
from harness.tracking import claims
from harness.tracking.store import client
from tests.tracking.runs import begun


def test_the_first_registration_stays(store):
    before = time.time()
    tracking.register(store, ["a" * 16, "b" * 16], "spec-one")
    first = tracking.registered(store, ["a" * 16])["a" * 16]
    assert before - 0.002 <= first.at <= time.time() and first.spec == "spec-one"
    time.sleep(0.005)
    tracking.register(store, ["a" * 16, "c" * 16], "spec-two")
    found = tracking.registered(store)
    assert set(found) == {"a" * 16, "b" * 16, "c" * 16}
    assert found["a" * 16] == first, "written once, never again"
    assert found["c" * 16].spec == "spec-two" and found["c" * 16].at > first.at
    assert tracking.registered(store, ["never"]) == {} and tracking.registered(store, []) == {}


def test_nobody_can_put_an_earlier_time_in_its_place(store):
    tracking.register(store, ["a"], "s")
    held = tracking.registered(store)["a"]
    assert not claims.write_once(store, "registered.a", json.dumps({"at": 0.0, "spec": "s"}))
    assert tracking.registered(store)["a"] == held


def test_a_claim_registered_first_is_no_later_than_the_record_of_a_run_that_starts_at_once(store):
    tracking.register(store, ["a"], "s")
    logger = begun(store)
    [record] = tracking.records(store)
    assert tracking.registered(store)["a"].at <= record.started
    logger.fail("enough")


@pytest.fixture
def skewed(monkeypatch):
    """Sets how far the clock of the machine that makes records is ahead, in seconds; the driver's is right."""

    def ahead(seconds):
        monkeypatch.setattr("harness.tracking.logger.time", Clock(seconds))

    return ahead


class Clock:
    def __init__(self, ahead):
        self.time, self.monotonic = lambda: time.time() + ahead, time.monotonic


def test_a_claim_made_after_a_run_had_begun_is_later_also_than_a_clock_that_is_ahead(store, skewed):
    skewed(3600)
    logger = begun(store)
    assert tracking.registered(store) == {}
    at = tracking.register(store, ["a"], "s")
    [record] = tracking.records(store)
    assert record.started < tracking.registered(store)["a"].at == at < record.started + 1
    assert tracking.register(store, ["a"], "s") == at and tracking.register(store, [], "s") == 0
    skewed(0)
    logger.fail("enough")
    [record] = tracking.records(store)
    assert record.seconds is not None


def test_a_run_begun_after_its_claims_were_registered_is_later_also_by_a_clock_that_is_behind(store, skewed):
    at = tracking.register(store, ["a", "b"], "s")
    skewed(-3600)
    begun(store, "r0", since=at).finish()
    begun(store, "r1", since=at).fail("it broke")
    for record in tracking.records(store):
        assert at <= record.started < at + 60, record
        assert 0 <= record.seconds < 60, "it took as long as it took"


def test_the_record_of_a_clock_ahead_that_another_closes_ends_no_earlier_than_it_began(store, skewed):
    me = tracking.myself()
    skewed(3600)
    begun(store, owner=tracking.myself(driver=me))
    assert tracking.reap(store, ["r0"], of=me) == 1
    [record] = tracking.records(store)
    assert record.seconds == 0


def test_it_does_not_mix_with_the_claims_of_runs(store):
    """Neither reading sees the other's parameters, through sqlite or through MLflow's client."""
    tracking.register(store, ["a"], "s")
    assert tracking.latest(store) == {}
    held = tracking.claim(store, "r", 0, tracking.myself())
    assert tracking.latest(store)["r"] == held and set(tracking.registered(store)) == {"a"}
    assert set(client(store).get_run(claims.ledger(store)).data.params) == {"registered.a", "claim.r.0"}


def test_a_store_that_is_not_there_knows_nothing_and_registering_makes_it(tmp_path):
    uri = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    assert tracking.registered(uri) == {}
    tracking.register(uri, [], "s")
    assert not (tmp_path / "new").exists(), "nothing to register makes no store"


@pytest.mark.parametrize("at, shown", [(0.0, "1970-01-01T00:00:00.000+00:00"), (1.5, "1970-01-01T00:00:01.500+00:00")])
def test_its_time_in_iso_form(at, shown):
    assert tracking.Registration(at, "s").time == shown
