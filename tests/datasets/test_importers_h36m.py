"""Human3.6M's two layouts: poses, cameras and keypoints come out as they were put in, by formulas of the test's own."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from harness import data
from harness.data import imported_file, importers
from harness.data.importers import h36m
from harness.data.views import views
from harness.errors import UserError
from tests.datasets import h36m_files as files

CAMERAS = json.loads(Path(h36m.__file__).with_name("h36m_cameras.json").read_text())


@pytest.fixture(scope="module")
def world():
    return files.motion()


@pytest.fixture(scope="module")
def seen(world):
    """What a perfect detector reports, as VideoPose3D's ``data_2d_h36m_gt.npz`` has it."""
    return {
        subject: {
            action: [
                files.pixels(files.in_camera(poses, place), CAMERAS["cameras"][name]).astype(np.float32)
                for name, place in CAMERAS["subjects"][subject].items()
            ]
            for action, poses in actions.items()
        }
        for subject, actions in world.items()
    }


@pytest.fixture
def videopose3d(tmp_path, world, seen):
    """Writes both files, changed as a test wants, and imports them."""

    def write(poses=None, keypoints=None, metadata=None, **options):
        poses = poses or {s: {a: files.padded(p) for a, p in actions.items()} for s, actions in world.items()}
        np.savez_compressed(tmp_path / "data_3d_h36m.npz", positions_3d=poses)
        second = tmp_path / "data_2d_h36m_cpn_ft_h36m_dbb.npz"
        np.savez_compressed(second, positions_2d=keypoints or seen, metadata=metadata or files.symmetric())
        return importers.read("h36m-videopose3d", [tmp_path / "data_3d_h36m.npz", second], **options)

    return write


def test_videopose3d_poses_and_keypoints_come_out_as_they_went_in(videopose3d, world, seen):
    found = videopose3d()
    assert [clip.name for clip in found.clips] == ["S1/Walking 1", "S5/Walking 1", "S8/Walking 1", "S9/Walking 1"]
    assert (found.detector, found.world) == ("cpn_ft_h36m_dbb", "up")
    for clip in found.clips:
        np.testing.assert_array_equal(clip.positions, world[clip.subject]["Walking 1"].astype(np.float32))
        assert (clip.fps, clip.action, clip.performer) == (50, "Walking", clip.subject)
        assert [camera.name for camera in clip.cameras] == list(CAMERAS["cameras"])
        for camera, pixels in zip(clip.cameras, seen[clip.subject]["Walking 1"], strict=True):
            np.testing.assert_array_equal(camera.pixels, pixels)


def test_recorded_cameras_project_to_the_keypoints_that_a_perfect_detector_reports(videopose3d, tmp_path, seen):
    imported_file.write(tmp_path / "clips.npz", videopose3d(), kind="h36m-videopose3d", files=[])
    path = str(tmp_path / "clips.npz")
    projected = data.open_dataset("clips", path, detections="truth").clips
    filmed = views(projected, purpose="train", count=1, seed=0)
    expected = np.concatenate([pixels for subject in sorted(seen) for pixels in seen[subject]["Walking 1"]])
    assert len(filmed) == 16
    np.testing.assert_allclose(filmed.pixels.numpy(), expected, atol=0.01)
    reported = views(data.open_dataset("clips", path).clips, purpose="train", count=1, seed=0)
    np.testing.assert_array_equal(reported.pixels.numpy(), expected)
    np.testing.assert_array_equal(reported.poses.numpy(), filmed.poses.numpy())


def test_poses_may_come_without_keypoints_and_cameras_from_a_file(tmp_path, world):
    np.savez_compressed(tmp_path / "p.npz", positions_3d={"T1": {"Sitting": files.padded(world["S1"]["Walking 1"])}})
    with pytest.raises(UserError, match=r"cameras aren't known of 'T1', but of S1, .*: -o cameras=FILE"):
        importers.read("h36m-videopose3d", [tmp_path / "p.npz"])
    own = {**CAMERAS, "subjects": {"T1": CAMERAS["subjects"]["S1"]}}
    (tmp_path / "own.json").write_text(json.dumps(own))
    found = importers.read("h36m-videopose3d", [tmp_path / "p.npz"], cameras=str(tmp_path / "own.json"))
    assert found.detector is None and {camera.pixels is None for camera in found.clips[0].cameras} == {True}


def test_a_video_that_runs_on_is_cut_and_one_that_stops_early_refused(videopose3d, seen):
    def changed(pixels):
        return {**seen, "S5": {"Walking 1": [seen["S5"]["Walking 1"][0], pixels, *seen["S5"]["Walking 1"][2:]]}}

    one = seen["S5"]["Walking 1"][1]
    found = videopose3d(keypoints=changed(np.concatenate([one, one[-1:]])))
    np.testing.assert_array_equal(found.clips[1].cameras[1].pixels, one)
    with pytest.raises(UserError, match=r"S5/Walking 1@55011271: 11 frames of keypoints beside 12 of poses"):
        videopose3d(keypoints=changed(one[:-1]))
    with pytest.raises(UserError, match="24 frames of keypoints beside 12"):
        videopose3d(keypoints=changed(np.concatenate([one, one])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "S9"}, "S9: the file of poses has this subject"),
        (lambda s: {**s, "S1": {"Other": s["S1"]["Walking 1"]}}, "S1/Walking 1: the file of poses has this clip"),
        (
            lambda s: {**s, "S1": {"Walking 1": s["S1"]["Walking 1"][:3]}},
            "keypoints of 3 cameras; expected 4: 54138969",
        ),
        (
            lambda s: {**s, "S1": {"Walking 1": [p[:, :16] for p in s["S1"]["Walking 1"]]}},
            r"expected \(frames, 17, 2\)",
        ),
        (lambda s: [1, 2], "expected a mapping of subjects"),
    ],
)
def test_keypoints_that_do_not_fit(videopose3d, seen, change, message):
    with pytest.raises(UserError, match=message):
        videopose3d(keypoints=change(seen))


