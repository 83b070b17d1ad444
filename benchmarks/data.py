"""What data cost a training step, and what a file of paper scale costs to open and to share.

    python benchmarks/data.py [--batch 1024] [--window 27] [--channels 1024] [--levels LEVEL …] [--frames 3600000]

First VideoPose3D's training step, in its cheapest published form (strided, one output frame a window): forward, mean
per-joint error, backward, Adam. Then the batches of the training loop at each occlusion level, all included: windows,
noise of 4 pixels, occlusion with its fill, targets, flips; last with a detector's noise. One thread, best of several,
in processor time.

Then a file of `--frames` frames as four cameras see them (0: leave it out) is written from made-up motion, opened by
one process that finds nothing in the cache and by two at once that do, each reading every page; memory as the kernel
tells it: *own* is what no other process has a part in. File and cache lie in a temporary folder and are deleted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEVELS = (
    "none", "minor", "moderate", "severe", "random_joints@0.5", "limbs@0.5", "halves@0.5", "frames@0.5",
    "stretches@0.5", "one_joint@0.5", "parts@0.5", "jitter@0.5", "noisy@0.5", "failure@0.5", "self_occlusion@1",
    "passer_by@1",
)  # fmt: skip
AIM = 0.1
CLIPS, SUBJECTS, CAMERAS = 105, 7, 4


def throughput(args: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    step = _step(args)
    print(f"videopose3d, strided, {args.channels} channels: {1e3 * step:.0f} ms a step of {args.batch} windows\n")
    print(f"| occlusion | ms for {args.batch:,} windows of {args.window} frames | of the step (aim < {AIM:.0%}) |")
    print("| :--- | ---: | ---: |")
    for level, noise in (*((level, 4.0) for level in args.levels), ("none", {"detector": "plausible"})):
        took = _batch(level, args, noise)
        told = level if noise == 4.0 else "none; noise of a detector"
        print(f"| {told} | {1e3 * took:.1f} | {took / step:.1%} |", flush=True)


def _run(level: str, args: argparse.Namespace, noise: float | dict[str, str] = 4.0):
    from harness.spec.run import Choice, Data, Run, Train

    return Run(
        data=Data(window=args.window, frames_out=1, noise=noise),
        backbone=Choice(name="videopose3d", options={"channels": args.channels, "strided": True}),
        objective={"mpjpe": {"weight": 1.0}},
        train=Train(steps=1000, batch=args.batch, occlusion=level),
    )


def _made(run):
    """Observer, lifter and batches of a run."""
    import torch

    from harness.training.material import open_material
    from harness.training.observation import Observer
    from harness.training.train import build_lifter, training_batches

    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer)
    return lifter, training_batches(run, material, observer, lifter, torch.device("cpu"))


def _step(args: argparse.Namespace) -> float:
    import torch

    from harness.training.optimisation import make_optimiser

    run = _run("none", args)
    lifter, batches = _made(run)
    batch, optimiser = batches[0], make_optimiser(run.train, lifter.parameters())
    lifter.train()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        torch.linalg.vector_norm(lifter(batch.inputs) - batch.target, dim=-1).mean().backward()
        optimiser.step()

    return _best(step, 4)


def _batch(level: str, args: argparse.Namespace, noise: float | dict[str, str]) -> float:
    _, batches = _made(_run(level, args, noise))
    batches[0]
    steps = iter(range(1, 100))
    return _best(lambda: batches[next(steps)], 9)


def _best(function, times: int) -> float:
    took = []
    for _ in range(times):
        before = time.process_time()
        function()
        took.append(time.process_time() - before)
    return min(took)


def opening(frames: int) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        file = Path(folder, "large.npz")
        _write(file, frames // CAMERAS)
        size = file.stat().st_size / 1e6
        print(f"\n{frames:,} frames of {CLIPS} clips before {CAMERAS} recorded cameras, a file of {size:,.0f} MB\n")
        print("| | seconds | of processor time | MB in memory | own | its share |")
        print("| :--- | ---: | ---: | ---: | ---: | ---: |")
        for label, together in (("first, which films", 1), ("second", 1), ("two at once, each", 2)):
            for line in _opened(file, Path(folder, "cache"), together):
                print(f"| {label} | {line} |")


def _opened(file: Path, cache: Path, together: int) -> list[str]:
    """What each of some processes said that opened the file at once."""
    command = [sys.executable, __file__, "--open", str(file)]
    environment = {**os.environ, "REPOSE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, env=environment, **pipes) for _ in range(together)]
    opened = [str(process.stdout and process.stdout.readline()).strip() for process in started]
    said = []
    for process, times in zip(started, opened, strict=True):  # all have it open now, so shares are told rightly
        assert process.stdin and process.stdout
        print(file=process.stdin, flush=True)
        said.append(f"{times} | {process.stdout.readline().strip()}")
    for process in started:
        assert process.stdin
        process.stdin.close()
        process.wait()
    return said


def _open_and_tell(file: str) -> None:
    from harness.spec.run import Data
    from harness.training.material import open_material

    before = time.perf_counter(), time.process_time()
    split = {"train": [f"S{n}" for n in range(5)], "validation": ["S5"], "test": ["S6"]}
    material = open_material(Data(dataset="clips", path=file, split=split))
    print(f"{time.perf_counter() - before[0]:.1f} | {time.process_time() - before[1]:.1f}", flush=True)
    views = (material.train, material.validation, material.tests["seen"])
    total = sum(float(part.sum()) for seen in views for part in (seen.poses, seen.pixels))
    assert total == total
    input()
    found = {
        line.split(":")[0]: line.split()[1] for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    }
    own = int(found["Private_Clean"]) + int(found["Private_Dirty"])
    print(f"{int(found['Rss']) / 1024:,.0f} | {own / 1024:,.0f} | {int(found['Pss']) / 1024:,.0f}", flush=True)
    sys.stdin.read()


def _write(file: Path, frames: int) -> None:
    """Bodies that sway, of ``frames`` frames in all."""
    import numpy as np

    from harness.data import imported_file, open_dataset
    from harness.data.dataset import Clip, RecordedCamera
    from harness.data.importers.imported import Imported
    from harness.skeleton import H36M17

    body = open_dataset("synthetic").clips[0].positions[:1]
    middle, length = (body.min((0, 1)) + body.max((0, 1))) / 2, frames // CLIPS
    cameras = tuple(_camera(place, middle, RecordedCamera) for place in range(CAMERAS))
    clips = []
    for number in range(CLIPS):
        sway = np.sin(np.arange(length, dtype=np.float32)[:, None, None] / (10 + number % 7)) * 0.1
        subject = f"S{number % SUBJECTS}"
        clips.append(Clip(f"{subject}/{number}", subject, subject, "sway", 50.0, body + sway, cameras=cameras))
    imported_file.write(file, Imported("large", H36M17, tuple(clips), "made up"), kind="benchmark", files=())


def _camera(place: int, middle, kind):
    import math

    turn = place * math.pi / 2 + math.pi / 4
    half = math.sqrt(0.5)
    yaw = (math.cos(turn / 2 + math.pi / 4), 0.0, 0.0, math.sin(turn / 2 + math.pi / 4))
    w, z = yaw[0], yaw[3]
    level = (w * half, -w * half, -z * half, z * half)
    stands = (float(middle[0]) + 5 * math.cos(turn), float(middle[1]) + 5 * math.sin(turn), float(middle[2]))
    intrinsic = (2.29, 2.29, 0.03, 0.01, -0.2, 0.24, -0.002, -0.0005, -0.0016)
    return kind(f"C{place}", level, stands, intrinsic, (1000.0, 1002.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--window", type=int, default=27)
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--levels", nargs="*", default=LEVELS, help="none given: the file alone")
    parser.add_argument("--frames", type=int, default=3_600_000, help="as the cameras see them")
    parser.add_argument("--open", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open:
        _open_and_tell(args.open)
        return
    if args.levels:
        throughput(args)
    if args.frames:
        opening(args.frames)


if __name__ == "__main__":
    main()
