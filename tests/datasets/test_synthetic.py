"""The built-in motion: bodies keep their lengths, feet stay where they stand, joints stay in range."""

import time

import numpy as np
import pytest

from harness.data import open_dataset, partition
from harness.data.synthetic_actions import ACTIONS
from harness.data.synthetic_body import ANKLE, RANGES, STATURE, limit
from harness.skeleton import H36M17

PARENTS, CHILDREN = (list(side) for side in zip(*H36M17.bones, strict=True))
FEET = [H36M17.joints.index("RFoot"), H36M17.joints.index("LFoot")]


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("synthetic", subjects=5, clips=14, seconds=4.0)


def lengths(clip):
    p = clip.positions.astype(np.float64)
    return np.linalg.norm(p[:, CHILDREN] - p[:, PARENTS], axis=-1)


def flexion(clip, first, middle, last):
    p = clip.positions.astype(np.float64)
    a, b = p[:, first] - p[:, middle], p[:, last] - p[:, middle]
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return 180 - np.rad2deg(np.arccos(cosine))


def test_shapes_names_and_rates(dataset):
    assert len(dataset.clips) == 5 * 14
    assert len({c.name for c in dataset.clips}) == 5 * 14
    for clip in dataset.clips:
        assert clip.positions.dtype == np.float32 and clip.positions.shape[1:] == (17, 3)
        assert 0.8 * 200 <= len(clip) <= 1.2 * 200 and clip.fps == 50.0
        assert np.isfinite(clip.positions).all()
    assert {c.action for c in dataset.clips} == set(ACTIONS)


def test_bone_lengths_are_constant_to_a_micrometre(dataset):
    for clip in dataset.clips:
        assert np.ptp(lengths(clip), axis=0).max() < 1e-6, clip.name


def test_a_subject_has_one_body_and_subjects_differ(dataset):
    by_subject = {s: np.stack([lengths(c)[0] for c in dataset.clips if c.subject == s]) for s in dataset.subjects}
    for bones in by_subject.values():
        assert np.ptp(bones, axis=0).max() < 1e-6
        np.testing.assert_allclose(bones[0][[0, 1, 2]], bones[0][[3, 4, 5]], atol=1e-6)  # right leg, left leg
        np.testing.assert_allclose(bones[0][10:13], bones[0][13:16], atol=1e-6)  # left arm, right arm
    bodies = np.stack([bones[0] for bones in by_subject.values()])
    assert (bodies.max(axis=0) / bodies.min(axis=0)).min() > 1.04
    shapes = bodies / bodies.sum(axis=1, keepdims=True)
    assert (shapes.max(axis=0) / shapes.min(axis=0)).min() > 1.02  # not one body scaled


def test_knees_and_elbows_bend_the_right_way_within_their_ranges(dataset):
    for clip in dataset.clips:
        for name, joints in (("knee flexion", ((1, 2, 3), (4, 5, 6))), ("elbow flexion", ((11, 12, 13), (14, 15, 16)))):
            low, high = RANGES[name]
            for joint in joints:
                angle = flexion(clip, *joint)
                assert low - 0.1 <= angle.min() and angle.max() <= high + 0.1, (clip.name, name)
        p = clip.positions.astype(np.float64)
        across, up = p[:, 4] - p[:, 1], p[:, 8] - p[:, 0]
        forward = np.cross(across, up)
        thigh, shank = p[:, 2] - p[:, 1], p[:, 3] - p[:, 2]
        bend = thigh / np.linalg.norm(thigh, axis=-1, keepdims=True) - shank / np.linalg.norm(
            shank, axis=-1, keepdims=True
        )
        assert np.median((bend * forward).sum(-1)) > 0


def test_saturation_is_smooth_and_never_passes_the_range():
    angle = np.linspace(-400, 400, 4001)
    for name, (low, high) in RANGES.items():
        held = limit(angle, name)
        assert held.min() >= low and held.max() <= high
        assert (np.diff(held) >= 0).all() and np.abs(np.diff(held, 2)).max() < 0.02
        middle = (low + high) / 2
        assert limit(np.array([middle]), name)[0] == pytest.approx(middle)


def test_feet_touch_the_ground_and_never_go_below(dataset):
    for clip in dataset.clips:
        lowest = clip.positions[:, FEET, 2].min(axis=1)
        assert ANKLE * STATURE[0] - 1e-4 <= lowest.min() <= ANKLE * STATURE[1] + 1e-4
        grounded = (lowest < lowest.min() + 0.01).mean()
        assert grounded > {"run": 0.5, "jump": 0.45}.get(clip.action, 0.999), clip.name
        assert clip.positions[..., 2].min() >= lowest.min() - 1e-4, clip.name  # no hand or knee in the floor


