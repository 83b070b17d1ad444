"""A sweep against an `mlflow server` that keeps its records in a real PostgreSQL."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.conftest import repose
from tests.services.postgres import Postgres

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server on a fresh database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", postgres.url(), "--artifacts-destination", str(tmp_path / "kept")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with open(tmp_path / "server.log", "w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                break
        except OSError:
            assert process.poll() is None and time.monotonic() < end, (tmp_path / "server.log").read_text()
            time.sleep(0.3)
    yield address
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


def test_a_sweep_over_a_server_on_postgresql(server, swept, tmp_path):
    said = repose("run", "smoke", "--tracking-uri", server, cwd=tmp_path)
    assert re.search(r"4 finished", said), said
    again = repose("plan", "smoke", "--tracking-uri", server, cwd=tmp_path)
    assert re.search(r"\b0 to do\b|nothing to do", again), again
    # The store decides no number: what sqlite kept of the same runs is the same.
    ours, theirs = (folder / "results" / "smoke" / "runs.csv" for folder in (tmp_path, swept))
    assert ours.read_bytes() == theirs.read_bytes()
