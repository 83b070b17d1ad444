"""Many at one store, an MLflow server on a real PostgreSQL or a file: each run is done by one, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import tracking
from harness.tracking.store import client
from tests.services import drivers
from tests.services.postgres import Postgres
from tests.services.server import Server
from tests.sweep.bodies import FakeRun

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


class Begun:
    """Processes of `drivers`."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen] = []

    def __call__(self, *words: object, machine: str | None = None) -> subprocess.Popen:
        path = [str(ROOT), *([str(ROOT / "tests" / "services" / "elsewhere")] if machine else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "REPOSE_TEST_MACHINE": machine or ""}
        command = [sys.executable, "-m", "tests.services.drivers", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.processes.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes)  # type: ignore[call-overload]
        )
        return self.processes[-1]


def answer(process: subprocess.Popen, seconds: float = 240) -> Any:
    said, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, said
    return json.loads(said.splitlines()[-1])


@pytest.fixture
def start() -> Iterator[Begun]:
    """Starts drivers; none is left."""
    begun = Begun()
    yield begun
    for process in begun.processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """The folder in which each run that is begun leaves a file."""
    (tmp_path / "counter").mkdir()
    return tmp_path / "counter"


def begun(counter: Path) -> Counter[str]:
    """How often each run was begun; one that is held isn't yet."""
    return Counter(file.name.partition(".")[0] for file in counter.iterdir() if ".held." not in file.name)


def at_work(counter: Path, seed: int) -> list[str]:
    """The machines on which a run is held, or was."""
    found = counter.glob(f"{FakeRun(seed).run_id}.held.*")
    return sorted(file.name.partition(".held.")[2] for file in found)


def ids(*seeds: int) -> list[str]:
    return [FakeRun(seed).run_id for seed in seeds]


def until(condition: Callable[[], object], *alive: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while not condition():
        for process in alive:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.1)


def check_finished_once(uri: str, *seeds: int) -> None:
    """One record each, FINISHED, with all that belongs to it."""
    records = tracking.records(uri, ids(*seeds))
    assert Counter(record.run_id for record in records) == Counter(ids(*seeds))
    assert {record.status for record in records} == {"FINISHED"}
    for record in records:
        assert tracking.read_summaries(uri, [record.run_id])[record.run_id]["val_mpjpe_best"] > 0


