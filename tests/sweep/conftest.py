from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import tracking


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; MLflow takes seconds to make one."""
    folder = tmp_path_factory.mktemp("template")
    tracking.prepare(f"sqlite:///{folder / 'mlflow.db'}")
    return folder / "mlflow.db"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> str:
    """The address of an empty store of the test's own."""
    shutil.copy(template, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One Ray session for all sweeps of this process, with a GPU that isn't there: starting one takes seconds."""
    from harness.sweep import cluster
    from tests.sweep.bodies import Resources

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 1}')
        held = cluster.start(Resources(), workers=2, address=None, at_most=2, threads=1)
    yield
    held.stop()
