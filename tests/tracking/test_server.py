"""The same record over an `mlflow server` that is gone for a while as the run trains."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from harness import tracking
from harness.errors import UserError
from harness.tracking import listing, record, tags, transfer
from tests.tracking.runs import begun


def serve(folder: Path, port: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "kept")]
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
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


class Line:
    """A line to the server that can be cut: starting a second server would take seconds more."""

    def __init__(self, port: int) -> None:
        self._server, self._ends = port, []
        self.port = free_port()
        self.mend()

    def mend(self) -> None:
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        for end in (self._door, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends = []

    def _accept(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", self._server))
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def known(uri: str, folder: Path) -> None:
    """What can be asked of a store without SQL of our own: where runs stand, their words; what is taken out."""
    run_id = "a" * 16
    logger = begun(uri, run_id)
    logger.at(3, 10)
    logger.lines.say("a word")
    logger._last_beat -= 60
    logger._tick()
    assert tracking.find(uri, "aaaa") == (run_id, "both 0")
    standing = tracking.standing(uri, ["r0", run_id, "r2"])
    assert [one.state for one in standing.values()] == ["finished", "running", "to do"]
    assert standing[run_id].progress == (3, 10)
    assert tracking.lines(uri, tracking.records(uri, [run_id])[0]).endswith("a word\n")
    assert "is doing it" in tracking.remove(uri, [run_id]).kept[run_id]
    logger.artifact("best.pt", b"weights")
    logger.finish({"test_mpjpe": 50.0})
    taken = transfer.take_out(uri, [run_id], [], weights=True)
    assert taken.files[f"runs/{logger.mlflow_id}/best.pt"] == b"weights"
    assert any((folder / "kept").rglob(f"*/{logger.mlflow_id}/artifacts/best.pt"))
    removed = tracking.remove(uri, [run_id])
    assert set(removed.runs) == {run_id} and not removed.littered and not removed.kept
    assert not tracking.records(uri, [run_id]) and tracking.survey(uri, [run_id]).free == {run_id: 3}
    assert not any((folder / "kept").rglob(f"*/{logger.mlflow_id}/artifacts/best.pt"))


def many(uri: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of many runs, in parts and pages, as SQL finds them in the server's own file."""
    ids = [f"{digit}{number:03}" for digit in "09af" for number in range(8)]
    with sqlite3.connect(folder / "mlflow.db") as connection:
        for number, run_id in enumerate(ids):
            row = (run_id, ("FINISHED", "FAILED")[number % 2], 1000 + number, "deleted" if number == 5 else "active")
            connection.execute(
                """INSERT INTO runs (run_uuid, status, start_time, end_time, lifecycle_stage, artifact_uri,
                   experiment_id, user_id) VALUES (?, ?, ?, 61000, ?, '/nowhere', 0, 'user')""",
                row,
            )
            named = {tags.RUN_ID: run_id, tags.SPEC: "s", tags.EVALUATED: '{"a": ["none@1/seen"]}', tags.LIMIT: "{}"}
            connection.executemany(
                "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", [(*one, run_id) for one in named.items()]
            )
    connection.close()
    monkeypatch.setattr(record, "_FEW", 20)
    monkeypatch.setattr(listing, "PAGE", 3)
    file, asked = f"sqlite:///{folder}/mlflow.db", [*ids, "r1"]
    for statuses in (record.ALL, ("FAILED",)):
        found = tracking.records(uri, asked, statuses, details=True)
        assert found == tracking.records(file, asked, statuses, details=True) and len(found) > 10
    assert set(tracking.finished(uri, asked)) == set(ids[::2])
    assert set(tracking.finished(uri)) == {*ids[::2], "r0"}


def test_a_record_over_a_server_that_is_gone_and_returns(template, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    port = free_port()
    server = serve(tmp_path, port)
    line = Line(port)
    uri = f"http://127.0.0.1:{line.port}"
    try:
        assert tracking.prepare(uri) == uri and tracking.finished(uri) == {}
        logger = begun(uri)
        assert tracking.claim(uri, "r0", 0, tracking.myself()) is None
        assert set(tracking.survey(uri, ["r0", "r1"]).busy) == {"r0"}
        logger.log(1, {"loss": 1.0})
        line.cut()
        with pytest.raises(UserError, match="nobody answers"):
            tracking.finished(uri)
        logger.log(2, {"loss": 0.5})
        threading.Timer(2.0, line.mend).start()
        begin = time.monotonic()
        logger.evaluation(b"rows", ["none@1/seen"])  # waits until it is back
        assert time.monotonic() - begin > 1
        logger.finish({"val_mpjpe_best": 50.0})
        record = tracking.finished(uri, ["r0"])["r0"]
        assert record.status == "FINISHED" and record.owner is None
        [(file, conditions)] = tracking.read_evaluations(uri, ["r0"])["r0"].items()
        assert file.read_bytes() == b"rows" and file.is_relative_to(tmp_path / "runs")
        assert conditions == ("none@1/seen",)
        assert tracking.unevaluated(uri, {"r0": record}, ["none@1/seen", "minor@1/seen"]) == {"r0": ("minor@1/seen",)}
        tracking.add_evaluation(uri, record, b"more", ["minor@1/seen"])
        assert [file.read_bytes() for file in tracking.read_evaluations(uri, ["r0"])["r0"]] == [b"rows", b"more"]
        stopped = begun(uri, "r1")
        for content in (b"half", b"most"):
            assert stopped.checkpoints.keep(content, 1, 2, wait=True)
        [there] = begun(uri, "r1", generation=1).checkpoints.earlier()
        assert tracking.read_checkpoint(uri, there) == b"most"
        assert [file.name for file in (tmp_path / "kept").rglob("checkpoint*")] == [there.name]
        tracking.drop_checkpoints(uri, "r1")
        assert not tracking.checkpoints(uri, "r1") and not list((tmp_path / "kept").rglob("checkpoint*"))
        for logger in (stopped, begun(uri, "r1", generation=2)):
            logger.fail("it broke")
        assert tracking.failed(uri) == {"r1": "it broke"}
        known(uri, tmp_path)
        many(uri, tmp_path, monkeypatch)
        out = capfd.readouterr()
        assert "View run" not in out.out and not out.err
    finally:
        line.cut()
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
