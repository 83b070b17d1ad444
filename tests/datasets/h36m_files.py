"""Files in the layouts of Human3.6M, written from seeded numbers: an actor between four cameras."""

import numpy as np

SUBJECTS = {"S1": 1, "S5": 1, "S8": 1, "S9": 1}
_PLACES = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def motion(frames=12):
    """Subject → action → (frames, 17, 3) metres, world axes."""
    from harness.data import open_dataset

    clips = open_dataset("synthetic", subjects=len(SUBJECTS), clips=1, seconds=0.6).clips
    return {
        subject: {"Walking 1": clip.positions[:frames] - clip.positions[:1, :1] * [1, 1, 0]}
        for subject, clip in zip(SUBJECTS, clips, strict=True)
    }


def rotation(quaternion):
    """Rodrigues' formula, from axis and angle."""
    w, *axis = quaternion
    angle, length = 2 * np.arctan2(np.linalg.norm(axis), w), np.linalg.norm(axis)
    x, y, z = np.asarray(axis) / length
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def in_camera(world, place):
    """Camera axes, metres, of one of the JSON file's placed cameras."""
    return (world - np.array(place["translation"]) / 1000) @ rotation(place["orientation"])


def pixels(points, lens, distorted=True):
    """Human3.6M's projection in pixels, as its papers state it."""
    x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
    radius = x * x + y * y
    k, p = (lens["radial"], lens["tangential"]) if distorted else ([0, 0, 0], [0, 0])
    bend = 1 + k[0] * radius + k[1] * radius**2 + k[2] * radius**3 + p[0] * x + p[1] * y
    seen = np.stack([x * bend + p[0] * radius, y * bend + p[1] * radius], -1)
    return seen * lens["focal"] + lens["centre"]


def padded(poses):
    """17 joints among 32, the others nonsense."""
    found = np.full((len(poses), 32, 3), 9.0, dtype=np.float32)
    found[:, _PLACES] = poses
    return found


def symmetric():
    return {
        "layout_name": "h36m",
        "num_joints": 17,
        "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
    }


def motionbert(world, cameras, factor=True, seed=0):
    """The columns of one side of MotionBERT's pickle, for the whole of ``world``."""
    random, rows = np.random.default_rng(seed), {}
    for subject, actions in world.items():
        for poses in actions.values():
            for slot, (name, place) in enumerate(cameras["subjects"][subject].items(), start=1):
                points, lens = in_camera(poses, place) * 1000, cameras["cameras"][name]
                width = 2000 * lens["focal"][0] / points[:, 0, 2]
                scale = (width + 1) / 2000  # pixels a millimetre
                depth = (points[..., 2] - points[:, :1, 2]) * scale[:, None]
                flat = pixels(points, lens, distorted=False)
                count = len(poses)
                for key, values in {
                    "joint_2d": flat + random.normal(0, 3, flat.shape),
                    "confidence": random.random((count, 17, 1)),
                    "joint3d_image": np.concatenate([flat, depth[..., None]], -1),
                    "camera_name": [name] * count,
                    "source": [f"s_{int(subject[1:]):02d}_act_14_subact_01_ca_{slot:02d}"] * count,
                    "2.5d_factor": 1 / scale,
                }.items():
                    rows.setdefault(key, []).extend(values)
    kept = {key: values if key == "source" else np.array(values) for key, values in rows.items()}
    return kept if factor else {key: values for key, values in kept.items() if key != "2.5d_factor"}