def test_eight_writers_at_once_lose_and_double_nothing(running: Server, start: Begun) -> None:
    first, uri = 100, running.address
    kept = [mlflow_id for one in answer(start("write", uri, first)) for mlflow_id in one]
    seeds = range(first, first + 8 * drivers.RUNS)
    records = {record.run_id: record for record in tracking.records(uri) if record.spec == "writers"}
    assert sorted(record.mlflow_id for record in records.values()) == sorted(kept)
    assert sorted(records) == sorted(ids(*seeds)) and len(kept) == len(set(kept)) == len(seeds)
    mlflow = client(uri)
    for seed in seeds:
        record = records[FakeRun(seed).run_id]
        assert record.status == "FINISHED"
        run = mlflow.get_run(record.mlflow_id)
        assert run.data.params == tracking.params_of(FakeRun(seed, drivers.options(seed)))
        for name, values in drivers.curves(seed).items():
            points = [(one.step, one.value) for one in mlflow.get_metric_history(record.mlflow_id, name)]
            assert points == list(enumerate(values, 1))
        assert run.data.metrics["test_mpjpe"] == seed
        folder = next(running.artifacts.rglob(record.mlflow_id)) / "artifacts"
        assert (folder / "best.pt").read_bytes() == drivers.content(seed, "best")
        assert (folder / "evaluation.parquet").read_bytes() == drivers.content(seed, "rows")
        assert {"config.json", "summary.json", "curves.parquet", "log.txt"} <= {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_of_eight_drivers_at_a_barrier_one_does_each_run(
    kind: str, start: Begun, counter: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Runs that nobody had, and runs whose owner is dead."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}" if kind == "file" else request.getfixturevalue("running").address
    tracking.prepare(uri)
    first, count, dead = 200, 10, 4
    for run_id in ids(*range(first, first + dead)):
        assert tracking.claim(uri, run_id, 0, replace(tracking.myself(), started="0"))
    won = answer(start("contest", uri, counter, first, count, dead))
    winners = Counter(run_id for one in won for run_id, mine in one.items() if mine)
    assert winners == begun(counter) == Counter(ids(*range(first, first + count)))
    check_finished_once(uri, *range(first, first + count))


def test_two_machines_whose_clocks_differ_share_a_grid_and_the_dead_ones_run_is_taken_over(
    running: Server, start: Begun, counter: Path
) -> None:
    """Twenty minutes apart, where twelve seconds of silence are a death; a heart beats every second."""
    uri = running.address
    slow = start("sweep", uri, counter, "300,301", 300, machine="slow:-600")
    until(lambda: at_work(counter, 300), slow)
    fast = start("sweep", uri, counter, "300,302,301", machine="fast:600")
    until(lambda: ids(301, 302) == sorted(tracking.finished(uri, ids(301, 302))), slow, fast)
    time.sleep(15)
    assert begun(counter) == Counter(ids(301, 302)) and at_work(counter, 300) == ["slow"]
    os.killpg(slow.pid, signal.SIGKILL)
    found = answer(fast)  # where nothing holds it
    assert sorted(found["finished"]) == ids(300, 301, 302) and not found["failed"] and not found["left"]
    assert begun(counter) == Counter(ids(300, 301, 302))
    records = {record.host: record.status for record in tracking.records(uri, ids(300))}
    assert records == {"slow": "KILLED", "fast": "FINISHED"}
    check_finished_once(uri, 301, 302)


def test_a_server_that_dies_for_half_a_minute_costs_two_drivers_nothing(
    running: Server, start: Begun, counter: Path
) -> None:
    """Both are at a run then, and each asks every few seconds what has become of the other one's."""
    uri = running.address
    first = start("sweep", uri, counter, "400,401,402", 400)
    until(lambda: at_work(counter, 400), first)
    second = start("sweep", uri, counter, "400,401,403", 401)
    until(lambda: at_work(counter, 401), first, second)
    running.stop(signal.SIGKILL)
    time.sleep(15)
    (counter.parent / "go").touch()
    time.sleep(15)
    running.start()
    found = [answer(process) for process in (first, second)]
    assert all(not one["failed"] and not one["left"] for one in found)
    assert [one["finished"] for one in found] == [ids(400, 402), ids(401, 403)]
    assert [one["skipped"] for one in found] == [ids(401), ids(400)]
    assert begun(counter) == Counter(ids(*range(400, 404)))
    check_finished_once(uri, *range(400, 404))


def test_a_file_that_is_locked_for_longer_than_mlflow_waits_costs_nothing(
    start: Begun, counter: Path, tmp_path: Path
) -> None:
    """It waits for 20 s. The run that is at work ends meanwhile."""
    uri = tracking.prepare(f"sqlite:///{tmp_path / 'mlflow.db'}")
    process = start("sweep", uri, counter, "500,501", 500)
    until(lambda: at_work(counter, 500), process)
    with closing(sqlite3.connect(tmp_path / "mlflow.db", timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        (counter.parent / "go").touch()
        time.sleep(25)
        assert not tracking.finished(uri, ids(500))
        connection.execute("COMMIT")
    assert answer(process)["finished"] == ids(500, 501)
    assert begun(counter) == Counter(ids(500, 501))
    check_finished_once(uri, 500, 501)


def test_a_database_whose_tables_are_locked_for_a_while_costs_nothing(
    running: Server, postgres: Postgres, start: Begun, counter: Path
) -> None:
    process = start("sweep", running.address, counter, "600,601", 600)
    until(lambda: at_work(counter, 600), process)
    with postgres.locked(running.database):
        (counter.parent / "go").touch()
        time.sleep(8)
        assert process.poll() is None
    assert answer(process)["finished"] == ids(600, 601)
    assert begun(counter) == Counter(ids(600, 601))
    check_finished_once(running.address, 600, 601)
