"""The same record over an `mlflow server`, which dies and returns while the run trains."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from harness import tracking
from harness.errors import UserError
from tests.tracking.runs import begun


def serve(folder: Path, port: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "kept")]
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        command, cwd=folder, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the server didn't start"
            time.sleep(0.2)
    raise AssertionError("the server didn't answer")


def stop(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_record_over_a_server_that_dies_and_returns(template, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri, servers = f"http://127.0.0.1:{port}", [serve(tmp_path, port)]
    try:
        assert tracking.prepare(uri) == uri and tracking.finished(uri) == {}
        logger = begun(uri)
        assert tracking.claim(uri, "r0", 0, tracking.myself()) is None
        assert set(tracking.survey(uri, ["r0", "r1"]).busy) == {"r0"}
        logger.log(1, {"loss": 1.0})
        stop(servers[0])
        logger.log(2, {"loss": 0.5})
        back = threading.Timer(1.0, lambda: servers.append(serve(tmp_path, port)))
        back.start()
        logger.artifact("evaluation.parquet", b"rows")  # waits until it is back
        logger.finish({"val_mpjpe_best": 50.0})
        back.join()
        record = tracking.finished(uri, ["r0"])["r0"]
        assert record.status == "FINISHED" and record.owner is None
        found = tracking.read_evaluations(uri, ["r0"])
        assert found["r0"].read_bytes() == b"rows" and found["r0"].is_relative_to(tmp_path / "runs")
        begun(uri, "r1").fail("it broke")
        assert tracking.failed(uri) == {"r1": "it broke"}
        out = capfd.readouterr()
        assert "View run" not in out.out and not out.err
    finally:
        for process in servers:
            if process.poll() is None:
                stop(process)
    with pytest.raises(UserError, match="nobody answers"):
        tracking.finished(uri)
