"""How often the body hides its own joints, per joint and side it is seen from, and what telling it costs.

    python benchmarks/self_occlusion.py [CLIP_FILE.npz] [--cameras seen|unseen] [--severity 1] [--passer-by]

Prints one Markdown table: % of the frames in which each joint is hidden, of all test, validation and training clips
that repeat no other, before four virtual cameras each; by where the camera stands, told in quarters around the way the
body faces. Then the time of a draw for 1,024 windows of 27 frames on one thread: best of seven, and with the fill.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from harness import occlusion
from harness.data import Dataset, open_dataset
from harness.data.views import Views, views
from harness.occlusion import Fill, Level, Scene, passer_by, self_occlusion
from harness.skeleton import Skeleton
from harness.training.viewing import SIDES, side_seen

BATCH, WINDOW, CAMERAS = 1024, 27, 4


def hidden(seen: Views, level: Level, skeleton: Skeleton) -> Tensor:
    """(N, J) what the level hides of every frame of the views."""
    found = []
    for view in range(len(seen)):
        rows = slice(int(seen.offset[view]), int(seen.offset[view] + seen.length[view]))
        one = slice(view, view + 1)
        scene = Scene(
            seen.poses[None, rows], seen.pixels[None, rows], seen.intrinsic[one], seen.resolution[one], seen.fps[one]
        )
        frames = torch.arange(int(seen.length[view]))[None]
        found.append(~level.draw(seen.key[one], frames, skeleton, scene=scene).visible[0])
    return torch.cat(found)


def table(seen: Views, level: Level, skeleton: Skeleton) -> None:
    share, side = hidden(seen, level, skeleton).float(), side_seen(seen.poses, skeleton)
    print(f"| camera before {len(side):,} frames | all | {' | '.join(SIDES)} |")
    print("| --- |" + " ---: |" * (len(SIDES) + 1))
    counts = [float((side == place).float().mean()) for place in range(len(SIDES))]
    print(f"| share of the frames | 100 | {' | '.join(f'{100 * count:.0f}' for count in counts)} |")
    rows = torch.stack([share.mean(dim=0), *(share[side == place].mean(dim=0) for place in range(len(SIDES)))], dim=1)
    for name, row in zip((*skeleton.joints, "mean"), torch.cat([rows, rows.mean(dim=0)[None]]), strict=True):
        print(f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in row.tolist())} |")


def cost(seen: Views, level: Level, skeleton: Skeleton) -> None:
    start = torch.arange(BATCH) * 131 % (seen.frames - WINDOW)
    rows = start[:, None] + torch.arange(WINDOW)
    one = torch.ones(BATCH)
    scene = Scene(seen.poses[rows], seen.pixels[rows], one[:, None].expand(-1, 9), one[:, None].expand(-1, 2), 50 * one)
    xy = seen.pixels[rows] / 500 - 1
    draws, both = [], []
    for _ in range(7):
        before = time.perf_counter()
        drawn = level.draw(torch.arange(BATCH), rows, skeleton, scene=scene)
        draws.append(time.perf_counter() - before)
        occlusion.apply(xy, drawn)
        both.append(time.perf_counter() - before)
    best, filled = 1e3 * min(draws), 1e3 * min(both)
    print(f"\n{BATCH:,} windows × {WINDOW} frames, one thread: draw {best:.0f} ms, with fill {filled:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="a clip file; without one the built-in motion")
    parser.add_argument("--cameras", choices=("seen", "unseen"), default="seen")
    parser.add_argument("--severity", type=float, default=1.0)
    parser.add_argument("--passer-by", action="store_true", help="another person walks by instead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data: Dataset = open_dataset("mocap", args.file) if args.file else open_dataset("synthetic")
    clips = tuple(clip for clip in data.clips if not clip.repeats)
    seen = views(clips, purpose=args.cameras, count=CAMERAS, seed=0)
    process = passer_by.process() if args.passer_by else self_occlusion.process()
    level = Level(process.name, process.version, args.severity, (process,), Fill(0.4, 0.3, 0.3))
    print(f"{process.name} at severity {args.severity:g}, {data.name}, cameras {args.cameras}\n")
    table(seen, level, data.skeleton)
    cost(seen, level, data.skeleton)


if __name__ == "__main__":
    main()
