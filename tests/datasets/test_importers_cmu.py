"""ASF/AMC: joints that other code gave, turns checked by scipy's, frame rates, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from harness.data import importers
from harness.data.importers import asf_amc, motion
from harness.errors import UserError

HERE = Path(__file__).parents[1] / "data" / "cmu"

ARM = """\
:version 1.10
:name arm
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name fore
     direction 0 0 2
     length 3
     axis -90 15 20 XYZ
     dof rx rz
  end
  begin
     id 2
     name upper
     direction 1 1 0
     length 5
     axis 10 20 30 XYZ
     dof rx ry rz
  end
:hierarchy
  begin
    root upper
    upper fore
  end
"""


@pytest.fixture
def files(tmp_path):
    """The few real frames, to be spoilt."""
    shutil.copytree(HERE / "subjects", tmp_path / "subjects")
    for file in tmp_path.rglob("*.a*"):
        file.chmod(0o644)
    return tmp_path / "subjects" / "02"


def test_joints_are_those_that_other_code_gave(files):
    found = importers.read("cmu", [files.parent])
    (clip,) = found.clips
    expected = np.array(json.loads((HERE / "joints.json").read_text())[clip.name])
    assert clip.name == "S02/02_01" and clip.subject == "S02" and clip.fps == 50
    # The floor is set by the whole motion there, by seven frames here: one height apart.
    apart = clip.positions - expected
    assert np.abs(apart[..., :2]).max() < 0.6e-4 and np.ptp(apart[..., 2]) < 1.2e-4
    thorax = np.linalg.norm(clip.positions[:, 8] - clip.positions[:, 7], axis=-1)
    assert thorax == pytest.approx(0.1167, abs=1e-4)
    assert "NSF EIA-0196217" in found.licence and found.detector is None


def test_bones_turn_about_their_own_axes(tmp_path):
    (tmp_path / "arm.asf").write_text(ARM)
    (tmp_path / "arm.amc").write_text(":DEGREES\n1\nroot 1 2 3 10 20 30\nupper 40 50 60\nfore 70 80\n")
    rig = asf_amc.skeleton(tmp_path / "arm.asf")
    places = asf_amc.positions(rig, asf_amc.motion(tmp_path / "arm.amc", rig))[0]
    by = dict(zip(rig.names, places, strict=True))
    unit = 0.0254 / 0.45

    def turn(*degrees):
        return Rotation.from_euler("xyz", degrees, degrees=True)  # lower case: about axes that stay

    root = turn(10, 20, 30)
    upper = root * turn(10, 20, 30) * turn(40, 50, 60) * turn(10, 20, 30).inv()
    fore = upper * turn(-90, 15, 20) * turn(70, 0, 80) * turn(-90, 15, 20).inv()
    elbow = np.array([1, 2, 3]) * unit + upper.apply(np.array([1, 1, 0]) / np.sqrt(2) * 5 * unit)
    assert by["root"] == pytest.approx(np.array([1, 2, 3]) * unit)
    assert by["upper"] == pytest.approx(elbow)
    assert by["fore"] == pytest.approx(elbow + fore.apply([0, 0, 3 * unit]))


def test_straight_motion_stays_straight_at_another_rate():
    at = np.arange(13)[:, None] / 120
    moved = motion.resampled(at * [1.0, 2.0], 120, 50)
    assert moved == pytest.approx(np.arange(6)[:, None] / 50 * [1.0, 2.0])  # 12/120 s hold five steps of 1/50 s
    assert motion.resampled(at, 50, 50) is at


def test_options(files, tmp_path):
    whole = importers.read("cmu", [files / "02_01.amc"], fps=120, skip=0).clips[0]
    assert len(whole) == 7 and whole.action == "other"
    (tmp_path / "index.txt").write_text("Subject #2 (various)\n\n02_01\trun/jog\n")
    assert importers.read("cmu", [files], descriptions=str(tmp_path / "index.txt")).clips[0].action == "run"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("02_01.amc", lambda text: text[:-300], r"02_01.amc:\d+: (frame 7 ends here without|angles of)"),
        ("02_01.amc", lambda text: text.replace("rradius", "tail"), r"no bone 'tail' that moves; is it another"),
        ("02_01.amc", lambda text: text.replace("rradius 46.2257", "rradius NaN"), "angles of rradius: expected 1"),
        ("02_01.amc", lambda text: text.replace(":DEGREES", ":RADIANS"), "another unit than the skeleton's"),
        ("02_01.amc", lambda text: "", "holds no frame; expected an AMC"),
        ("02.asf", lambda text: text[:2000], "02.asf:.*nothing in its section :hierarchy"),
        ("02.asf", lambda text: text.replace("lower", "lumbar", 1).replace("name thorax", "name chest"), "hierarchy"),
        ("02.asf", lambda text: text.replace("rradius", "forearm"), "no bone rradius: a skeleton that isn't CMU's"),
        ("02.asf", lambda text: text.replace("length 0.45", "length 0"), "02.asf:7: a unit of length of 0"),
        ("02.asf", lambda text: text.replace("dof rx ry rz", "dof rx rw rz", 1), "a degree of freedom 'rw'"),
    ],
)
def test_files_that_are_refused(files, name, change, message):
    text = (files / name).read_text()
    (files / name).write_text(change(text))
    with pytest.raises(UserError, match=message):
        importers.read("cmu", [files])


def test_files_that_are_not_there(files, tmp_path):
    (files / "02.asf").unlink()
    with pytest.raises(UserError, match="no such file; expected an ASF"):
        importers.read("cmu", [files])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no motion"):
        importers.read("cmu", [tmp_path / "empty"])
    with pytest.raises(UserError, match="expected a motion called NN_MM"):
        importers.read("cmu", [files / "walk.amc"])
    with pytest.raises(UserError, match="no frame is left"):
        importers.read("cmu", [HERE], skip=7)
