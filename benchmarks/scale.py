"""What the harness needs for a spec of thousands of finished runs: plan, what is finished, report, a driver's memory.

    python benchmarks/scale.py [--runs 10000] [--no-files] [--server] [--folder DIR]

Each question is asked by a process of its own, as a person would: wall time, processor time, most memory. The store
is `filled_store`'s. Without files (for 100,000 runs, whose evaluations would take 6 GB) no report is made. ``--server``
asks an `mlflow server` over the same file as well. A folder is kept, and filled only once. Processor time tells what
an idle machine would take at most, where a machine is busy; a report's is that of both its processes, its memory that
of the larger one.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filled_store

from harness import tracking

ROOT = Path(__file__).resolve().parents[1]
ASKED = """\
import sys, time
from harness import tracking
from harness.spec import load
from harness.sweep import run_sweep
spec, uri = load(sys.argv[1]), sys.argv[2]
ids = [run.run_id for run in spec.runs]
began, used = time.perf_counter(), time.process_time()
assert len(WHAT) == len(ids)
print(time.perf_counter() - began, time.process_time() - used)
"""
FINISHED, SURVEY = "tracking.finished(uri, ids)", "tracking.survey(uri, ids).finished"
AGAIN = "run_sweep(spec, uri=uri).skipped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--no-files", action="store_true")
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        show(given.folder or Path(scratch), given.runs, files=not given.no_files, server=given.server)


def show(folder: Path, runs: int, *, files: bool = True, server: bool = False) -> None:
    """Fill a store in ``folder``, unless it's there, and print a line for each question."""
    folder.mkdir(parents=True, exist_ok=True)
    spec, new = filled_store.spec_of(folder, runs), not (folder / "mlflow.db").exists()
    uri = tracking.prepare(f"sqlite:///{folder.absolute()}/mlflow.db")
    if new:
        filled_store.fill(uri, spec, files=files)
    size = (folder / "mlflow.db").stat().st_size / 1e6
    print(f"{len(spec.runs):,} finished runs, a store of {size:,.0f} MB")
    print(f"{'question':28} {'wall s':>8} {'CPU s':>8} {'MB':>7} {'aim s':>7}")
    repose = [sys.executable, "-m", "harness.cli.main"]
    at = [str(spec.path), "--tracking-uri", uri]
    _line("repose plan", [*repose, "plan", *at], 2.0)
    _line("repose status", [*repose, "status", *at])
    _line("what is finished", _question(FINISHED, at[0], uri), 1.0, inner=True)
    _line("finished, busy or free", _question(SURVEY, at[0], uri), inner=True)
    _line("repose run, nothing to do", _question(AGAIN, at[0], uri), inner=True)
    if files:
        _line("repose report", [*repose, "report", *at, "--no-player", "--out", str(folder / "report")], 10.0)
    if server:
        with _server(uri) as address:
            _line("what is finished, a server", _question(FINISHED, at[0], address), 20.0, inner=True)
            _line("finished, busy or free", _question(SURVEY, at[0], address), inner=True)
            _line("repose status", [*repose, "status", at[0], "--tracking-uri", address])


def _question(what: str, spec: str, uri: str) -> list[str]:
    return [sys.executable, "-c", ASKED.replace("WHAT", what), spec, uri]


def _line(name: str, command: list[str], aim: float | None = None, *, inner: bool = False) -> None:
    """Ask, and print; ``inner``: the process says itself how long the question took, its start left aside."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert process.stdout is not None
    shown = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    wall, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
    if inner:
        wall, cpu = map(float, shown.split()[-2:])
    print(f"{name:28} {wall:8.2f} {cpu:8.2f} {used.ru_maxrss / 1024:7.0f} {'' if aim is None else f'{aim:7.0f}'}")


@contextmanager
def _server(uri: str) -> Iterator[str]:
    """An `mlflow server` over a sqlite store, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--port", str(port)]
    # Its processes for jobs of language models take seconds of both cores to start, and are no part of the question.
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    process = subprocess.Popen(command, start_new_session=True, **quiet)  # type: ignore[call-overload]
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
