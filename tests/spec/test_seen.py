"""Data files found good are remembered until they change."""

import os

import numpy as np
import pytest

from harness.data import open_dataset
from harness.errors import UserError
from harness.spec import checks, load

SPEC = """\
name: trial
data: {dataset: mocap, path: clips.npz, split: {train: [A], validation: [B], test: [C]}, window: 9}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: ridge, seed: 1}
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    clips = open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).clips
    np.savez(tmp_path / "clips.npz", **{f"{n}/1": clip.positions for n, clip in zip("ABC", clips, strict=True)})
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return "spec.yaml"


@pytest.fixture
def unread(monkeypatch):
    """From here on, reading a data file is a failure."""

    def forbid():
        monkeypatch.setattr(checks, "open_dataset", lambda *_, **__: pytest.fail("the data file was read"))

    return forbid


def test_a_file_found_good_is_not_read_again(spec, unread):
    load(spec, data="check")
    unread()
    assert load(spec, data="check").name == "trial"


def test_a_changed_file_is_read_again(spec, tmp_path):
    load(spec, data="check")
    (tmp_path / "clips.npz").write_bytes((tmp_path / "clips.npz").read_bytes()[:5000])
    with pytest.raises(UserError, match="truncated"):
        load(spec, data="check")


def test_a_touched_file_is_read_again(spec, tmp_path, unread):
    load(spec, data="check")
    os.utime(tmp_path / "clips.npz", (1, 1))
    unread()
    with pytest.raises(pytest.fail.Exception, match="was read"):
        load(spec, data="check")


def test_what_is_remembered_is_still_held_against_the_spec(spec):
    load(spec, data="check")
    with pytest.raises(UserError, match="longer than every clip"):
        load(spec, ["data.window=500"], data="check")
    with pytest.raises(UserError, match="the spec declares 0123456789abcdef"):
        load(spec, ["data.fingerprint='0123456789abcdef'"], data="check")


def test_a_damaged_memory_or_no_cache_folder_only_costs_time(spec, tmp_path, monkeypatch):
    load(spec, data="check")
    for kept in (tmp_path / "cache/repose-harness").iterdir():
        kept.write_text("not json")
    assert load(spec, data="check").name == "trial"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load(spec, data="check").name == "trial"


def test_labels_for_none_of_a_files_clips_are_refused(spec, unread):
    with open(spec) as file:
        text = file.read()
    with open(spec, "w") as file:
        file.write(text.replace("window: 9", "window: 9, label_fraction: 0.5"))
    for _ in range(2):  # read, then remembered
        with pytest.raises(UserError, match="the training side has 1, so from 1/1 on") as caught:
            load(spec, data="check")
        assert (caught.value.line, caught.value.key) == (2, "data.label_fraction")
        unread()
