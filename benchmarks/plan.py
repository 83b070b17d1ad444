"""How quickly the command answers: help, validation, and the plan of 10,000 runs against 10,000 finished ones.

    python benchmarks/plan.py [--runs 10000] [--rounds 10]

The store is a real MLflow one (its own schema, sqlite, write-ahead log) with ten tags, ten parameters and
ten metrics a run, written by SQL, because MLflow's client would take minutes. Times are wall times of
whole processes; medians are printed. Aims: 0.4 s for --help and validate, 2 s for the plan.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import tracking
from harness.spec import load
from harness.spec.identity import conditions
from harness.tracking import tags

SPEC = """\
name: many
data: {dataset: synthetic, window: 27}
objectives:
  abs: {mpjpe: 1}
  spatial: {mpjpe: 1, spatial_rdc: 0.1}
  temporal: {mpjpe: 1, temporal_rdc: 0.1}
  both: [spatial, temporal]
grid:
  backbone: [videopose3d, videopose3d-s, simple_baseline, ridge]
  objective: [abs, spatial, temporal, both]
  train_occlusion: [none, minor, moderate, severe]
  train.lr: [1e-3, 3e-4, 1e-4, 3e-5, 1e-5]
  seed: SEEDS
"""
PER_SEED = 320


def fill(spec: Path, uri: str) -> int:
    """Put a finished record of every run of ``spec`` into the store; gives their number."""
    loaded = load(spec)
    runs, held = loaded.runs, list(conditions(loaded.test))
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as store:
        store.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (77, 'many', 'active')")
        for number, run in enumerate(runs):
            uuid = f"{number:032x}"
            store.execute(
                """INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri,
                   experiment_id) VALUES (?, 'r', 'FINISHED', ?, ?, 'active', 'a', 77)""",
                (uuid, 1000 * number, 1000 * number + 4000),
            )
            named = {tags.RUN_ID: run.run_id, tags.SPEC: "many", tags.SHAPE: tracking.shape_of(run)}
            named |= {f"tag{k}": "x" * 40 for k in range(6)}
            named[tags.EVALUATED] = json.dumps({"evaluation.parquet": held})
            store.executemany(
                "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", [(*t, uuid) for t in named.items()]
            )
            values = [(f"name{k}", "1", uuid) for k in range(10)]
            store.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", values)
            store.executemany(
                """INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
                   VALUES (?, ?, 0, 0, 0, ?)""",
                values,
            )
    store.close()
    return len(runs)


def median_time(command: list[str], rounds: int) -> tuple[float, str]:
    """Median wall time of a process, seconds, and what it printed."""
    times, shown = [], ""
    for _ in range(rounds):
        began = time.perf_counter()
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        times.append(time.perf_counter() - began)
    return statistics.median(times), shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    repose = [sys.executable, "-m", "harness.cli.main"]
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "many.yaml"
        spec.write_text(SPEC.replace("SEEDS", str(-(-arguments.runs // PER_SEED))))
        uri = tracking.prepare(f"sqlite:///{folder}/store.db")
        number = fill(spec, uri)
        rows = {
            "repose --help": [*repose, "--help"],
            "repose validate quickstart": [*repose, "validate", "quickstart"],
            f"repose plan, {number:,} runs, offline": [*repose, "plan", str(spec), "--offline"],
            f"repose plan, {number:,} runs, all finished": [*repose, "plan", str(spec), "--tracking-uri", uri],
            f"repose plan, {number:,} runs, partly finished": [
                *repose, "plan", str(spec), "--tracking-uri", uri, "-o", "grid.train.lr=[1e-3, 3e-4, 1e-4, 2e-4, 4e-4]",
            ],
        }  # fmt: skip
        print(f"| command | median of {arguments.rounds}, s |\n| --- | --- |")
        for name, command in rows.items():
            seconds, shown = median_time(command, arguments.rounds)
            print(f"| {name} | {seconds:.2f} |")
            if "all finished" in name:
                assert f"{number} finished, 0 to do" in shown, shown


if __name__ == "__main__":
    main()
