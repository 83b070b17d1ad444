"""3DPW's pickles: joints in the axes of a camera that is carried about, by formulas of the test's own."""

import os
import pickle

import numpy as np
import pytest

from harness import data
from harness.data import imported_file, importers
from harness.data.views import views
from harness.errors import UserError
from harness.skeleton import H36M17, SMPL24
from tests.datasets import other_files as files

INSIDE = np.array([[1961.9, 0, 540], [0, 1969.2, 960], [0, 0, 1]])
_FROM = {"LCollar": "LShoulder", "RCollar": "RShoulder", "LHand": "LWrist", "RHand": "RWrist", "Pelvis": "Hip"}
_FROM |= {"Spine1": "Spine", "Spine2": "Spine", "Spine3": "Thorax", "Neck": "Thorax", "Head": "Neck/Nose"}
_FROM |= {"LAnkle": "LFoot", "RAnkle": "RFoot"}
PLACES = [H36M17.joints.index(_FROM.get(name, name)) for name in SMPL24.joints]


def sequence(bodies, frames=20, seed=0):
    """One sequence's pickle, and where its joints are in the camera's axes."""
    random = np.random.default_rng(seed)
    people = [body[:frames, PLACES] + random.normal(0, 0.004, 72).reshape(24, 3) for body in bodies]
    upright = files.turn([1, 0, 0], np.pi / 2)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    for frame in range(frames):
        poses[frame, :3, :3] = files.turn([0, 1, 0], 0.01 * frame) @ upright
        poses[frame, :3, 3] = [0.02 * frame, 0.8, 4.0]
    seen = [np.stack([p @ m[:3, :3].T + m[:3, 3] for p, m in zip(person, poses, strict=True)]) for person in people]
    detections = random.uniform(100, 900, (len(people), frames, 3, 18))
    return {
        "sequence": "s",
        "jointPositions": [person.reshape(frames, 72) for person in people],
        "cam_poses": poses,
        "cam_intrinsics": INSIDE,
        "campose_valid": [np.ones(frames, dtype=np.int64) for _ in people],
        "poses2d": list(detections),
        "genders": ["m"] * len(people),
        "betas": [random.normal(size=10) for _ in people],
    }, seen


@pytest.fixture(scope="module")
def bodies():
    return files.motion(4, 20)


@pytest.fixture
def write(tmp_path, bodies):
    """Writes one sequence a side, the training one with two people; changed as a test wants."""
    made = {
        side: sequence(who, seed=number)
        for number, (side, who) in enumerate(
            {"train": bodies[:2], "validation": bodies[2:3], "test": bodies[3:]}.items()
        )
    }

    def write(change=lambda given: None, protocol=2):
        change(made["train"][0])
        paths = []
        for side, (given, _) in made.items():
            paths.append(tmp_path / "sequenceFiles" / side / f"{side}_walk_00.pkl")
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            paths[-1].write_bytes(pickle.dumps(given, protocol=protocol))
        return paths, {side: seen for side, (_, seen) in made.items()}

    return write


def test_joints_come_out_in_the_cameras_axes(write):
    paths, seen = write()
    found = importers.read("3dpw", paths)
    assert [clip.name for clip in found.clips] == [
        "train_walk_00/person0",
        "train_walk_00/person1",
        "validation_walk_00/person0",
        "test_walk_00/person0",
    ]
    for clip, expected in zip(found.clips, [p for people in seen.values() for p in people], strict=True):
        np.testing.assert_allclose(clip.positions, expected, atol=1e-5)
        assert (clip.fps, clip.performer, clip.action) == (30, None, clip.subject[:-3])
    assert found.splits["3dpw"].test == ("test_walk_00",) and found.skeleton == SMPL24 and found.detector is None
    assert found.clips[0].cameras[0].resolution == (1080, 1920)
    whole = importers.read("3dpw", [paths[0].parent.parent])  # the folder in place of its files
    assert {clip.name for clip in whole.clips} == {clip.name for clip in found.clips} and whole.splits == found.splits


