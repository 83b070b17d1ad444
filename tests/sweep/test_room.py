"""What a sweep says of its workers' room, with Ray's answers made up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import ray

from harness import training_code
from harness.errors import UserError
from harness.sweep import births, fitness, room
from harness.sweep.births import Births
from harness.sweep.room import Room
from harness.tracking import myself


class Method:
    def __init__(self, answer):
        self.answer = answer

    def remote(self, *given):
        return self.answer(*given) if callable(self.answer) else self.answer


class Reference:
    """Stands for an answer that `ray.get` gives or raises."""

    def __init__(self, answer):
        self.answer = answer


@pytest.fixture
def clock(monkeypatch):
    """Moves the time; Ray's answers are those that references hold."""
    now = SimpleNamespace(time=0.0)
    monkeypatch.setattr(births, "time", SimpleNamespace(monotonic=lambda: now.time))
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: now.time))
    monkeypatch.setattr(
        births._Newborn, "__init__", lambda self, actor: vars(self).update(actor=actor, host=None, began=now.time)
    )

    def get(reference):
        if isinstance(reference.answer, BaseException):
            raise reference.answer
        return reference.answer

    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr(ray, "kill", lambda actor, no_restart: None)
    return now


def actor(host="node1", ready=None, received=None):
    return SimpleNamespace(
        place=Method(lambda: Reference(host)),
        ready=Method(lambda: Reference(ready)),
        receive=Method(lambda parcels: received.append(parcels) or Reference(None)),
    )


def refused(message):
    error = ray.exceptions.RayError(message)
    error.cause = UserError(message)
    return error


class Screen:
    def __init__(self):
        self.said, self.counts = [], SimpleNamespace(workers=0)

    def say(self, text, style=None):
        self.said.append(text)


def pool_of(made):
    return SimpleNamespace(births=made, ready=0, size=len(made), depot=SimpleNamespace(said=[]), grow=lambda n: None)


FULL = SimpleNamespace(joined=True, lack=lambda: "each needs 1 CPU, free on 2 nodes: 0 of 8 CPUs", wanted=lambda: 0)


def test_a_worker_is_ready_after_its_place_its_imports_and_the_files_it_lacks(clock):
    received = []
    one = actor(ready=["/data.npz"], received=received)
    found = Births(lambda: one, lambda paths: [f"parcel of {path}" for path in paths])
    found.add()
    assert len(found.placeless) == 1
    for _ in ("its place", "its imports"):
        assert found.take(found.references[0]) is None
        assert not found.placeless
    assert found.take(found.references[0]) is one
    assert received == [["parcel of /data.npz"]] and len(found) == 0


def test_a_full_cluster_is_told_after_seconds_once_and_again_when_room_comes(clock):
    made = Births(lambda: actor(), lambda paths: [])
    made.add(), made.add()
    screen = Screen()
    watched = Room(FULL, pool_of(made), screen)
    watched.look()
    clock.time = 3.0
    watched.look()
    assert not screen.said, "a free node takes a moment"
    clock.time = 5.0
    for _ in range(3):
        watched.look()
    [said] = screen.said
    assert said == (
        "waiting for room: its workers have no place; each needs 1 CPU, free on 2 nodes: 0 of 8 CPUs;"
        " it goes on as room comes"
    )
    made.take(made.references[0])
    watched.look()
    assert screen.said[1:] == ["there is room for 1 more of the workers; 1 still without a place"]
    assert screen.counts.workers == 1
    clock.time = 700.0
    watched.look()
    assert screen.said[2].startswith("waiting for room: 1 of 2 workers have no place")


def test_nodes_that_join_are_used(clock):
    grown = []
    pool = pool_of(Births(lambda: actor(), lambda paths: []))
    pool.size, pool.grow = 2, grown.append
    screen = Screen()
    cluster = SimpleNamespace(joined=True, wanted=lambda: 5, lack=lambda: "")
    watched = Room(cluster, pool, screen)
    watched.look()
    assert not grown
    clock.time = 11.0
    watched.look()
    assert grown == [3] and screen.said == ["nodes have joined: 3 more workers"]


