"""How quickly the command answers: help, validation, and the plan of 10,000 runs against 10,000 finished ones.

    python benchmarks/plan.py [--runs 10000] [--rounds 10]

The store is a real MLflow one with fat records, see `filled_store`. Times are wall times of whole processes;
medians are printed. Aims: 0.4 s for --help and validate, 2 s for the plan.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import filled_store

from harness import tracking


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
        loaded = filled_store.spec_of(Path(folder), arguments.runs)
        uri = tracking.prepare(f"sqlite:///{folder}/store.db")
        filled_store.fill(uri, loaded, files=False)
        spec, number = loaded.path, len(loaded.runs)
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
