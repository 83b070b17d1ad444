"""`repose data show`: a sheet, a page, rates; and what can't be shown."""

from __future__ import annotations

import numpy as np
import pytest

from harness import registry
from harness.look import canvas, gallery


@pytest.fixture
def quick(monkeypatch):
    """Leaves out drawing, which takes longer than all the rest."""
    monkeypatch.setattr(canvas, "png", lambda figure, dpi: b"\x89PNG")


def test_a_file_and_a_spec(repose, spec, tmp_path, quick):
    shown = repose("data", "show", "clips.npz", "--clips", "2")
    assert (shown.code, shown.err) == (0, "")
    assert {"clips-clips.png", "clips-clips.html"} <= {path.name for path in tmp_path.iterdir()}
    assert "severe: % of 74 frames in which a joint is hidden" in shown.out and "its left" in shown.out
    text = (tmp_path / "clips-clips.html").read_text()
    assert text.count("<option>") == 2 and "2 of 3 clips of clips" in text
    # Of a spec those that are tested on, at the levels of its tests.
    both = ("--occlusion", "minor", "self_occlusion@1", "--cameras", "unseen", "--views", "2")
    shown = repose("data", "show", "spec.yaml", *both, "--out", "a.html", "--out", "b.png")
    assert shown.code == 0 and "\nself_occlusion@1: % of" in shown.out
    text = (tmp_path / "a.html").read_text()
    assert text.count("<option>C/1 (") == text.count("<option>") == 2 and "camera unseen 1: minor" in text
    assert (tmp_path / "b.png").read_bytes() == b"\x89PNG"


def test_the_gallery(repose, spec, tmp_path, quick, monkeypatch):
    drawn = []
    monkeypatch.setattr(gallery, "gallery", lambda one, processes: drawn.append((one, processes)))
    shown = repose("data", "show", "clips.npz", "--gallery", "--clips", "B/1", "--out", "g.png")
    assert shown.code == 0 and "processes at severities 0.25, 0.5, 1 on B/1" in shown.out
    ((one, processes),) = drawn
    assert list(processes) == list(registry.entries("processes")) and one.clip == "B/1"
    assert [level for levels in processes.values() for _, level in levels] == list(one.levels)
    hidden = [(~one.visible[level]).sum() for _, level in processes["random_joints"]]
    assert 0 < hidden[0] < hidden[1] < hidden[2] == one.visible["random_joints@1"].size
    assert (tmp_path / "g.png").read_bytes() == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.npz",), "nothing.npz: no such file"),
        (("clips.npz", "--clips", "A/2"), "unknown clip 'A/2'; did you mean 'A/1'?"),
        (("clips.npz", "--clips", "0"), "--clips: one clip or more"),
        (("clips.npz", "--occlusion", "sever"), "--occlusion: unknown occlusion 'sever'; did you mean 'severe'?"),
        (("clips.npz", "--out", "a.jpg"), "a.jpg: --out: a sheet's name ends in .png"),
        (("clips.npz", "--out", "no/a.png"), "there is no folder no"),
        (("clips.npz", "--gallery", "--out", "a.html"), "the gallery is a picture"),
        (("bad.npz",), "bad.npz: A/1: NaN or infinity in 1 of"),
    ],
)
def test_what_can_not_be_shown(repose, spec, tmp_path, motion, arguments, message):
    bad = {name: positions.copy() for name, positions in motion.items()}
    bad["A/1"][3] = np.nan
    np.savez(tmp_path / "bad.npz", **bad)
    before = {path.name for path in tmp_path.iterdir()}
    answer = repose("data", "show", *arguments)
    assert (answer.code, answer.out) == (2, "") and message in answer.err and answer.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == before


def test_recorded_cameras_have_no_unseen_ones(repose, tmp_path, motion):
    from harness.data import imported_file
    from harness.data.dataset import Clip, RecordedCamera
    from harness.data.importers.imported import Imported
    from harness.skeleton import H36M17

    half = np.sqrt(0.5)
    camera = RecordedCamera("c54", (half, -half, 0, 0), (0.0, -6.0, 1.0), (2.3, 2.3, *[0.0] * 7), (1000.0, 1000.0))
    clips = tuple(
        Clip(name, name[0], None, "walk", 50.0, positions - positions[:1, :1] * np.float32([1, 1, 0]), (), (camera,))
        for name, positions in motion.items()
    )
    imported_file.write(tmp_path / "i.npz", Imported("i", H36M17, clips, "ours", None, {}, {}), kind="test", files=[])
    answer = repose("data", "show", "i.npz", "--cameras", "unseen")
    assert answer.code == 2 and answer.err.startswith("repose: error: --cameras: the data have cameras of their own")
    shown = repose("data", "show", "i.npz", "--clips", "1", "--out", "i.html")
    assert shown.code == 0 and "camera c54" in (tmp_path / "i.html").read_text()
