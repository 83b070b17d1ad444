"""HumanEva in VideoPose3D's layout: poses, people and cameras come out as they were put in."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness import data
from harness.data import imported_file, importers
from harness.data.importers import humaneva_videopose3d as humaneva
from harness.data.views import views
from harness.errors import UserError
from tests.datasets import h36m_files
from tests.datasets import other_files as files

PLACES = json.loads(Path(humaneva.__file__).with_name("humaneva_cameras.json").read_text())["subjects"]
LENS = {"focal": [760.0, 755.0], "centre": [310.0, 245.0], "radial": [-0.2, 0, 0], "tangential": [0, 0]}
SIDES = {"keypoints_symmetry": [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]]}


@pytest.fixture(scope="module")
def world():
    subjects = [f"{side}/S{number}" for side in ("Train", "Validate") for number in (1, 2, 3)]
    poses = files.motion(len(subjects))
    return {name: {"Walking 1 chunk0": p[:, files.HUMANEVA]} for name, p in zip(subjects, poses, strict=True)}


@pytest.fixture(scope="module")
def seen(world):
    return {
        subject: {
            action: [
                h36m_files.pixels(h36m_files.in_camera(poses, place), LENS).astype(np.float32)
                for place in PLACES[subject[-2:]].values()
            ]
            for action, poses in actions.items()
        }
        for subject, actions in world.items()
    }


@pytest.fixture
def read(tmp_path, world, seen):
    """Writes both files, changed as a test wants, and imports them."""

    def read(poses=None, keypoints=None, metadata=None, **options):
        np.savez_compressed(tmp_path / "data_3d_humaneva15.npz", positions_3d=poses or world)
        second = tmp_path / "data_2d_humaneva15_gt.npz"
        np.savez_compressed(second, positions_2d=keypoints or seen, metadata=metadata or SIDES)
        return importers.read("humaneva-videopose3d", [tmp_path / "data_3d_humaneva15.npz", second], **options)

    return read


def test_poses_people_and_keypoints_come_out_as_they_went_in(read, world, seen):
    found = read()
    assert (found.detector, found.world, len(found.skeleton)) == ("gt", "up", 15)
    assert found.performers["S2-Validate"] == "S2"
    for clip in found.clips:
        person, side = clip.subject.split("-")
        np.testing.assert_array_equal(clip.positions, world[f"{side}/{person}"]["Walking 1 chunk0"].astype(np.float32))
        assert (clip.fps, clip.action, clip.performer) == (60, "Walking", person)
        for camera, pixels in zip(clip.cameras, seen[f"{side}/{person}"]["Walking 1 chunk0"], strict=True):
            np.testing.assert_array_equal(camera.pixels, pixels)


def test_what_is_inside_the_cameras_follows_from_poses_and_keypoints(read, seen, tmp_path):
    imported_file.write(tmp_path / "clips.npz", read(), kind="humaneva-videopose3d", files=[])
    clips = data.open_dataset("clips", str(tmp_path / "clips.npz"), detections="truth").clips
    filmed = views(clips, purpose="train", count=1, seed=0)
    expected = [p for c in clips for p in seen["/".join(c.subject.split("-")[::-1])]["Walking 1 chunk0"]]
    np.testing.assert_allclose(filmed.pixels.numpy(), np.concatenate(expected), atol=0.02)


def test_a_few_wild_keypoints_move_no_camera(read, seen):
    wild = {s: {a: [p.copy() for p in arrays] for a, arrays in actions.items()} for s, actions in seen.items()}
    for actions in wild.values():
        for arrays in actions.values():
            arrays[0][::6, 3] += 200
    calm, shaken = read().clips[0].cameras[0].intrinsic, read(keypoints=wild).clips[0].cameras[0].intrinsic
    np.testing.assert_allclose(shaken, calm, atol=1e-3)


def test_two_steps_are_trained_and_people_kept_apart(read, tmp_path):
    imported_file.write(tmp_path / "clips.npz", read(), kind="humaneva-videopose3d", files=[])
    rows = files.two_steps(tmp_path / "clips.npz")
    assert set(rows["subject"]) == {"S3-Train", "S3-Validate"} and np.isfinite(rows["value"]).all()
    field = {"train": ["S1-Train", "S2-Train"], "validation": ["S3-Train"], "test": ["S1-Validate"]}
    with pytest.raises(UserError, match=r"'S1-Train' \(train\) and 'S1-Validate' \(test\) are one performer \(S1\)"):
        data.partition(data.open_dataset("clips", str(tmp_path / "clips.npz")), field)


def test_without_keypoints_there_are_no_cameras(tmp_path, world):
    np.savez_compressed(tmp_path / "p.npz", positions_3d=world)
    found = importers.read("humaneva-videopose3d", [tmp_path / "p.npz"])
    assert {clip.cameras for clip in found.clips} == {()} and found.detector is None
    given = {"units": "millimetres", "cameras": {"C1": {**LENS, "resolution": [640, 480]}}}
    given["subjects"] = {person: {"C1": places["C1"]} for person, places in PLACES.items()}
    (tmp_path / "own.json").write_text(json.dumps(given))
    found = importers.read("humaneva-videopose3d", [tmp_path / "p.npz"], cameras=str(tmp_path / "own.json"))
    assert found.clips[0].cameras[0].intrinsic[4] == -0.2


def test_what_does_not_fit(read, world, seen):
    with pytest.raises(UserError, match="another order than HumanEva's 15"):
        read(metadata={"keypoints_symmetry": [[1, 3, 5], [2, 4, 6]]})
    with pytest.raises(UserError, match="the subject 'S1' isn't called like Train/S1"):
        read({"S1": world["Train/S1"]})
    with pytest.raises(UserError, match=r"Train/S1/Walking 1 chunk0: shape \(12, 14, 3\)"):
        read({"Train/S1": {"Walking 1 chunk0": world["Train/S1"]["Walking 1 chunk0"][:, :14]}})
    with pytest.raises(UserError, match="12 frames of keypoints beside 15"):
        read({"Train/S1": {"Walking 1 chunk0": np.zeros((15, 15, 3))}})
    other = {**seen, "Train/S1": seen["Train/S2"], "Validate/S1": seen["Validate/S3"]}
    other = {s: {a: [p[:, ::-1] for p in arrays] for a, arrays in actions.items()} for s, actions in other.items()}
    with pytest.raises(UserError, match=r"S1@C1: no camera sees these poses where the keypoints are"):
        read(keypoints=other)
