"""What the service tests share: a report of real runs, a browser, a database of their own.

They run with `make test-services` alone, which installs what they drive; nothing here is skipped
because something is missing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.postgres import Postgres
from tests.services.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def repose(*words: str, cwd: Path, timeout: float = 300, **environment: str) -> str:
    """What one command prints; it must end with exit code 0."""
    command = [sys.executable, "-m", "harness.cli.main", *words]
    root = Path(__file__).parents[2]
    given = {**os.environ, "PYTHONPATH": str(root), **environment}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


STARTED: pytest.StashKey[list[Server | Postgres]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a test that fails stands what the servers said that were there."""
    report = yield
    if report.failed:
        for one in item.session.stash.get(STARTED, []):
            report.sections.append((f"the end of the log of {type(one).__name__}", one.said()))
    return report


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smallest shipped spec was run: runs/ and results/smoke/."""
    folder = tmp_path_factory.mktemp("swept")
    repose("run", "smoke", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    # Here, since `make test` collects this folder without what it needs.
    from playwright.sync_api import sync_playwright

    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*root, *QUIET])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; what it complained of and what it asked the network for are in ``complaints``."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    complaints: list[str] = []
    found.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url)
    )
    found.complaints = complaints  # type: ignore[attr-defined]
    yield found
    context.close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A throw-away PostgreSQL on loopback."""
    with Postgres() as running:
        request.session.stash.setdefault(STARTED, []).append(running)
        yield running


@pytest.fixture(scope="session")
def running(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """An MLflow server whose records are in PostgreSQL."""
    found = Server(postgres.url(), tmp_path_factory.mktemp("server"))
    request.session.stash.setdefault(STARTED, []).append(found)
    yield found
    found.stop(signal.SIGKILL)  # in order it would wait for the connections of this process
