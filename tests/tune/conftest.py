from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import tracking
from harness.spec import Spec, load

SPEC: dict[str, Any] = {
    "name": "tuned",
    "data": {"dataset": "synthetic", "options": {"subjects": 4, "clips": 2, "seconds": 1}, "window": 9},
    "backbones": {"tiny": {"base": "videopose3d", "filter_widths": [3, 3], "channels": 16}},
    "train": {"steps": 9, "epochs": 9, "validate_on": ["none"]},
    "test": {"occlusion": ["none"], "cameras": ["seen"]},
    "objectives": {"abs": {"mpjpe": 1}, "both": {"mpjpe": 1, "spatial_rdc": 0.1}},
    "grid": {"backbone": "tiny", "objective": "both", "seed": 1},
    "study": {
        "space": {"train.lr": {"log": [1e-4, 1e-1]}, "objectives.both.spatial_rdc.weight": {"log": [1e-3, 1]}},
        "budget": {"trials": 6},
    },
}


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


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., Spec]:
    """A spec with a study, some of its parts replaced: ``study={"metric": …}`` replaces one of the study."""

    def made(**parts: Any) -> Spec:
        content = {**SPEC, **parts, "study": {**SPEC["study"], **parts.get("study", {})}}
        file = tmp_path / "tuned.yaml"
        file.write_text(yaml.safe_dump(content))
        return load(file)

    return made


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One Ray session for all studies of this process: starting one takes seconds."""
    from harness.sweep import cluster
    from tests.sweep.bodies import Resources

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 1}')  # as tests of sweeps need it, which may join this one
        held = cluster.start(Resources(), workers=2, address=None, at_most=2, threads=1)
    yield
    held.stop()
