"""What a user can get wrong, through the command: one line, exit code 2."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from harness.data import fingerprint


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path):
    """What is refused leaves neither a store nor a report, not even half of one."""
    yield
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {"runs"}
    assert "results" not in left or not (tmp_path / "results").is_dir() or not list((tmp_path / "results").iterdir())


def wrong(answer, *parts: str) -> None:
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("repose: error: ")
    assert answer.err.count("\n") == 1
    for part in parts:
        assert part in answer.err


def test_a_spec_that_is_not_yaml(repose, spec):
    spec.write_text("name: [1\nx: }\n")
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: not YAML")


def test_a_spec_that_is_not_there(repose):
    wrong(repose("plan", "nothing.yaml"), "nothing.yaml: no such spec file")
    wrong(repose("plan", "quikstart"), "did you mean 'quickstart'?")


def test_a_variable_that_is_not_set(repose, spec, monkeypatch):
    monkeypatch.delenv("CLIPS", raising=False)
    spec.write_text(spec.read_text().replace("clips.npz", "${CLIPS}/clips.npz"))
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.path: the environment variable CLIPS isn't set")
    monkeypatch.setenv("CLIPS", ".")
    assert repose("validate", "spec.yaml").code == 0


def test_an_override_that_names_nothing(repose, spec):
    wrong(repose("run", "spec.yaml", "-o", "train.stps=3"), "-o train.stps=3: train.stps: unknown key", "'steps'?")


@pytest.mark.parametrize("command", ["validate", "run", "plan"])
def test_missing_data(repose, spec, tmp_path, command):
    (tmp_path / "clips.npz").unlink()
    wrong(repose(command, "spec.yaml"), "spec.yaml:2: data.path: ", "clips.npz", "no such file")


def test_a_declared_fingerprint_stands_in_for_missing_data_until_they_are_needed(repose, spec, tmp_path):
    path = tmp_path / "clips.npz"
    known = fingerprint("mocap", str(path))
    spec.write_text(spec.read_text().replace("window: 9", f"window: 9, fingerprint: '{known}'"))
    assert repose("validate", "spec.yaml").code == 0
    path.unlink()
    assert repose("validate", "spec.yaml").code == 0
    assert repose("plan", "spec.yaml", "--offline").code == 0
    wrong(repose("run", "spec.yaml"), "data.path", "no such file")


def test_other_data_than_declared(repose, spec):
    spec.write_text(spec.read_text().replace("window: 9", "window: 9, fingerprint: abcdef"))
    for command in ("validate", "run"):
        wrong(repose(command, "spec.yaml"), "spec.yaml:2: data.fingerprint: ", "the spec declares abcdef")


def test_truncated_data(repose, spec, tmp_path):
    path = tmp_path / "clips.npz"
    path.write_bytes(path.read_bytes()[:-200])
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.path: ", "truncated")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda x: x[:, :16], "17"),
        (lambda x: np.where(np.arange(len(x))[:, None, None] == 3, np.nan, x), "NaN"),
        (lambda x: x * 1000, "millimetres"),
        (lambda x: x.astype(object), "pickle"),
    ],
    ids=["shape", "NaN", "millimetres", "pickled"],
)
def test_damaged_data(repose, spec, tmp_path, motion, change, part):
    np.savez_compressed(tmp_path / "clips.npz", **{**motion, "A/1": change(motion["A/1"])})
    for command in ("validate", "run"):
        wrong(repose(command, "spec.yaml"), "spec.yaml:2: data.path: ", "A/1", part)


def test_a_window_longer_than_every_clip(repose, spec):
    spec.write_text(spec.read_text().replace("window: 9", "window: 31"))
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.window: a window of 31 frames is longer than every clip")


def test_a_subject_the_data_lack(repose, spec):
    spec.write_text(spec.read_text().replace("test: [C]", "test: [D]"))
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.split: ", "'D'")


def test_a_performer_on_two_sides(repose, spec):
    spec.write_text(spec.read_text().replace("train: [A], validation: [B]", "train: [S07], validation: [S07r]"))
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.split: ", "leaks", "S07r")


def test_a_tracking_server_nobody_answers_at(repose, spec):
    wrong(repose("plan", "spec.yaml", "--tracking-uri", "http://127.0.0.1:9"), "127.0.0.1:9")


@pytest.mark.parametrize("command", ["plan", "run", "report"])
def test_the_tracking_address_is_told_where_it_is_given(repose, spec, command):
    wrong(repose(command, "spec.yaml", "--tracking-uri", "foo://x"), "--tracking-uri: can't track to 'foo://x'")
    spec.write_text(spec.read_text() + "tracking:\n  uri: http://127.0.0.1:9\n")
    wrong(repose(command, "spec.yaml"), "spec.yaml:6: tracking.uri: nobody answers", "127.0.0.1:9")


def test_an_address_of_a_kind_nobody_tracks_to_is_invalid(repose, spec):
    spec.write_text(spec.read_text() + "tracking: {uri: 'foo://x'}\n")
    wrong(repose("validate", "spec.yaml"), "spec.yaml:5: tracking.uri: can't track to 'foo://x'")


@pytest.mark.parametrize("stands", ["file", "dangling link"])
def test_an_output_folder_that_cannot_be_written_is_told_before_anything_runs(repose, spec, tmp_path, stands):
    if stands == "file":
        (tmp_path / "results").write_text("")
    else:
        (tmp_path / "results").symlink_to(tmp_path / "gone" / "away")
    wrong(repose("run", "spec.yaml"), "results/trial: the output folder can't be written")


@pytest.mark.parametrize(
    ("side", "part"),
    [("{", "JSON"), ("[]", "'clips'"), ('{"fps": Infinity}', "fps"), ('{"joints": 3}', "joints"),
     ('{"clips": {"A/1": {"desc": 3}}}', "A/1: 'desc' is 3"), ('{"units": "mm"}', "expected 'metres'"),
     ('{"clips": {"A/1": {"same_recording_as": "B/1"}}}', "expected a list")],
)  # fmt: skip
def test_a_damaged_side_file(repose, spec, tmp_path, side, part):
    (tmp_path / "clips.json").write_text(side)
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.path: clips.json", part)


@pytest.mark.parametrize("header", [b"{oops", b"3", b"{}"])
def test_a_damaged_array(repose, spec, tmp_path, header):
    with zipfile.ZipFile(tmp_path / "clips.npz", "w") as archive:
        archive.writestr("A/1.npy", b"\x93NUMPY\x01\x00v\x00" + header.ljust(118))
    wrong(repose("validate", "spec.yaml"), "spec.yaml:2: data.path: clips.npz: A/1: is a damaged numpy array")
