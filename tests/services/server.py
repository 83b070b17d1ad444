"""An `mlflow server` that can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


class Server:
    """A running server on loopback.

    Args:
        database: where it keeps records.
        folder: for its log and for artifacts.
    """

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self._folder = database, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self.artifacts = folder / "kept"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--workers", "1", "--backend-store-uri", self.database]
        command += ["--artifacts-destination", str(self.artifacts)]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment = {**os.environ, **quiet}
        with open(self._folder / "server.log", "a") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=1):
                    return
            except OSError:
                said = (self._folder / "server.log").read_text()
                assert self._process.poll() is None and time.monotonic() < end, said
                time.sleep(0.3)

    def said(self) -> str:
        """The end of its log."""
        return (self._folder / "server.log").read_text()[-4000:]

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it, with whatever it has started."""
        os.killpg(self._process.pid, by)
        self._process.wait(timeout=30)
