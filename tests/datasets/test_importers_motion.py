"""BVH and C3D with a declared map of joints: poses come back, and what is refused."""

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from harness.data import importers, open_dataset
from harness.errors import UserError
from harness.skeleton import H36M17
from tests.datasets import c3d_files

FRAMES = 13
MAP = {joint: f"j{place}" for place, joint in enumerate(H36M17.joints)}


@pytest.fixture
def joints(tmp_path):
    """A map file: joints of the files are called j0 … j16."""
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(MAP))
    return str(tmp_path / "map.yaml")


@pytest.fixture(scope="module")
def pose():
    """(17, 3) metres, a standing person."""
    return open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).clips[0].positions[0].astype(float)


@pytest.fixture
def bvh(tmp_path, pose):
    """A motion with random turns: the file, and where its joints are, y up, centimetres, by scipy's rotations."""
    rng = np.random.default_rng(7)
    rest = (pose - pose[0])[:, [1, 2, 0]] * 100
    angles = rng.uniform(-20, 20, (FRAMES, 17, 3)).round(4)
    moved = rng.uniform(-50, 50, (FRAMES, 3)).round(4)
    parents = H36M17.parents
    offsets = np.array([rest[j] - rest[p] if p >= 0 else [0, 0, 0] for j, p in enumerate(parents)]).round(4)

    order = []

    def lines(joint):
        order.append(joint)
        deep = "\t" * (len(order) > 1)
        position = "6 Xposition Yposition Zposition" if joint == 0 else "3"
        head = [f"{deep}{'JOINT' if joint else 'ROOT'} j{joint}", "{", "OFFSET {} {} {}".format(*offsets[joint])]
        head.append(f"CHANNELS {position} Zrotation Xrotation Yrotation")
        children = [child for child, parent in enumerate(parents) if parent == joint]
        inner = [line for child in children for line in lines(child)] or ["End Site", "{", "OFFSET 0 5 0", "}"]
        return [*head, *inner, "}"]

    hierarchy = lines(0)
    rows = [
        " ".join(f"{x:.4f}" for x in [*moved[f], *np.concatenate([angles[f, joint] for joint in order])])
        for f in range(FRAMES)
    ]
    text = ["HIERARCHY", *hierarchy, "MOTION", f"Frames: {FRAMES}", "Frame Time: 0.0083333", *rows, ""]
    (tmp_path / "Anna").mkdir()
    file = tmp_path / "Anna" / "slow_walk.bvh"
    file.write_text("\n".join(text))
    places = np.zeros((FRAMES, 17, 3))
    for f in range(FRAMES):
        turned = {}
        for joint, parent in enumerate(parents):
            own = Rotation.from_euler("ZXY", angles[f, joint], degrees=True)  # upper case: about axes that turn
            turned[joint] = turned[parent] * own if parent >= 0 else own
            places[f, joint] = places[f, parent] + turned[parent].apply(offsets[joint]) if parent >= 0 else moved[f]
    return file, places


def test_bvh_poses_come_back(bvh, joints):
    file, places = bvh
    (clip,) = importers.read("bvh", [file], joints=joints, fps=120).clips
    assert (clip.name, clip.subject, clip.action, clip.fps) == ("Anna/slow_walk", "Anna", "walk", 120)
    expected = places[..., [2, 0, 1]] / 100
    assert clip.positions - clip.positions[:1, :1] == pytest.approx(expected - expected[:1, :1], abs=1e-5)
    slow = importers.read("bvh", [file.parent], joints=joints, subject="A").clips[0]
    assert len(slow) == 6 and slow.name == "A/slow_walk"
    fast = clip.positions - clip.positions[0, 0]  # the floor, which fewer frames set elsewhere, is left out
    assert slow.positions[5] - slow.positions[0, 0] == pytest.approx(fast[12], abs=1e-5)


def test_joints_may_be_means_shares_and_ends(bvh, joints, tmp_path):
    file, places = bvh
    mixed = {**MAP, "Thorax": ["j11", "j14"], "Spine": {"j0": 0.25, "j8": 0.75}, "Head": "j10.end"}
    (tmp_path / "mixed.yaml").write_text(yaml.safe_dump({"map": mixed}))
    found = importers.read("bvh", [file], joints=str(tmp_path / "mixed.yaml"), fps=120).clips[0].positions
    expected = places[..., [2, 0, 1]] / 100
    expected = expected - expected[:1, :1]
    found = found - found[:1, :1]
    assert found[:, 8] == pytest.approx((expected[:, 11] + expected[:, 14]) / 2, abs=1e-5)
    assert found[:, 7] == pytest.approx(0.25 * expected[:, 0] + 0.75 * expected[:, 8], abs=1e-5)
    assert np.linalg.norm(found[:, 10] - expected[:, 10], axis=-1) == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("HIERARCHY", "<html>"), r"slow_walk.bvh:1: expected HIERARCHY: not a BVH"),
        (("Frames: 13", "Frames: 14"), r"13 frames; expected 14: truncated\?"),
        (("Frames: 13", "Frame: 13"), "expected 'Frames:'"),
        (("MOTION", "MOVES"), "'MOVES' can't stand here"),
        (("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation"), "expected CHANNELS, their number"),
        (("Frame Time: 0.0083333\n", "Frame Time: 0.0083333\n1 2 3\n"), "expected 54 numbers, found 3"),
        (("Frame Time: 0.0083333\n", "Frame Time: 0\n"), "expected a positive number"),
        (("JOINT j16", "JOINT hand"), r"RWrist: unknown source joint 'j16'"),
    ],
)
def test_bvh_that_is_refused(bvh, joints, change, message):
    file, _ = bvh
    file.write_text(file.read_text().replace(*change, 1))
    with pytest.raises(UserError, match=message):
        importers.read("bvh", [file], joints=joints)


