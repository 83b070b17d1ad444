"""What the tests of MPI-INF-3DHP, HumanEva and 3DPW share: seeded motion, a camera, two steps of training."""

import numpy as np

from harness.spec.run import Choice, Data, Run, Test, Train

HUMANEVA = [0, 8, 11, 12, 13, 14, 15, 16, 4, 5, 6, 1, 2, 3, 10]
"""Places of HumanEva's joints among Human3.6M's 17."""


def motion(count, frames=12):
    """``count`` motions (frames, 17, 3) of different people, metres, world axes, about the origin."""
    from harness.data import open_dataset

    clips = open_dataset("synthetic", subjects=count, clips=1, seconds=1).clips
    return [clip.positions[:frames] - clip.positions[:1, :1] * [1, 1, 0] for clip in clips]


def film(points, focal, centre, radial=0.0):
    """Pixels of points in camera axes."""
    rays = points[..., :2] / points[..., 2:]
    return rays * (1 + radial * (rays**2).sum(-1, keepdims=True)) * focal + centre


def turn(axis, angle):
    """Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def two_steps(path, **more):
    """Trains two steps on an imported file and scores the result: rows, one a clip and measure."""
    from harness.training.evaluate import evaluate
    from harness.training.train import train

    run = Run(
        data=Data(dataset="clips", path=str(path), noise=0, window=9, **more),
        backbone=Choice(name="videopose3d", options={"filter_widths": [3], "channels": 8}),
        objective={"mpjpe": {"weight": 1.0}},
        train=Train(steps=2, batch=4, epochs=1, occlusion="moderate"),
    )
    test = Test(occlusion=["none"], cameras=["seen"])
    return evaluate(run, test, train(run), metrics=["mpjpe"])
