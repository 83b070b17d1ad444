"""A sweep against an `mlflow server` that keeps its records in a real PostgreSQL."""

from __future__ import annotations

import re

import pytest

from tests.services.conftest import repose

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


def test_a_sweep_over_a_server_on_postgresql(running, swept, tmp_path):
    server = running.address
    said = repose("run", "smoke", "--tracking-uri", server, cwd=tmp_path)
    assert re.search(r"4 finished", said), said
    again = repose("plan", "smoke", "--tracking-uri", server, cwd=tmp_path)
    assert re.search(r"\b0 to do\b|nothing to do", again), again
    # The store decides no number: what sqlite kept of the same runs is the same.
    ours, theirs = (folder / "results" / "smoke" / "runs.csv" for folder in (tmp_path, swept))
    assert ours.read_bytes() == theirs.read_bytes()
