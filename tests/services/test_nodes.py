"""A grid over three nodes, of which nodes, workers and drivers are killed at named moments.

The nodes are on this machine, each with its own name and a GPU that isn't there: what one can't tell of another on real
ones, such as whether its processes live, can't be told here either.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from harness import tracking
from harness.spec import load
from harness.sweep import faults
from harness.training import train

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "nodes"
MOMENTS = ("after-record", "mid-epoch", "after-artifacts", faults.IN_TAKEOVER)
SPEC = """\
name: nodes
data: {options: {subjects: 4, clips: 1, seconds: 0.6}, window: 27, cameras: {train: 1, test: 1}}
backbone: {name: videopose3d, filter_widths: [3], channels: 8, dropout: 0.25}
train: {steps: 8, batch: 4, epochs: 2, validate_on: [none]}
test: {occlusion: [none], cameras: [seen]}
objectives: {abs: {mpjpe: 1}, both: {mpjpe: 1, spatial_rdc: 0.1}}
grid: {objective: [abs, both], train_occlusion: [moderate], seed: 3}
resources: {cpu: 1, gpu: 1, checkpoint_minutes: 1.0e-9, grace_seconds: 5}
"""


def named(name: str) -> dict[str, str]:
    """What makes a process one of this node's."""
    return {"NODE_NAME": name, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", "RAY_USAGE_STATS_ENABLED": "0"}


class Nodes:
    """Three nodes of one CPU and one GPU each; drivers are on the first one, which lives."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster, self._number = Cluster(), 0
        self._nodes = {"node0": self._cluster.add_node(num_cpus=1, num_gpus=1, include_dashboard=False)}
        self.address = self._cluster.address
        self.add()
        self.add()

    def add(self) -> None:
        """One more."""
        self._number += 1
        name = f"node{self._number}"
        self._nodes[name] = self._cluster.add_node(num_cpus=1, num_gpus=1, env_vars=named(name))

    def kill(self, name: str) -> None:
        """A node ends at once, and all that is on it."""
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def stop(self) -> None:
        """All end."""
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in named("node0").items():
            patch.setenv(variable, value)
        found = Nodes()
        yield found
        found.stop()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The weights of each run, trained in peace."""
    file = tmp_path_factory.mktemp("whole") / "nodes.yaml"
    file.write_text(SPEC)
    return {run.run_id: _hashes(train(run).last_weights) for run in load(file).runs}


@pytest.fixture
def store(tmp_path: Path) -> str:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking.prepare(uri)
    return uri


@pytest.fixture
def drive(nodes: Nodes, store: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a driver on the first node."""
    (tmp_path / "nodes.yaml").write_text(SPEC)
    begun: list[subprocess.Popen[str]] = []

    def started(fault: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.services.nodes.work", str(tmp_path / "nodes.yaml"), store]
        begun.append(
            subprocess.Popen(
                [*command, nodes.address],
                cwd=ROOT,
                env={**os.environ, **named("node0"), faults.VARIABLE: fault},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return begun[-1]

    yield started
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.wait()


def _hashes(weights: dict[str, torch.Tensor]) -> dict[str, str]:
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in weights.items()}


def _held(file: Path, driver: subprocess.Popen[str]) -> tuple[str, int]:
    """Node and pid of the worker that stands at its moment."""
    end = time.monotonic() + 240
    while not (file.exists() and file.read_text().endswith("\n")):
        if driver.poll() is not None:
            pytest.fail(f"the driver ended before {file.name}:\n{driver.communicate()[0]}")
        assert time.monotonic() < end, f"nobody got to {file.name}"
        time.sleep(0.05)
    name, pid = file.read_text().split()
    return name, int(pid)


def _all_once(store: str, expected: dict[str, dict[str, str]]) -> None:
    """Every run is finished once, with the weights of one that nobody disturbed; nothing is RUNNING, or left over."""
    records = tracking.records(store)
    finished = Counter(record.run_id for record in records if record.status == "FINISHED")
    assert finished == Counter(expected.keys())
    assert not [record for record in records if record.status == "RUNNING"]
    for run_id, record in tracking.finished(store).items():
        found = torch.load(tracking.path(store, record, "last.pt"), weights_only=True)
        assert _hashes(found) == expected[run_id]
        assert tracking.read_evaluations(store, [run_id]) and not tracking.checkpoints(store, run_id)
    assert not list(Path(store.removeprefix("sqlite:///")).parent.rglob("*checkpoint*"))


def test_nodes_that_die_at_named_moments(nodes, drive, store, expected, tmp_path):
    """One after the other, each with the worker that stands there; another node comes in its place."""
    holds = ",".join(f"{faults.HOLD}{moment}:{tmp_path / moment}" for moment in MOMENTS)
    driver, killed = drive(holds), []
    waiting = list(MOMENTS)
    while waiting:
        moment = next((moment for moment in waiting if (tmp_path / moment).exists()), waiting[0])
        name, pid = _held(tmp_path / moment, driver)
        if name == "node0":  # the driver's own: of this one the worker dies alone
            os.kill(pid, signal.SIGKILL)
        else:
            nodes.kill(name)
            killed.append(name)
            nodes.add()
        waiting.remove(moment)
    said, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0 and "outcome 6 0 0 0" in said, said
    assert killed and "its node died" in said
    _all_once(store, expected)
    assert len({record.host for record in tracking.records(store)}) >= 3, "the grid went over the nodes"


def test_workers_that_die_at_named_moments(drive, store, expected, tmp_path):
    driver = drive(",".join(f"{moment}:{tmp_path / moment}" for moment in MOMENTS))
    said, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0 and "outcome 6 0 0 0" in said, said
    assert all((tmp_path / moment).exists() for moment in MOMENTS)
    _all_once(store, expected)
    ended = [record for record in tracking.records(store) if record.status == "KILLED"]
    assert len(ended) == 3 and {record.reason for record in ended} == {
        "its worker died: killed, out of memory, or crashed"
    }


def test_drivers_that_die_at_named_moments(drive, store, expected, tmp_path):
    """Each one's successor finds what it left; the last one is left in peace."""
    for moment in MOMENTS:
        driver = drive(f"{faults.HOLD}{moment}:{tmp_path / moment}")
        _, pid = _held(tmp_path / moment, driver)
        driver.kill()
        driver.wait()
        _gone(pid)
    driver = drive()
    said, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0 and " 0 0\n" in said, said
    _all_once(store, expected)


def _gone(pid: int) -> None:
    """Wait until a worker is: who has no driver ends."""
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
