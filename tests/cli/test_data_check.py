"""`repose data check`: exit codes, what is printed, what is read."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from harness.cli import data_check
from harness.data import checks, imported_file
from harness.data.dataset import Clip, Split
from harness.data.importers.imported import Imported
from harness.skeleton import H36M17


def test_a_clean_file_and_a_clean_spec(repose, spec):
    answer = repose("data", "check", "clips.npz", "--window", "9")
    assert (answer.code, answer.err) == (0, "") and answer.out.endswith("frames: nothing found\n")
    assert repose("data", "check", "spec.yaml").code == 0
    shipped = repose("data", "check", "quickstart", "-o", "data.options={subjects: 3, clips: 1, seconds: 1.0}")
    assert shipped.code == 0 and shipped.out.startswith("synthetic: 3 clips, ")


def test_findings_name_file_clip_and_frames(repose, tmp_path, motion):
    bad = {name: positions.copy() for name, positions in motion.items()}
    bad["B/1"][4:6, 3] = np.nan
    bad["C/1"] *= 1000
    np.savez(tmp_path / "bad.npz", **bad)
    answer = repose("data", "check", "bad.npz", "--window", "9")
    assert (answer.code, answer.err) == (1, "")
    lines = answer.out.splitlines()
    assert lines[0].startswith("bad.npz: B/1: frames 4-5: values: NaN or infinity in the positions of 2 of")
    assert lines[1].startswith("bad.npz: C/1: units: ") and "millimetres" in lines[1]
    assert lines[2] == f"bad.npz: 3 clips, {sum(map(len, bad.values()))} frames: 2 findings, about 2 clips"
    found = json.loads(repose("data", "check", "bad.npz", "--window", "9", "--json").out)["findings"]
    assert [(one["clip"], one["check"], one["frames"]) for one in found] == [
        ("B/1", "values", [[4, 5]]),
        ("C/1", "units", []),
    ]
    assert len(repose("data", "check", "bad.npz", "--only", "units", "lengths").out.splitlines()) == 4  # 27 frames
    # A spec on this file is looked at, too, at its own window and by its own split.
    (tmp_path / "spec.yaml").write_text(
        "name: t\ndata: {dataset: mocap, path: bad.npz, split: {train: [A], validation: [B], test: [C]}, window: 9}\n"
        "objectives: {abs: {mpjpe: 1}}\ngrid: {backbone: ridge, seed: 1}\n"
    )
    assert repose("data", "check", "spec.yaml").out.splitlines() == lines


def test_an_imported_file(repose, tmp_path, motion):
    clips = tuple(
        Clip(name, name[0], "Ann" if name[0] in "AB" else "Bea", "walk", 50.0, positions)
        for name, positions in motion.items()
    )
    split = {"ours": Split(("A",), ("B",), ("C",))}
    found = Imported("mine", H36M17, clips, "our own", None, split, {})
    imported_file.write(tmp_path / "mine.npz", found, kind="test", files=[])
    answer = repose("data", "check", "mine.npz", "--window", "9")
    assert answer.code == 1
    assert "performers: split 'ours': Ann is, or may be, in train ('A') and validation ('B')" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.npz",), "nothing.npz: no such file"),
        (("half.npz",), "half.npz: not a clip file, or a truncated one"),
        (("flipped.npz",), "flipped.npz: A/1: damaged: its checksum is another"),
        (("flat.npz",), "flat.npz: A/1: shape (4, 51); expected (4, 17, 3)"),
        (("flat.npz", "-o", "data.window=9"), "-o: overrides are for specs"),
        (("quickstrat",), "did you mean 'quickstart'"),
        (("quickstart", "--only", "bone"), "unknown check 'bone'; did you mean 'bones'?"),
    ],
)
def test_bad_input(repose, tmp_path, motion, arguments, message):
    clips = tuple(Clip(name, name[0], None, "walk", 50.0, positions) for name, positions in motion.items())
    imported_file.write(tmp_path / "flipped.npz", Imported("mine", H36M17, clips, "ours"), kind="test", files=[])
    whole = bytearray((tmp_path / "flipped.npz").read_bytes())
    whole[whole.index(motion["A/1"].tobytes()) + 2] ^= 1
    (tmp_path / "flipped.npz").write_bytes(whole)
    np.savez(tmp_path / "flat.npz", **{"A/1": np.zeros((4, 51))})
    (tmp_path / "half.npz").write_bytes((tmp_path / "flat.npz").read_bytes()[:300])
    answer = repose("data", "check", *arguments)
    assert (answer.code, answer.out) == (2, "") and message in answer.err and answer.err.count("\n") == 1


def test_the_help_names_all_checks():
    assert tuple(checks.LINES) == data_check.CHECKS


def test_no_torch_is_loaded(spec):
    code = (
        "import sys; from harness.cli.main import main; code = main(['data', 'check', 'clips.npz', '--window', '9']); "
        "assert code == 0; print(*sorted({'torch', 'matplotlib', 'mlflow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=spec.parent)
    assert done.stdout.splitlines()[1:] == [""]