def test_keypoints_of_another_order(videopose3d):
    with pytest.raises(UserError, match="COCO"):
        videopose3d(metadata={"keypoints_symmetry": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]})


def test_wrong_members_and_truncated_files(tmp_path):
    np.savez(tmp_path / "a.npz", positions_3D=np.zeros(3))
    with pytest.raises(UserError, match="did you mean 'positions_3D'"):
        importers.read("h36m-videopose3d", [tmp_path / "a.npz"])
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="truncated"):
        importers.read("h36m-videopose3d", [tmp_path / "b.npz"])
    with pytest.raises(UserError, match="did you mean 'h36m-videopose3d'"):
        importers.read("h36m-videpose", [tmp_path / "a.npz"])


def test_millimetres_and_nan_are_found_before_anything_is_written(videopose3d, tmp_path, world):
    def written(change):
        poses = {s: {a: change(files.padded(p)) for a, p in actions.items()} for s, actions in world.items()}
        imported_file.write(tmp_path / "out.npz", videopose3d(poses), kind="x", files=[])

    with pytest.raises(UserError, match=r"S1/Walking 1: .*no body in metres \(in millimetres\?\)"):
        written(lambda poses: poses * 1000)
    with pytest.raises(UserError, match="NaN or infinity in 1 of 12 frames, first in frame 4"):
        written(lambda poses: np.where(np.arange(len(poses))[:, None, None] == 4, np.nan, poses))
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("factor", [True, False])
def test_motionbert_gives_metres_in_camera_axes(tmp_path, world, factor):
    train = files.motionbert({s: world[s] for s in ("S1", "S5", "S8")}, CAMERAS, factor=factor)
    test = files.motionbert({"S9": world["S9"]}, CAMERAS)
    test["camera_name"] = np.random.default_rng(0).permutation(test["camera_name"])  # as the published file's are
    path = tmp_path / "h36m_sh_conf_cam_source_final.pkl"
    path.write_bytes(pickle.dumps({"train": train, "test": test}))
    found = importers.read("h36m-motionbert", [path])
    assert (len(found.clips), found.detector, found.world) == (16, "sh", "camera")
    for clip in found.clips:
        (camera,) = clip.cameras
        truth = files.in_camera(world[clip.subject]["Walking 1"], CAMERAS["subjects"][clip.subject][camera.name])
        np.testing.assert_allclose(clip.positions, truth, atol=1e-4 if factor or clip.subject == "S9" else 1e-3)
        assert clip.action == "Walking" and camera.score.shape == (12, 17)
    imported_file.write(tmp_path / "clips.npz", found, kind="h36m-motionbert", files=[])
    opened = data.open_dataset("clips", str(tmp_path / "clips.npz"), detections="truth").clips
    side = views(opened, purpose="seen", count=1, seed=0)
    lens = CAMERAS["cameras"][opened[0].cameras[0].name]
    expected = files.pixels(opened[0].positions, lens, distorted=False)
    np.testing.assert_allclose(side.pixels[: len(expected)].numpy(), expected, atol=0.01)


def test_motionbert_without_factor_takes_two_cameras_of_one_moment(tmp_path, world):
    train = files.motionbert({"S1": world["S1"]}, CAMERAS, factor=False)
    other = files.motionbert({"S1": {"x": world["S1"]["Walking 1"] + [0.5, 0, 0]}}, CAMERAS, factor=False)
    mixed = {key: [*values[:24], *other[key][24:]] for key, values in train.items()}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"train": mixed, "test": mixed}))
    with pytest.raises(UserError, match=r"mm apart \(median\)"):
        importers.read("h36m-motionbert", [tmp_path / "a.pkl"])
    one = {key: values[:12] for key, values in train.items()}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"train": one, "test": one}))
    with pytest.raises(UserError, match=r"takes two cameras or more .* found 54138969 \(12 frames\)"):
        importers.read("h36m-motionbert", [tmp_path / "a.pkl"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joint_2d": np.zeros((5, 17, 2))}, "train.joint_2d: 5 frames beside 48 of joint3d_image"),
        ({"joint3d_image": None}, "train.joint3d_image: unknown key 'joint3d_image'"),
        ({"source": ["walking"] * 48}, "isn't called like s_09_act_02"),
        ({"camera_name": ["7"] * 48}, "unknown camera '7'"),
        ({"2.5d_factor": np.full(48, -1.0)}, "expected millimetres a pixel"),
    ],
)
def test_motionbert_columns_that_do_not_fit(tmp_path, world, change, message):
    side = files.motionbert({"S1": world["S1"]}, CAMERAS)
    changed = {key: value for key, value in {**side, **change}.items() if value is not None}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"train": changed, "test": side}))
    with pytest.raises(UserError, match=message):
        importers.read("h36m-motionbert", [tmp_path / "a.pkl"])
