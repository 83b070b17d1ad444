from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

BASE = """\
name: trial
data: {dataset: synthetic, window: 27}
train: {steps: 10, batch: 4, occlusion: moderate}
objectives:
  abs: {mpjpe: 1}
  spatial: {mpjpe: 1, spatial_rdc: {weight: 0.1, form: margin}}
  temporal: {mpjpe: 1, temporal_rdc: 0.2}
  both: [spatial, temporal]
grid:
  backbone: [videopose3d-s, simple_baseline]
  objective: [abs, spatial]
  seed: 2
"""


@pytest.fixture
def base() -> str:
    """A small valid spec of eight runs."""
    return BASE


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a spec file and gives its path."""

    def write(text: str, name: str = "trial.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
