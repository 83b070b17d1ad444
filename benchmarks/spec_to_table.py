"""From a spec to its table, as a multiple of the bare training steps in it.

    python benchmarks/spec_to_table.py PATH/TO/cmu_h36m17.npz [--repeats 3]

The grid has 12 runs: 3 objectives × 2 training occlusion levels × 2 seeds, 150 steps each, window 27,
batch 64, videopose3d at 128 channels, two workers. The whole is `repose run` in a new folder: start of
Ray and MLflow, training, validation, evaluation at both levels, records, report. The bare part is the
same number of forward, backward and optimiser steps of the same network on a fixed batch, divided
between two processes that run at once, imports and start-up not counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS, STEPS, WORKERS = 12, 150, 2
SPEC = """\
name: spec-to-table
data: {{dataset: mocap, path: {path}, split: cmu-a, window: 27}}
backbone: {{name: videopose3d, filter_widths: [3, 3, 3], channels: 128}}
train: {{steps: 150, batch: 64, epochs: 2, validate_on: [none, severe]}}
test: {{occlusion: [none, severe], cameras: [seen]}}
objectives:
  abs: {{mpjpe: 1}}
  spatial: {{mpjpe: 1, spatial_rdc: 0.1}}
  temporal: {{mpjpe: 1, temporal_rdc: 0.1}}
grid: {{objective: [abs, spatial, temporal], train_occlusion: [none, severe], seed: 2}}
resources: {{workers: 2, cpu: 1}}
report: {{baseline: {{objective: abs}}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    ratios = []
    for _ in range(args.repeats):
        bare, whole = bare_seconds(), whole_seconds(args.path.resolve())
        ratios.append(whole / bare)
        print(f"bare steps {bare:5.1f} s   spec to table {whole:5.1f} s   ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} (aim ≤ 1.6)")


def whole_seconds(path: Path) -> float:
    """Wall time of `repose run` on the grid in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.yaml"
        spec.write_text(SPEC.format(path=path), encoding="utf-8")
        command = [sys.executable, "-m", "harness.cli.main", "run", str(spec)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "REPOSE_TRACKING_URI": ""}
        environment.pop("REPOSE_TRACKING_URI")
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode != 0 or not (Path(folder) / "results/spec-to-table/report.html").exists():
            raise SystemExit(f"the run failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return seconds


def bare_seconds() -> float:
    """Wall time of the grid's bare steps on two processes at once."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WORKERS + 1)
    workers = [context.Process(target=bare_steps, args=(barrier,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    barrier.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def bare_steps(barrier) -> None:
    """One worker's share of the grid."""
    import torch

    import backbones

    torch.set_num_threads(1)
    network = backbones.build("videopose3d", filter_widths=[3, 3, 3], channels=128).train()
    # The window's edges are repeated so that all 27 frames are answered, as the harness does.
    inputs, target = torch.randn(64, 27 + network.receptive_field - 1, 17, 2), torch.randn(64, 27, 17, 3)
    optimiser = torch.optim.AdamW(network.parameters())
    barrier.wait()
    for _ in range(RUNS // WORKERS * STEPS):
        optimiser.zero_grad(set_to_none=True)
        torch.linalg.vector_norm(network(inputs) - target, dim=-1).mean().backward()
        optimiser.step()


if __name__ == "__main__":
    main()
