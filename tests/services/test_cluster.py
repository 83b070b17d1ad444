"""Sweeps on Ray clusters that were started as others start them: `ray start`, with a token."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness.data import open_dataset
from harness.spec import shipped
from tests.services.conftest import repose

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
RAY = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
SPEC = """
name: joined
data: {dataset: mocap, path: %s, window: 9, cameras: {train: 1, test: 1},
       split: {train: [P01, P02], validation: [P03], test: [P04]}}
backbones: {mine: {base: "%s:Net", channels: 12}}
train: {steps: 6, batch: 8, epochs: 2}
test: {occlusion: [none], cameras: [seen]}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: mine, objective: [abs], seed: 2}
study: {space: {train.lr: {log: [0.001, 0.01]}}, pruner: none, budget: {trials: 2}}
"""
NET = '''"""A network of the user's own, of one frame."""
from torch import nn


class Net(nn.Module):
    """Two layers."""

    receptive_field = 1
    frames_out = "all"
    causal = False

    def __init__(self, *, joints: int = 17, features: int = 2, channels: int = 8) -> None:
        super().__init__()
        self.joints = joints
        self.layers = nn.Sequential(
            nn.Linear(joints * features, channels), nn.ReLU(), nn.Linear(channels, joints * 3)
        )

    @classmethod
    def for_data(cls, *, joints, features, frames, **options):
        return cls(**{"joints": joints, "features": features, **options})

    def output_frames(self, frames):
        return frames

    def forward(self, x):
        return self.layers(x.flatten(2)).view(*x.shape[:2], self.joints, 3)
