"""MPI-INF-3DHP in P-STMO's layout: metres in camera axes, cameras that see the keypoints, scored test frames."""

from dataclasses import replace

import numpy as np
import pytest

from harness import data
from harness.data import imported_file, importers
from harness.data.views import views
from harness.errors import UserError
from harness.skeleton import H36M17
from tests.datasets import other_files as files

NAMES = [
    *("Head", "Thorax", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RFoot"),
    *("LHip", "LKnee", "LFoot", "Hip", "Spine", "Neck/Nose"),
]
ORDER = [H36M17.joints.index(name) for name in NAMES]
FOCAL, CENTRE, BENT = (1497.7, 1497.1), (1024.7, 1051.4), -0.05
SIDE = files.turn([1, 0, 0], np.pi / 2)  # camera axes: x right, y down, z forward


def before(world, number):
    """Metres in the axes of a camera about three metres off."""
    around = files.turn([0, 0, 1], 0.7 * number)
    return world @ around.T @ SIDE.T + [0.1 * number, 0.9, 3.4]


def arrays(points, **more):
    """What the layout says of a film: its own order of joints, millimetres, pixels."""
    pixels = files.film(points, FOCAL, CENTRE, BENT)
    return {"data_2d": pixels[:, ORDER], "data_3d": points[:, ORDER] * 1000.0, **more}


@pytest.fixture(scope="module")
def world():
    return dict(zip(["S1", "S2", "S8", "TS1", "TS5"], files.motion(5, 24), strict=True))


@pytest.fixture
def train(world):
    return {
        f"{subject} Seq1": [{str(number): arrays(before(world[subject], number)) for number in (0, 4)}, 25]
        for subject in ("S1", "S2", "S8")
    }


@pytest.fixture
def test(world):
    valid = (np.arange(24) % 5 == 0).astype(np.float64)
    return {name: arrays(before(world[name], 1), valid=valid) for name in ("TS1", "TS5")}


@pytest.fixture
def read(tmp_path, train, test):
    def read(side=None, tested=None, **options):
        np.savez_compressed(tmp_path / "data_train_3dhp.npz", data=side or train)
        np.savez_compressed(tmp_path / "data_test_3dhp.npz", data=tested or test)
        paths = [tmp_path / f"data_{name}_3dhp.npz" for name in ("train", "test")]
        return importers.read("3dhp-pstmo", paths, **options)

    return read


def test_poses_come_out_in_metres_and_in_order(read, world):
    found = read(test_fps=50)
    assert [clip.name for clip in found.clips[::2]] == ["S1/Seq1.cam0", "S2/Seq1.cam0", "S8/Seq1.cam0", "TS1/all"]
    for clip in found.clips:
        (camera,) = clip.cameras
        number = 1 if clip.subject.startswith("T") else int(camera.name[3:])
        points = before(world[clip.subject], number)
        np.testing.assert_allclose(clip.positions, points, atol=1e-5)
        np.testing.assert_allclose(camera.pixels, files.film(points, FOCAL, CENTRE, BENT), atol=1e-3)
        assert clip.fps == (50 if clip.subject.startswith("T") else 25)
    assert [(clip.action, clip.cameras[0].resolution[0]) for clip in found.clips[-2:]] == [
        ("GreenScreen", 2048),
        ("Outdoor", 1920),
    ]


def test_the_fitted_cameras_project_to_the_keypoints(read, world, tmp_path):
    imported_file.write(tmp_path / "clips.npz", read(), kind="3dhp-pstmo", files=[])
    clips = data.open_dataset("clips", str(tmp_path / "clips.npz"), detections="truth").clips
    filmed = views(clips, purpose="train", count=1, seed=0)
    expected = np.concatenate([clip.cameras[0].pixels for clip in read().clips])
    assert [clip.name for clip in clips] == [clip.name for clip in read().clips]
    np.testing.assert_allclose(filmed.pixels.numpy(), expected, atol=0.02)


def test_two_steps_are_trained_and_only_valid_frames_scored(read, tmp_path, test):
    imported_file.write(tmp_path / "clips.npz", read(), kind="3dhp-pstmo", files=[])
    split = {"train": ["S1", "S2"], "validation": ["S8"], "test": ["TS1", "TS5"]}
    rows = files.two_steps(tmp_path / "clips.npz", split=split)
    whole = rows[(rows["joint"] == "all") & (rows["group"] == "all")]
    assert set(whole["clip"]) == {"TS1/all", "TS5/all"} and set(whole["n"]) == {5}
    thin = data.open_dataset("clips", str(tmp_path / "clips.npz"), fps=5).clips[-1]
    assert thin.scored.tolist() == [True] * 5


def test_scored_frames_are_as_many_as_frames(read, tmp_path):
    found = read()
    cut = (*found.clips[:-1], replace(found.clips[-1], scored=found.clips[-1].scored[:9]))
    with pytest.raises(UserError, match=r"TS5/all@/scored: shape \(9,\); expected \(24,\)"):
        imported_file.write(tmp_path / "clips.npz", replace(found, clips=cut), kind="3dhp-pstmo", files=[])


def test_test_frames_without_a_pose_are_cut_out(read, test):
    test["TS1"]["data_3d"][[7, 8]] = np.nan
    test["TS1"]["data_3d"][12] = 0
    names = [(clip.name, int(clip.scored.sum())) for clip in read(tested=test).clips[-4:]]
    assert names == [("TS1/all 0-6", 2), ("TS1/all 9-11", 1), ("TS1/all 13-23", 2), ("TS5/all", 5)]
    test["TS1"]["data_3d"][10] = np.nan
    with pytest.raises(UserError, match=r"TS1.data_3d: frame 10 is to be scored, but its pose is NaN"):
        read(tested=test)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda film: film.update(data_3d=film["data_3d"] / 1000), "The layout has millimetres"),
        (lambda film: film.update(data_3d=film["data_3d"][:20]), "S1 Seq1@0.data_2d: 24 frames beside 20 of data_3d"),
        (lambda film: film.update(data_2d=film["data_2d"][:, ::-1]), "S1 Seq1@0: no camera sees these poses where"),
        (lambda film: film.update(data_2d=film["data_2d"][:, :16]), r"shape \(24, 16, 2\); expected \(frames, 17, 2\)"),
        (lambda film: film.pop("data_2d"), "unknown key 'data_2d'"),
        (lambda film: film["data_3d"].__setitem__(3, np.nan), "in 1 of 24 frames, first in frame 3"),
    ],
)
def test_films_that_do_not_fit(read, train, change, message):
    change(train["S1 Seq1"][0]["0"])
    with pytest.raises(UserError, match=message):
        read(train)


def test_sequences_that_do_not_fit(read, train, test):
    with pytest.raises(UserError, match="isn't called like 'S1 Seq1'"):
        read({"S1": train["S1 Seq1"]})
    with pytest.raises(UserError, match=r"S1 Seq1: expected \[cameras, frames a second\]"):
        read({"S1 Seq1": 3})
    with pytest.raises(UserError, match=r"TS1.valid: 7 frames beside 24"):
        read(tested={"TS1": {**test["TS1"], "valid": np.ones(7)}})
    with pytest.raises(UserError, match="no frame is to be scored"):
        read(tested={"TS1": {**test["TS1"], "valid": np.zeros(24)}})
