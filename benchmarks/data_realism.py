"""How the built-in motion compares with motion capture: lengths, angles, speeds, spectrum, difficulty.

    python benchmarks/data_realism.py [CLIP_FILE.npz] [--steps 1500]

Prints one Markdown table, a column a dataset. The last rows are test MPJPE (subjects never seen, cameras
from the training bands, 4 px noise, no occlusion, mean of frames): the mean training pose, ridge
regression on nine frames of keypoints, and a small VideoPose3D trained for ``--steps`` steps of 64
windows, on the default split of each dataset and one thread.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

import backbones
from harness.data import Dataset, open_dataset, partition
from harness.data.camera import normalise_screen_coordinates
from harness.data.detector import observe
from harness.data.views import views

WINDOW, NOISE = 27, 4.0


def angle(clips: list[np.ndarray], first: int, middle: int, last: int) -> np.ndarray:
    """Flexion at ``middle``, degrees: 0 when the three joints are in line."""
    out = []
    for p in clips:
        a, b = p[:, first] - p[:, middle], p[:, last] - p[:, middle]
        cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
        out.append(180.0 - np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.concatenate(out)


def share_above(clips: list[np.ndarray], fps: float, hertz: float) -> float:
    """Share of the power of joint velocities above a frequency (Hann-weighted, per clip and joint)."""
    above = total = 0.0
    for p in clips:
        velocity = np.diff(p, axis=0) * fps
        velocity = (velocity - velocity.mean(axis=0)) * np.hanning(len(velocity))[:, None, None]
        power = np.abs(np.fft.rfft(velocity, axis=0)) ** 2
        frequency = np.fft.rfftfreq(len(velocity), 1.0 / fps)
        above, total = above + power[frequency > hertz].sum(), total + power.sum()
    return above / total


def describe(dataset: Dataset) -> dict[str, str]:
    """Rows about the motion alone, over every clip that repeats no other."""
    used = [clip for clip in dataset.clips if not clip.repeats]
    clips = [clip.positions.astype(np.float64) for clip in used]
    fps = used[0].fps
    parents, children = (list(side) for side in zip(*dataset.skeleton.bones, strict=True))
    bones = [np.linalg.norm(p[:, children] - p[:, parents], axis=-1) for p in clips]
    speed = np.concatenate([np.linalg.norm(np.diff(p, axis=0), axis=-1).ravel() * fps for p in clips])
    force = np.concatenate([np.linalg.norm(np.diff(p, 2, axis=0), axis=-1).ravel() * fps**2 for p in clips])
    feet = np.concatenate([p[:, [3, 6], 2].min(axis=1) for p in clips])
    knee = np.concatenate([angle(clips, 1, 2, 3), angle(clips, 4, 5, 6)])
    elbow = np.concatenate([angle(clips, 14, 15, 16), angle(clips, 11, 12, 13)])

    def percentiles(values: np.ndarray, *points: float, digits: int = 2) -> str:
        return " / ".join(f"{v:.{digits}f}" for v in np.percentile(values, points))

    return {
        "subjects, clips, frames": f"{len(dataset.subjects)}, {len(clips)}, {sum(map(len, clips)):,}",
        "bone length, largest range within a clip (mm)": f"{1e3 * max(np.ptp(b, axis=0).max() for b in bones):.2g}",
        "joint speed, 50 / 95 / 99 / 99.9 % (m/s)": percentiles(speed, 50, 95, 99, 99.9),
        "joint acceleration, 50 / 95 / 99 % (m/s²)": percentiles(force, 50, 95, 99, digits=1),
        "velocity power above 5 Hz (%)": f"{100 * share_above(clips, fps, 5.0):.2f}",
        "velocity power above 10 Hz (%)": f"{100 * share_above(clips, fps, 10.0):.2f}",
        "knee flexion, 1 / 50 / 99 % (°)": percentiles(knee, 1, 50, 99, digits=0),
        "elbow flexion, 1 / 50 / 99 % (°)": percentiles(elbow, 1, 50, 99, digits=0),
        "lower ankle's height, 1 / 50 / 99 % (m)": percentiles(feet, 1, 50, 99),
    }


def windows(dataset: Dataset, side: str, purpose: str, cameras: int, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised keypoints (B, WINDOW, J, 2) and root-relative poses (B, WINDOW, J, 3) of one side."""
    seen = views(partition(dataset, "default")[side], purpose=purpose, count=cameras, seed=0)
    starts = [
        (view, int(offset), start)
        for view, (offset, length) in enumerate(zip(seen.offset, seen.length, strict=True))
        for start in range(0, int(length) - WINDOW + 1, stride)
    ]
    view = torch.tensor([s[0] for s in starts])
    frames = torch.tensor([s[2] for s in starts])[:, None] + torch.arange(WINDOW)
    rows = torch.tensor([s[1] for s in starts])[:, None] + frames
    x = normalise_screen_coordinates(
        observe(seen.pixels[rows], seen.key[view], frames, NOISE), seen.resolution[view, None, None]
    )
    poses = seen.poses[rows]
    return x, poses - poses[:, :, :1]


def error(predicted: torch.Tensor, target: torch.Tensor) -> float:
    return 1e3 * float((predicted - target).norm(dim=-1).mean())


def difficulty(dataset: Dataset, steps: int) -> dict[str, str]:
    """Rows about lifting: test MPJPE of the mean pose, of ridge regression and of a small network."""
    x, y = windows(dataset, "train", "train", 2, 5)
    x_test, y_test = windows(dataset, "test", "seen", 1, WINDOW)
    valid = torch.ones(x.shape[:2], dtype=torch.bool)
    ridge = backbones.build("ridge")
    ridge.fit([(x, y, valid)])
    rows = {
        "test MPJPE, mean training pose (mm)": f"{error(y.mean(dim=(0, 1)), y_test):.1f}",
        "test MPJPE, ridge regression (mm)": f"{error(ridge(x_test), y_test):.1f}",
    }
    if not steps:
        return rows
    torch.manual_seed(0)
    network = backbones.build("videopose3d-s")
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    middle = slice(WINDOW // 2, WINDOW // 2 + 1)
    start = time.perf_counter()
    for _ in range(steps):
        chosen = torch.randint(len(x), (64,))
        loss = (network(x[chosen]) - y[chosen][:, middle]).norm(dim=-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    seconds = time.perf_counter() - start
    network.eval()
    with torch.no_grad():
        predicted = torch.cat([network(part) for part in x_test.split(256)])
    label = f"test MPJPE, small VideoPose3D, {steps} steps (mm; training s)"
    return {**rows, label: f"{error(predicted, y_test[:, middle]):.1f} ({seconds:.0f} s)"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip_file", nargs="?", help="a mocap clip file (.npz) to print beside the built-in data")
    parser.add_argument("--steps", type=int, default=1500, help="training steps of the network; 0 leaves it out")
    given = parser.parse_args()
    torch.set_num_threads(1)
    columns = {"synthetic": open_dataset("synthetic")}
    if given.clip_file:
        columns["mocap"] = open_dataset("mocap", given.clip_file)
    tables = {name: {**describe(d), **difficulty(d, given.steps)} for name, d in columns.items()}
    print("| | " + " | ".join(tables) + " |\n" + "| --- " * (len(tables) + 1) + "|")
    for row in tables["synthetic"]:
        print(f"| {row} | " + " | ".join(table[row] for table in tables.values()) + " |")


if __name__ == "__main__":
    main()
