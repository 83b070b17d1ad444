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
