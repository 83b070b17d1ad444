"""Files of whole data sets in the layouts that the paper-scale specs ask for, made from seeded numbers."""

import json
from pathlib import Path

import numpy as np

from harness.cli.main import main
from harness.data.importers import h36m, mpi3dhp_pstmo
from harness.skeleton import H36M17
from tests.datasets import h36m_files, other_files

FRAMES = 260
"""More than a published window of 243 with the eight that its neighbours see."""
_TOP_DOWN = [H36M17.joints.index(name) for name in (
    *("Head", "Thorax", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RFoot"),
    *("LHip", "LKnee", "LFoot", "Hip", "Spine", "Neck/Nose"),
)]  # fmt: skip


def people(split):
    """Subject → (FRAMES, 17, 3) metres, world axes, at walking distance from the origin."""
    from harness.data import open_dataset

    names = [*split.train, *split.validation, *split.test]
    clips = open_dataset("synthetic", subjects=len(names), clips=1, seconds=FRAMES / 50 + 0.5).clips
    centred = (clip.positions[:FRAMES] - clip.positions[:FRAMES, :1].mean(0) * [1, 1, 0] for clip in clips)
    return dict(zip(names, centred, strict=True))


def human36m(folder: Path) -> Path:
    """``h36m.npz``, from the two files of VideoPose3D's layout: all subjects, 32 joints, CPN's keypoints."""
    random = np.random.default_rng(0)
    cameras = json.loads(Path(h36m.__file__).with_name("h36m_cameras.json").read_text())
    poses, seen = {}, {}
    for subject, world in people(h36m.SPLITS["h36m-s8"]).items():
        poses[subject] = {"Walking 1": h36m_files.padded(world)}
        seen[subject] = {"Walking 1": []}
        for name, place in cameras["subjects"][subject].items():
            exact = h36m_files.pixels(h36m_files.in_camera(world, place), cameras["cameras"][name])
            seen[subject]["Walking 1"].append((exact + random.normal(0, 4, exact.shape)).astype(np.float32))
    np.savez_compressed(folder / "data_3d_h36m.npz", positions_3d=poses)
    second = folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz"
    np.savez_compressed(second, positions_2d=seen, metadata=h36m_files.symmetric())
    return _imported("h36m-videopose3d", [folder / "data_3d_h36m.npz", second], folder / "h36m.npz")


def mpi3dhp(folder: Path) -> Path:
    """``3dhp.npz``, from the two files of P-STMO's layout: all subjects, training at 50 and 25 frames a second."""
    side = other_files.turn([1, 0, 0], np.pi / 2)  # camera axes: x right, y down, z forward
    train, test = {}, {}
    for number, (subject, world) in enumerate(people(mpi3dhp_pstmo.SPLITS["3dhp-s8"]).items()):
        points = world @ other_files.turn([0, 0, 1], 0.7 * number).T @ side.T + [0.1, 0.9, 6]
        pixels = other_files.film(points, (1497.7, 1497.1), (1024.7, 1051.4), -0.05)
        film = {"data_2d": pixels[:, _TOP_DOWN], "data_3d": points[:, _TOP_DOWN] * 1000.0}
        if subject.startswith("TS"):
            test[subject] = {**film, "valid": (np.arange(len(points)) % 5 == 0).astype(np.float64)}
        else:
            train[f"{subject} Seq1"] = [{"0": film}, 50 if number % 2 else 25]
    for name, found in (("train", train), ("test", test)):
        np.savez_compressed(folder / f"data_{name}_3dhp.npz", data=found)
    paths = [folder / f"data_{name}_3dhp.npz" for name in ("train", "test")]
    return _imported("3dhp-pstmo", paths, folder / "3dhp.npz")


def _imported(kind: str, paths: list[Path], out: Path) -> Path:
    assert main(["data", "import", kind, *map(str, paths), "--out", str(out)]) == 0
    return out