def test_bvh_cut_off_and_missing(bvh, joints, tmp_path):
    file, _ = bvh
    file.write_text(file.read_text().partition("MOTION")[0])
    with pytest.raises(UserError, match="ends before MOTION: truncated"):
        importers.read("bvh", [file], joints=joints)
    with pytest.raises(UserError, match="no such file; expected a BVH"):
        importers.read("bvh", [tmp_path / "none.bvh"], joints=joints)
    with pytest.raises(UserError, match="needs the option 'joints'"):
        importers.read("bvh", [file])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no file ending in"):
        importers.read("bvh", [tmp_path / "empty"], joints=joints)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hip: j0\n", "map.yaml: RHip: this joint of h36m17 has no source"),
        ("Hipp: j0\n", "unknown joint of h36m17 'Hipp'; did you mean 'Hip'"),
        ("Hip: {j0: 0.5, j1: 0.6}\n", "Hip: expected shares above 0 that add up to 1"),
        ("- j0\n", "expected a map of joints"),
        ("a: [\n", "can't be read as YAML"),
    ],
)
def test_maps_that_are_refused(bvh, joints, text, message):
    file, _ = bvh
    with open(joints, "w") as map_file:
        map_file.write(text)
    with pytest.raises(UserError, match=message):
        importers.read("bvh", [file], joints=joints)


@pytest.fixture
def walk():
    """(33, 17, 3) metres, z up, 50 frames a second; begins above the origin on the floor it stands on."""
    clip = open_dataset("synthetic", subjects=3, clips=1, seconds=0.8).clips[0]
    return clip.positions - clip.positions[:1, :1] * np.float32([1, 1, 0])


def test_c3d_markers_come_back(walk, joints, tmp_path):
    labels = [f"Anna:j{place}" for place in range(17)] + ["Anna:wand"]
    places = np.concatenate([walk, walk[:, :1] + 1], axis=1) * 1000
    gone = np.zeros(places.shape[:2], bool)
    gone[:, 17] = True  # nobody asks for it
    gone[10:15, 5] = gone[0, 3] = True
    c3d_files.write(tmp_path / "jump.c3d", labels, places, rate=50, missing=gone)
    found = importers.read("c3d", [tmp_path / "jump.c3d"], joints=joints, subject="Anna", licence="ours")
    (clip,) = found.clips
    assert clip.name == "Anna/jump" and clip.action == "jump" and found.licence == "ours"
    apart = clip.positions - walk
    apart -= apart[20, 0]  # the height of the floor
    assert np.abs(apart[~gone[:, :17]]).max() < 1e-5 and np.isfinite(apart).all()
    straight = walk[9, 5] + (walk[15, 5] - walk[9, 5]) * 3 / 6
    assert (clip.positions - walk)[20, 0] + straight == pytest.approx(clip.positions[12, 5], abs=1e-5)
    c3d_files.write(tmp_path / "yards.c3d", labels, places / 914.4, rate=50, units="yd", missing=gone)
    with pytest.raises(UserError, match="POINT:UNITS: units 'yd'; expected m, cm, mm, in"):
        importers.read("c3d", [tmp_path / "yards.c3d"], joints=joints)
    gone[20:30, 5] = True
    c3d_files.write(tmp_path / "jump.c3d", labels, places, rate=50, missing=gone)
    with pytest.raises(UserError, match=r"j5: this marker isn't seen for 10 frames from frame 20 .* 6 are bridged"):
        importers.read("c3d", [tmp_path / "jump.c3d"], joints=joints, gap=0.13)


def test_c3d_that_is_refused(walk, joints, tmp_path):
    file = tmp_path / "walk.c3d"
    c3d_files.write(file, [f"j{place}" for place in range(17)], walk * 1000)
    whole = file.read_bytes()
    for content, message in (
        (whole[:-300], r"31 frames; its header says 33: truncated\?"),
        (whole[:100], "no C3D, or a damaged one"),
        (b"", "no C3D, or a damaged one"),
        (whole[:520] + b"\xff" * 200 + whole[720:], "no C3D, or a damaged one"),
    ):
        file.write_bytes(content)
        with pytest.raises(UserError, match=message):
            importers.read("c3d", [file], joints=joints)
    with pytest.raises(UserError, match="no such file; expected a C3D"):
        importers.read("c3d", [tmp_path / "none.c3d"], joints=joints)
    c3d_files.write(file, [f"m{place}" for place in range(17)], walk * 1000)
    with pytest.raises(UserError, match="Hip: unknown source joint 'j0'"):
        importers.read("c3d", [file], joints=joints)
