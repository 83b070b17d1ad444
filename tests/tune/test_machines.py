"""Machines of a cluster that a study's trials are on: some lack files, some aren't fit, some are full."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness import tracking
from harness.errors import UserError
from harness.sweep import freight, room
from harness.sweep.worker import Settings
from harness.tune import places
from harness.tune.work import DONE, FAILED, RUNNING, TrialWorker
from tests.tune.loop import BODY, searches_of


@pytest.fixture
def worker(spec_of, store):
    """Begins a trial of the study with these files, and tells what it told till its end."""
    spec = spec_of()
    (search,) = searches_of(spec, store)

    def told(files, ask=None, body=BODY):
        made = TrialWorker(Settings(store, "tuned", tracking.myself(), body=body), spec.study.metric, 1, ask)
        made.begin(search.runs({}), spec.test, files)
        found = [made.next()]
        while found[-1].state == RUNNING:
            found.append(made.next())
        return found

    return told


def test_a_trial_fetches_the_files_that_its_machine_lacks_and_says_what_was_sent(worker, tmp_path, monkeypatch):
    (tmp_path / "here.npz").write_bytes(b"here")
    got = []
    monkeypatch.setattr(freight, "receive", lambda parcels: got.extend(parcels) or {"/gone.npz": "/cache/gone.npz"})
    asked = []

    def ask(paths):
        asked.append(paths)
        return ["parcel"], ["/gone.npz (1 MB) is sent to the nodes that don't have it"]

    found = worker({str(tmp_path / "here.npz"): 4, "/gone.npz": 7}, ask)
    assert found[-1].state == DONE and asked == [["/gone.npz"]] and got == ["parcel"]
    assert [line for told in found for line in told.said] == [
        "/gone.npz (1 MB) is sent to the nodes that don't have it"
    ]


def test_a_machine_that_can_not_do_a_trial_is_named_before_anything_of_it_starts(worker, store):
    def ask(paths):
        raise UserError("can't be read (Permission denied)", file=paths[0])

    host = tracking.myself().host
    for files, body, reason in (
        ({"/gone.npz": 7}, BODY, "/gone.npz: can't be read (Permission denied)"),
        ({}, "tests.tune.nothing:here", "there is no run body 'tests.tune.nothing:here'"),
    ):
        *before, told = worker(files, ask, body)
        assert not any(one.points for one in before)
        assert told.state == FAILED and told.user and not told.final, "the trial is tried again by the next driver"
        assert told.reason.startswith(f"a worker can't start on {host}: {reason}")
    assert tracking.records(store) == []


def test_a_study_without_room_says_so_in_a_sweeps_words(monkeypatch):
    now, states, said = SimpleNamespace(time=10.0), {"a": "PENDING", "b": "PENDING", "c": "CREATED"}, []
    for module in (places, room):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.time))
    monkeypatch.setattr(places, "_state", states.get)
    monkeypatch.setattr(places.Share, "asked", list(states))
    full = SimpleNamespace(joined=True, lack=lambda: "each needs 1 CPU, free on 2 nodes: 0 of 8 CPUs")
    watched = places.Places(full, lambda text, style=None: said.append(text))

    def later(seconds):
        now.time += seconds
        watched.look(3)

    later(0.0)
    assert places.Share.asked == ["a", "b"] and not said
    later(5.0)
    later(5.0)
    assert said == [
        "waiting for room: 2 of 3 workers have no place; each needs 1 CPU, free on 2 nodes: 0 of 8 CPUs;"
        " it goes on as room comes"
    ]
    states["a"] = "CREATED"
    later(5.0)
    assert said[1:] == ["there is room for 1 more of the workers; 1 still without a place"]
    states["b"] = "REMOVED"
    later(5.0)
    assert said[2:] == ["there is room for 1 more of the workers"] and not places.Share.asked


def test_what_tune_asks_ray_for_is_a_workers_share():
    from harness.spec.sizes import Size

    asked = places.share(Size(2.0, 0.25, 3_000_000_000))
    assert asked.bundles == [{"CPU": 2.0, "GPU": 0.25, "memory": 3e9}] and places.Share.asked == []
