"""`harness.data.checks`: each check tells of a defect that was put in, and of nothing on the built-in data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.data import checks, open_dataset
from harness.data.checks import lens
from harness.data.checks.examined import Examined
from harness.data.checks.opening import examined
from harness.data.dataset import Clip, RecordedCamera, Split
from harness.skeleton import H36M17

SQUARE = (2.29, 2.29, 0.0, 0.0, -0.2, 0.24, -0.002, -0.0005, -0.0016)


@pytest.fixture(scope="module")
def walk() -> np.ndarray:
    """(F, 17, 3) one clip of the built-in motion, above the origin."""
    (clip, *_) = open_dataset("synthetic", subjects=3, clips=1, seconds=2.0).clips
    return clip.positions - clip.positions[:1, :1] * np.float32([1, 1, 0])


@pytest.fixture
def found(walk):
    """found(check, positions, …) → what one check finds in a clip S1/walk of these positions."""

    def find(check: str, positions=walk, *, clips: tuple[Clip, ...] = (), fps=50.0, **more):
        about = {name: more.pop(name) for name in ("cameras", "scored", "performer") if name in more}
        performer = about.pop("performer", None)
        clip = Clip("S1/walk", "S1", performer, "walk", fps, positions.astype(np.float32), **about)
        return checks.run(Examined("data.npz", H36M17, (clip, *clips), **more), [check])

    return find


def facing(turned: float = 0.0, z: float = 1.4) -> RecordedCamera:
    """A level camera five metres off along -y, turned by so many degrees about the vertical."""
    half = np.deg2rad(turned) / 2
    tip, turn = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0]), np.array([np.cos(half), 0, 0, np.sin(half)])
    w = turn[0] * tip[0] - turn[1:] @ tip[1:]
    axis = turn[0] * tip[1:] + tip[0] * turn[1:] + np.cross(turn[1:], tip[1:])
    return RecordedCamera("c1", (w, *axis), (0.0, -5.0, z), SQUARE, (1000.0, 1000.0))


def test_nothing_is_found_on_the_built_in_data():
    data = examined("synthetic", None, window=27)
    assert len(data.clips) == 192 and list(data.splits) == ["default"]
    assert checks.run(data) == []


def test_no_numbers(found, walk):
    bad = walk.copy()
    bad[10:12, 3] = np.nan
    bad[40, 0, 0] = np.inf
    (one,) = found("values", bad)
    assert one.frames == ((10, 11), (40, 40)) and one.clip == "S1/walk"
    assert "3 of" in one.said and str(one).startswith("data.npz: S1/walk: frames 10-11, 40: values: NaN or infinity")
    # Every other check leaves them to this one.
    assert [f for name in checks.LINES if name != "values" for f in found(name, bad)] == []
    seen = replace(facing(), pixels=np.full((len(walk), 17, 2), np.nan), score=np.ones((len(walk), 17)))
    (one,) = found("values", cameras=(seen,))
    assert (one.camera, one.frames) == ("c1", ((0, len(walk) - 1),)) and "keypoints" in one.said


@pytest.mark.parametrize(("scale", "guess"), [(1000, "millimetres"), (100, "centimetres")])
def test_wrong_units(found, walk, scale, guess):
    (one,) = found("units", walk * scale)
    assert guess in one.said and one.expected == "0.15 to 1.0 m"
    assert not any(found(name, walk * scale) for name in ("bones", "teleports", "sides"))  # told of once


def test_wrong_axis_wrong_pixels_wrong_camera(found, walk):
    (one,) = found("units", walk[..., [0, 2, 1]] * [1, 1, -1])
    assert "points to y" in one.said and one.expected == "z up"
    assert found("units", walk[..., [0, 2, 1]] * [1, -1, 1], up=(0.0, -1.0, 0.0)) == []
    far = replace(facing(), translation=(0.0, -5000.0, 1400.0), pixels=np.full((len(walk), 17, 2), 0.5))
    away, small = found("units", cameras=(far,))
    assert "5000 m" in away.said and "normalised" in small.said and small.expected == "pixels"


def test_a_bone_that_grows(found, walk):
    foot, knee = H36M17.joints.index("RFoot"), H36M17.joints.index("RKnee")
    bad = walk.astype(np.float64)
    bad[20:25, foot] += 0.3 * (bad[20:25, foot] - bad[20:25, knee])
    (one,) = found("bones", bad)
    assert one.frames == ((20, 24),) and "RKnee–RFoot" in one.said and "more bone" not in one.said
    drifting = walk.astype(np.float64)
    share = np.linspace(0, 0.08, len(walk))[:, None]
    drifting[:, foot] += share * (drifting[:, foot] - drifting[:, knee])
    (one,) = found("bones", drifting)
    assert one.frames == () and "RKnee–RFoot drifts" in one.said
    near = [Clip(f"S1/{n}", "S1", None, "walk", 50.0, walk) for n in range(3)]
    (one,) = found("bones", walk * np.float32(1.1), clips=tuple(near))
    assert one.clip == "S1/walk" and "in other clips of S1" in one.said


def test_a_teleport(found, walk):
    bad = walk.copy()
    bad[30:, H36M17.joints.index("LWrist")] += np.float32([0, 0.15, 0])  # it stays there
    (one,) = found("teleports", bad)
    assert one.frames == ((30, 30),) and one.said.startswith("LWrist moves by")
    bad = walk.copy()
    bad[50] += np.float32([0.4, 0, 0])  # there and back
    (one,) = found("teleports", bad)
    assert one.frames == ((50, 51),) and "16 more joints" in one.said
    unscored = np.ones(len(walk), bool)
    unscored[45:55] = False
    (one,) = found("teleports", bad, scored=unscored)
    assert one.unscored and "frames 50-51 (not scored)" in str(one)
    # Half the frames of the same motion: what is a jump at 50 frames a second is a step at 5.
    assert found("teleports", walk[::10], fps=5.0) == []


def test_swapped_sides(found, walk):
    arms = [j for j in range(11, 17)]
    bad = walk.copy()
    bad[60:70, arms] = walk[60:70][:, [H36M17.mirror[j] for j in arms]]
    (one,) = found("sides", bad)
    assert one.frames == ((60, 69),) and one.said.startswith("LShoulder, LElbow, LWrist and their counterparts")
    for wrong in (walk[:, list(H36M17.mirror)], walk * np.float32([-1, 1, 1])):
        (one,) = found("sides", wrong)
        assert one.frames == () and "knees" in one.said and "mirror image" in one.expected


def test_cameras_behind_the_person(found, walk):
    assert found("cameras", cameras=(facing(),)) == []
    (one,) = found("cameras", cameras=(facing(180.0),))
    assert "behind the camera" in one.said and one.camera == "c1" and one.frames == ((0, len(walk) - 1),)
    (one,) = found("cameras", cameras=(facing(60.0),))
    assert "out of the picture" in one.said
    (one,) = found("cameras", cameras=(replace(facing(), orientation=(1.0, 1.0, 0.0, 0.0)),))
    assert one.expected == "length 1"
    (one,) = found("cameras", cameras=(replace(facing(), translation=(np.nan, 0.0, 0.0)),))
    assert one.expected == "numbers"


def test_detections_elsewhere(found, walk):
    camera = facing()
    true = lens.pixels(lens.in_camera(walk, camera), camera)
    random = np.random.default_rng(0)
    seen = true + random.normal(0, 4, true.shape)
    assert found("detections", cameras=(replace(camera, pixels=seen),)) == []
    swapped = seen[:, list(H36M17.mirror)]
    (one,) = found("detections", cameras=(replace(camera, pixels=swapped),))
    assert "of the other side" in one.said and one.camera == "c1"
    (one,) = found("detections", cameras=(replace(camera, pixels=seen[:, ::-1]),))
    assert "of the person's height" in one.said
    lost = seen.copy()
    lost[:, :9] = 0
    score = np.ones(lost.shape[:2])
    score[:, :9] = 0  # not found, which isn't misplaced
    assert found("detections", cameras=(replace(camera, pixels=lost, score=score),)) == []


def test_the_lens_is_the_one_that_torch_has(walk):
    import torch

    from harness.data.camera import image_coordinates, project, world_to_camera

    camera = facing(10.0)
    orientation, translation = (torch.tensor(part).float() for part in (camera.orientation, camera.translation))
    points = world_to_camera(torch.tensor(walk), orientation, translation)
    assert np.allclose(lens.in_camera(walk, camera), points.numpy(), atol=1e-5)
    seen = image_coordinates(project(points, torch.tensor(camera.intrinsic)), torch.tensor(camera.resolution))
    assert np.allclose(lens.pixels(points.numpy(), camera), seen.numpy(), atol=1e-2)


def test_a_performer_on_two_sides(found, walk):
    splits = {"ours": Split(("S1",), ("S2",), ("S3",))}
    others = tuple(Clip(f"{s}/a", s, None, "walk", 50.0, walk) for s in ("S2", "S3"))
    assert found("performers", clips=others, splits=splits) == []
    chosen = {"ours": Split(train=("S1",), validation=("S2", "S3"), test=("S3", "S2"))}
    assert found("performers", clips=others, splits=chosen) == []
    assert len(found("performers", clips=others, splits=chosen, performers=lambda s: ("Ann",))) == 1
    (one,) = found("performers", clips=others, splits=splits, performers=lambda s: ("Ann",) if s != "S2" else (s,))
    assert one.said == "split 'ours': Ann is, or may be, in train ('S1') and test ('S3')" and one.clip is None
    by_clip = (replace(others[0], performer="S1"), others[1])  # the clips say it, not the subjects' names
    (one,) = found("performers", clips=by_clip, splits=splits, performer="S1")
    assert "train ('S1') and validation ('S2')" in one.said


def test_short_clips(found, walk):
    assert found("lengths", walk[:27], window=27) == []
    (one,) = found("lengths", walk[:26], window=27)
    assert (one.said, one.expected, one.frames) == ("26 frames", "a window of 27 or more", ())
    (one,) = found("lengths", walk, scored=np.zeros(len(walk), bool))
    assert "no frame" in one.said


def test_skeletons_that_declare_little(walk):
    from harness.skeleton import Skeleton

    chain = Skeleton("chain", tuple("abc"), (-1, 0, 1), (0, 1, 2), limbs={}, halves={})
    clip = Clip("S/1", "S", None, "walk", 50.0, walk[:, [0, 1, 2]])
    assert checks.run(Examined("x", chain, (clip,))) == []
