from __future__ import annotations

import shutil
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