def test_projections_are_those_of_the_matrix(write, tmp_path):
    paths, seen = write()
    imported_file.write(tmp_path / "clips.npz", importers.read("3dpw", paths), kind="3dpw", files=[])
    clips = data.open_dataset("clips", str(tmp_path / "clips.npz")).clips
    filmed = views(clips, purpose="train", count=1, seed=0)
    points = np.concatenate([seen["test"][0], *seen["train"], seen["validation"][0]])
    flat = points @ INSIDE.T
    np.testing.assert_allclose(filmed.pixels.numpy(), flat[..., :2] / flat[..., 2:], atol=0.02)


def test_two_steps_are_trained_on_24_joints(write, tmp_path):
    imported_file.write(tmp_path / "clips.npz", importers.read("3dpw", write()[0]), kind="3dpw", files=[])
    rows = files.two_steps(tmp_path / "clips.npz")
    assert set(rows["subject"]) == {"test_walk_00"} and np.isfinite(rows["value"]).all()


def test_frames_without_a_camera_are_cut_out(write):
    def lost(given):
        given["campose_valid"][1][[5, 6, 12]] = 0
        given["jointPositions"][1][6] = np.nan

    paths, seen = write(lost)
    parts = [clip for clip in importers.read("3dpw", paths).clips if "person1" in clip.name]
    assert [clip.name.partition("/")[2] for clip in parts] == ["person1 0-4", "person1 7-11", "person1 13-19"]
    np.testing.assert_allclose(parts[1].positions, seen["train"][1][7:12], atol=1e-5)


def test_detections_are_given_to_the_joints_they_are_of(write):
    def lost(given):
        given["poses2d"][0][3, 2, 4] = 0  # the right wrist of frame 3

    paths, _ = write(lost)
    given = pickle.loads(paths[0].read_bytes())["poses2d"][0]
    for joints, wrist, ankle in (("smpl24", 21, 7), ("h36m17", 16, 6)):
        camera = importers.read("3dpw", paths, keypoints="openpose", joints=joints).clips[0].cameras[0]
        np.testing.assert_allclose(camera.pixels[0, wrist], given[0, :2, 4], rtol=1e-6)
        np.testing.assert_allclose(camera.score[:, ankle], given[:, 2, 13], rtol=1e-6)
        assert not camera.score[3, wrist] and not camera.pixels[3, wrist].any()
        assert (camera.score[0] > 0).sum() == 12 and not camera.score[:, 0].any()


def test_human36ms_joints_are_sums_of_smpls(write):
    paths, seen = write()
    found = importers.read("3dpw", paths, joints="h36m17")
    points, smpl = found.clips[0].positions, seen["train"][0]
    by_name = {name: points[:, place] for place, name in enumerate(H36M17.joints)}
    for one, other in {"LFoot": 7, "RKnee": 5, "Spine": 6, "Thorax": 12, "Neck/Nose": 15, "LWrist": 20}.items():
        np.testing.assert_allclose(by_name[one], smpl[:, other], atol=1e-5)
    np.testing.assert_allclose(by_name["Head"] - smpl[:, 15], smpl[:, 15] - smpl[:, 12], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("cam_poses"), "unknown key 'cam_poses'"),
        (lambda s: s.update(cam_poses=s["cam_poses"][:9]), r"shape \(20, 72\); expected \(9, 72\), with the 9 frames"),
        (lambda s: s.update(campose_valid=s["campose_valid"][:1]), "campose_valid: 1 people; expected 2"),
        (lambda s: s["jointPositions"][1].__setitem__(4, np.nan), r"jointPositions\[1\]: NaN or infinity"),
        (lambda s: s.update(cam_intrinsics=np.eye(3)[:2]), r"cam_intrinsics: expected \(3, 3\)"),
        (lambda s: s.update(jointPositions=7), "expected a list, one array for each person"),
    ],
)
def test_sequences_that_do_not_fit(write, change, message):
    paths, _ = write(change)
    with pytest.raises(UserError, match=message):
        importers.read("3dpw", paths)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("owned",)


def test_a_pickle_that_runs_something_is_refused(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths, _ = write(lambda given: given.update(texture_maps=Malicious()))
    with pytest.raises(UserError, match=r"asks for (posix|nt).mkdir.*refused"):
        importers.read("3dpw", paths)
    assert not (tmp_path / "owned").exists()