def test_one_machine_that_is_not_fit_is_tried_again_ever_more_slowly_and_said_once(clock):
    made = Births(lambda: actor(host=refused("no torch")), lambda paths: [])
    made.add()
    pool, screen = pool_of(made), Screen()
    pool.ready = 1  # others work
    watched = Room(FULL, pool, screen)
    waits = []
    for _ in range(5):
        made.take(made.references[0])
        watched.look()
        waits.append(made._due[0] - clock.time)
        clock.time = made._due[0]
        made.catch_up()
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert screen.said == ["a worker can't start: no torch; it's tried again"]
    pool.ready = 0
    made.take(made.references[0])
    with pytest.raises(UserError, match="a worker can't start: no torch"):
        watched.look()


def test_workers_whose_nodes_leave_as_they_start_do_not_end_a_sweep(clock):
    made = Births(lambda: actor(host=ray.exceptions.RayError("its node is gone")), lambda paths: [])
    made.add()
    screen = Screen()
    watched = Room(FULL, pool_of(made), screen)
    for _ in range(6):
        made.take(made.references[0])
        watched.look()
        clock.time += 100
        made.catch_up()
    assert made.failures == 0 and len(screen.said) == 1


def test_another_machine_needs_a_server_and_the_same_code(monkeypatch):
    from dataclasses import replace

    me = myself()
    elsewhere = replace(me, host="login", boot="another")
    fitness.check("sqlite:////x/mlflow.db", me, "any")
    with pytest.raises(UserError, match=r"is a file, which serves login alone; several machines need a server"):
        fitness.check("sqlite:////x/mlflow.db", elsewhere, "")
    monkeypatch.setattr("harness.tracking.probe", lambda uri: None)
    fitness.check("http://login:5000", elsewhere, training_code.digest())
    with pytest.raises(UserError, match=r"has other code of repose than login"):
        fitness.check("http://login:5000", elsewhere, "0" * 16)


def test_a_probe_without_a_place_says_so_in_the_same_words(clock, monkeypatch):
    from harness.sweep import probing

    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: clock.time))
    said = []

    def wait(references, timeout):
        clock.time += 3.0
        return (references, []) if clock.time > 8 else ([], references)

    monkeypatch.setattr(ray, "wait", wait)
    assert probing._placed(Reference(["/data.npz"]), FULL, said.append) == ["/data.npz"]
    assert said == [
        "waiting for room: its worker has no place; each needs 1 CPU, free on 2 nodes: 0 of 8 CPUs;"
        " it goes on as room comes",
        "there is room for 1 more of the workers",
    ]


def test_another_machine_needs_the_packages_that_runs_take_a_backbone_or_a_metric_from(monkeypatch):
    from dataclasses import replace

    from harness import own_backbones, own_metrics

    elsewhere = replace(myself(), host="login", boot="another")
    offered, versions = {"mine": "a point"}, {"mine": 3}
    monkeypatch.setattr("harness.tracking.probe", lambda uri: None)
    monkeypatch.setattr(own_metrics, "lines", lambda: {"limbs": ("limbs:Limbs", 2, "")} if offered else {})
    monkeypatch.setattr(own_backbones, "installed", lambda: offered)
    monkeypatch.setattr(own_backbones, "of_package", lambda point: SimpleNamespace(version=versions["mine"]))
    runs = [SimpleNamespace(backbone=SimpleNamespace(name=name)) for name in ("mine", "videopose3d")] + [object()]
    packages = fitness.brought(runs)
    assert packages == {("metric", "limbs"): "2", ("backbone", "mine"): "3"}
    fitness.check("http://login:5000", elsewhere, "", packages)
    versions["mine"] = 4
    with pytest.raises(UserError, match=r"has version 4 of the backbone 'mine'.* is of version 3 on login"):
        fitness.check("http://login:5000", elsewhere, "", packages)
    offered.clear()
    with pytest.raises(UserError, match=r"lacks the metric 'limbs' of an installed package.*install the same on both"):
        fitness.check("http://login:5000", elsewhere, "", packages)
