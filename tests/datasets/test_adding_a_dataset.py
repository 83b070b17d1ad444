"""The example of docs/adding-a-dataset.md works as printed: one file, one registry line."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import data, registry, registry_lines
from harness.errors import UserError

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-dataset.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    (tmp_path / "folder_example.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    monkeypatch.syspath_prepend(tmp_path)
    name, target, version, summary = re.search(
        r'"(\w+)": \("([\w.:]+)", (\d+), "(.*)"\)', text[text.index("DATASETS") :]
    ).groups()
    line = (target.replace("harness.data.folder", "folder_example"), int(version), summary)
    monkeypatch.setitem(registry_lines.DATASETS, name, line)
    registry.entries.cache_clear()
    for subject in ("anna", "ben", "cleo", "dan", "eve"):
        (tmp_path / "motion" / subject).mkdir(parents=True)
        np.save(tmp_path / "motion" / subject / "walk.npy", np.ones((30, 17, 3)))
    yield str(tmp_path / "motion")
    monkeypatch.undo()
    registry.entries.cache_clear()
    sys.modules.pop("folder_example", None)


def test_the_printed_example_loads_splits_and_refuses(folder):
    dataset = data.open_dataset("folder", folder, fps=100)
    assert [c.name for c in dataset.clips] == ["anna/walk", "ben/walk", "cleo/walk", "dan/walk", "eve/walk"]
    assert {len(clips) for clips in data.partition(dataset, "default").values()} == {1, 2}
    assert data.fingerprint("folder", folder, fps=100) == dataset.fingerprint != data.fingerprint("folder", folder)
    with pytest.raises(UserError, match="did you mean 'fps'"):
        data.open_dataset("folder", folder, fpss=1)
    with pytest.raises(UserError, match=r"no SUBJECT/ACTION\.npy"):
        data.open_dataset("folder", folder + "/anna")