def test_planted_feet_do_not_slide(dataset):
    for clip in dataset.clips:
        feet = clip.positions[:, FEET].astype(np.float64)
        planted = feet[..., 2] < feet[..., 2].min() + 1e-3
        both = planted[1:] & planted[:-1]
        speed = np.linalg.norm(np.diff(feet[..., :2], axis=0), axis=-1) * clip.fps
        assert np.quantile(speed[both], 0.95) < 0.02, clip.name


def test_motion_is_smooth_and_human_in_speed(dataset):
    step = np.concatenate([np.linalg.norm(np.diff(c.positions, axis=0), axis=-1) for c in dataset.clips]) * 50
    assert 0.2 < np.median(step) < 0.8 and 1.5 < np.quantile(step, 0.95) < 3.5 and step.max() < 12
    above = total = 0.0
    for clip in dataset.clips:
        jump = np.linalg.norm(np.diff(clip.positions.astype(np.float64), 2, axis=0), axis=-1) * 50**2
        assert jump.max() < 300 and np.quantile(jump, 0.99) < 120, clip.name  # m/s²; a hand in a throw passes 200
        velocity = np.diff(clip.positions.astype(np.float64), axis=0)
        power = (
            np.abs(np.fft.rfft((velocity - velocity.mean(0)) * np.hanning(len(velocity))[:, None, None], axis=0)) ** 2
        )
        fast = np.fft.rfftfreq(len(velocity), 0.02) > 5
        above, total = above + power[fast].sum(), total + power.sum()
    assert 1e-4 < above / total < 0.05


def test_poses_vary_facing_every_way(dataset):
    across = np.concatenate([c.positions[::10, 4, :2] - c.positions[::10, 1, :2] for c in dataset.clips])
    quarter = np.floor(np.arctan2(across[:, 1], across[:, 0]) / (np.pi / 4)).astype(int) % 8
    assert np.bincount(quarter, minlength=8).min() > 0.05 * len(quarter)
    root_relative = np.concatenate([c.positions[::10] - c.positions[::10, :1] for c in dataset.clips])
    assert (root_relative.std(axis=0)[[13, 16], 2] > 0.2).all()  # wrists go up and down


def test_paths_are_centred(dataset):
    for clip in dataset.clips:
        root = clip.positions[:, 0, :2]
        assert np.abs(root.min(0) + root.max(0)).max() < 1e-4
        assert np.abs(clip.positions[..., :2]).max() < 6


def test_the_same_seed_gives_the_same_motion_whatever_else_is_asked_for():
    few, more = open_dataset("synthetic", subjects=3, clips=2), open_dataset("synthetic", subjects=4, clips=3)
    clips = {c.name: c.positions for c in more.clips}
    for clip in few.clips:
        np.testing.assert_array_equal(clip.positions, clips[clip.name])
    assert few.fingerprint != more.fingerprint
    other = open_dataset("synthetic", subjects=3, clips=2, seed=1)
    assert not np.array_equal(other.clips[0].positions[:100], few.clips[0].positions[:100])


def test_version_is_raised_when_positions_change():
    """Golden values: when this fails, raise `synthetic.VERSION` (old records name other data) and update."""
    clip = open_dataset("synthetic", subjects=3, clips=12, seconds=1.0).clips[4]
    assert clip.name == "P01/dance_1"
    found = [len(clip), *clip.positions[10, 16].tolist(), *clip.positions[-1, 3].tolist()]
    np.testing.assert_allclose(found, GOLDEN, atol=1e-4)


GOLDEN = [53, 0.286209, -0.459997, 1.524567, -0.041138, 0.099586, 0.145613]


def test_default_is_quick_and_splits_into_disjoint_bodies():
    start = time.process_time()
    whole = open_dataset("synthetic")
    assert time.process_time() - start < 6  # about 1 s on an idle core
    parts = partition(whole, "default")
    people = [{c.performer for c in clips} for clips in parts.values()]
    assert [len(p) for p in people] == [8, 2, 6] and len(set.union(*people)) == 16
    assert sum(map(len, whole.clips)) > 40_000


def test_very_short_clips():
    short = open_dataset("synthetic", subjects=3, clips=12, seconds=0.2)
    assert all(8 <= len(c) <= 12 for c in short.clips)
