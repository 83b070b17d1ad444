from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.cli.main import main

SPEC = """\
name: trial
data: {dataset: mocap, path: PATH, split: {train: [A], validation: [B], test: [C]}, window: 9}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: ridge, seed: 2}
"""


@dataclass(frozen=True)
class Answer:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def repose(capsys, monkeypatch, tmp_path) -> Callable[..., Answer]:
    """Runs the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def repose(*arguments: str) -> Answer:
        try:
            code = main(list(arguments))
        except SystemExit as stop:  # argparse's own way out
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return Answer(code, shown.out, shown.err)

    return repose


@pytest.fixture(scope="session")
def motion() -> dict[str, np.ndarray]:
    """Three subjects' clips as a clip file holds them."""
    from harness.data import open_dataset

    clips = open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).clips
    return {f"{name}/1": clip.positions for name, clip in zip("ABC", clips, strict=True)}


@pytest.fixture
def spec(tmp_path, motion) -> Path:
    """A valid spec on a valid clip file, ``clips.npz``, in the working folder."""
    np.savez_compressed(tmp_path / "clips.npz", **motion)
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("PATH", "clips.npz"))
    return path