'''


class Cluster:
    """Nodes of one machine, each a process group, so that it can be ended alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        route = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        route.connect(("192.0.2.1", 9))  # nothing is sent
        self.ip = route.getsockname()[0]
        route.close()
        self.port, self.client = (_free_port() for _ in range(2))
        self.token = secrets.token_hex(32)
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "PYTHONPATH": PATH}
        self._nodes: list[subprocess.Popen] = []

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"

    def head(self, cpus: int) -> None:
        words = ["--head", "--node-ip-address", self.ip, "--port", str(self.port), "--include-dashboard=false"]
        words += ["--ray-client-server-port", str(self.client), "--temp-dir", str(self.folder / "ray")]
        self._start([*RAY, *words, "--num-cpus", str(cpus)], "head")
        end = time.monotonic() + 90
        while not _listens(self.ip, self.port) or not _listens(self.ip, self.client):
            assert time.monotonic() < end, (self.folder / "head.log").read_text()
            time.sleep(0.3)

    def node(self, cpus: int, *before: str, **more: str) -> None:
        self._start([*before, *RAY, "--address", self.address, "--num-cpus", str(cpus)], "node", **more)

    def stop(self) -> None:
        for node in self._nodes:
            os.killpg(node.pid, signal.SIGTERM)
        for node in self._nodes:
            node.wait(60)

    def _start(self, command: list[str], name: str, **more: str) -> None:
        given = {**os.environ, **self.environment, **more}
        with open(self.folder / f"{name}.log", "a") as log:
            self._nodes.append(
                subprocess.Popen(command, env=given, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
            )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return free.getsockname()[1]


def _listens(ip: str, port: int) -> bool:
    try:
        socket.create_connection((ip, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster without nodes yet. Its folder's name is short: Ray's sockets allow 107 characters."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="rp", ignore_cleanup_errors=True) as folder:
        found = Cluster(Path(folder))
        yield found
        found.stop()


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'runs' / 'mlflow.db'}"


def test_a_spec_runs_on_a_cluster_that_is_joined_by_any_address_with_its_token(cluster, tmp_path):
    cluster.head(2)
    found = {**cluster.environment, "RAY_ADDRESS": cluster.address}
    for number, address in enumerate(("auto", cluster.address, f"ray://{cluster.ip}:{cluster.client}"), start=1):
        words = ["run", "smoke", "--address", address, "--tracking-uri", sqlite(tmp_path)]
        said = repose(*words, *(["--limit", "1"] if number < 3 else []), cwd=tmp_path, **found)
        assert f"{number if number < 3 else 4}/4 finished in this spec" in said, said
    assert (tmp_path / "results" / "smoke" / "report.html").exists()


def test_a_driver_with_another_token_is_turned_away_in_one_line(cluster, tmp_path):
    cluster.head(1)
    environment = {**os.environ, **cluster.environment, "RAY_AUTH_TOKEN": "0" * 64}
    command = [sys.executable, "-m", "harness.cli.main", "run", "smoke", "--address", cluster.address]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2 and "RAY_AUTH_MODE (and the token)" in done.stderr
    assert "Traceback" not in done.stderr


HOG = """
import logging, sys, time, ray
ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.ERROR)
@ray.remote(num_cpus=2)
class Hog:
    def there(self): return True
hog = Hog.remote()
ray.get(hog.there.remote())
print("full", flush=True)
sys.stdin.readline()
"""


def _hog(cluster: Cluster) -> subprocess.Popen:
    """Takes all that the cluster has, until it is told to end."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = {**os.environ, **cluster.environment}
    hog = subprocess.Popen([sys.executable, "-c", HOG, cluster.address], env=environment, text=True, **pipes)
    assert hog.stdout is not None and hog.stdout.readline() == "full\n"
    return hog


def _said(cluster: Cluster, folder: Path, waits: Callable[[], object], *words: str) -> str:
    """What a command says that finds no room, when ``waits`` is called."""
    command = [sys.executable, "-m", "harness.cli.main", *words, "--address", cluster.address]
    command += ["--tracking-uri", sqlite(folder)]
    environment = {**os.environ, **cluster.environment}
    driver = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    said = []
    assert driver.stdout is not None
    for line in driver.stdout:
        said.append(line)
        if line.startswith("waiting for room") and not any("waiting for room" in before for before in said[:-1]):
            assert "free on its one node: 0 of 2 CPUs" in line
            waits()
    text = "".join(said)
    assert driver.wait(60) == 0, text
    assert "waiting for room" in text and "there is room for" in text
    return text


def test_a_full_cluster_is_waited_for_aloud_and_a_node_that_joins_is_used(cluster, tmp_path):
    cluster.head(2)
    content = yaml.safe_load(shipped.find("smoke").read_text())
    study = {"space": {"train.lr": {"log": [0.01, 0.03]}}, "pruner": "none", "budget": {"trials": 2}}
    (tmp_path / "searched.yaml").write_text(yaml.safe_dump({**content, "name": "searched", "study": study}))
    hog = _hog(cluster)
    said = _said(cluster, tmp_path, lambda: hog.communicate("\n", timeout=60), "tune", "searched.yaml")
    assert said.count("2/2 trials, 2 complete") >= 2, said  # of both objectives
    hog = _hog(cluster)
    # The hog stays: room comes from elsewhere.
    said = _said(cluster, tmp_path, lambda: cluster.node(3), "run", "smoke")
    assert "4/4 finished in this spec" in said
    hog.communicate("\n", timeout=60)


def test_data_and_networks_that_a_node_does_not_have_are_sent_to_it_once(cluster, tmp_path):
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        command: list[str] = ["unshare", "--map-root-user", "--mount"]
    else:
        command = ["unshare", "--mount"]
    near = tmp_path / "near"
    near.mkdir()
    made = open_dataset("synthetic", subjects=4, clips=1, seconds=1)
    np.savez_compressed(near / "clips.npz", **{clip.name: clip.positions for clip in made.clips})
    (near / "net.py").write_text(NET)
    (tmp_path / "joined.yaml").write_text(SPEC % (near / "clips.npz", near / "net.py"))
    cluster.head(0)
    # The node sees an empty folder where the driver has its data.
    hidden = 'mount -t tmpfs none "$0" && exec "$@"'
    cluster.node(2, *command, "sh", "-c", hidden, str(near), REPOSE_CACHE=str(tmp_path / "cache"))

    def told(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness.cli.main", *words, "--address", cluster.address],
            cwd=tmp_path,
            env={**os.environ, **cluster.environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    end = time.monotonic() + 120
    while "no node of the cluster has more than 0" in (done := told("plan", "joined.yaml", "--probe")).stderr:
        assert time.monotonic() < end
    store = ["--tracking-uri", sqlite(tmp_path)]
    studied, ran = told("tune", "joined.yaml", *store), told("run", "joined.yaml", *store)
    for one, over in ((done, "as probed"), (studied, "2/2 trials, 2 complete"), (ran, "2/2 finished in this spec")):
        said = one.stdout + one.stderr
        assert one.returncode == 0 and over in said, said
        for name in ("clips.npz", "net.py"):
            assert f"{near / name} (" in said and "is sent to the nodes that don't have it" in said, said
    assert sorted(file.name for file in (tmp_path / "cache" / "files").glob("*/*")) == ["clips.npz", "net.py"]


def test_the_slurm_script_runs_a_spec_on_a_ray_of_its_own(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "srun").write_text('#!/bin/bash\nwhile [ "$1" != ray ]; do shift; done\nexec "$@"\n')
    (tools / "repose").write_text(f'#!/bin/bash\nexec {sys.executable} -m harness.cli.main "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    found = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_CPUS_PER_TASK": "2", "REPOSE_TRACKING_URI": sqlite(tmp_path)}
    found |= {"REPOSE_RAY_PORT": str(_free_port()), "USER": "me", "PYTHONPATH": PATH}
    found |= {"PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = ["bash", str(ROOT / "deploy" / "slurm.sh"), "smoke"]
    done = subprocess.run(
        script, cwd=tmp_path, env={**os.environ, **found}, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4/4 finished in this spec" in done.stdout
