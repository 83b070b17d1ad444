"""The main job as a user does it: spec → runs → report, again for nothing, then a larger grid."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import tracking

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which smoke ran once; the tests of this module go on from there, in order."""
    place = tmp_path_factory.mktemp("job")
    first = repose(place, "run", "smoke", "--workers", "2")
    assert first.returncode == 0, first.stderr
    return place, first


def repose(place, *arguments):
    environment = {key: value for key, value in os.environ.items() if key != "REPOSE_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.main", *arguments],
        cwd=place,
        env={**environment, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=170,
    )


def finished(place):
    return tracking.records(f"sqlite:///{place}/runs/mlflow.db", None, ("FINISHED",))


def test_first_run_trains_everything_and_says_where_the_report_is(folder):
    place, first = folder
    assert len(finished(place)) == 4
    assert first.stdout.rstrip().splitlines()[-1] == "report: results/smoke/report.html"
    page = (place / "results/smoke/report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and '<div id="player"' in page
    assert {path.suffix for path in (place / "results/smoke/tables").iterdir()} == {
        ".md",
        ".tex",
        ".csv",
        ".json",
        ".parquet",
    }
    assert list((place / "results/smoke/figures").glob("*.svg"))


def test_table_is_made_from_the_records(folder):
    place, _ = folder
    rows = list(csv.DictReader((place / "results/smoke/runs.csv").open()))
    wanted = {"objective": "abs", "test_occlusion": "severe", "cameras": "seen", "metric": "mpjpe", "weights": "best"}
    cells = [float(row["value"]) for row in rows if wanted.items() <= row.items() and row["group"] == "all"]
    assert len(cells) == 2
    lines = (place / "results/smoke/tables/ablation.md").read_text().splitlines()
    head, row = (next(line for line in lines if line.startswith(start)) for start in ("| objective", "| abs"))
    severe = dict(zip(head.split("|"), row.split("|"), strict=True))[" seen cameras, test occlusion: severe "]
    shown = float(re.search(r"([\d.]+) ±", severe).group(1))
    assert shown == pytest.approx(sum(cells) / 2, abs=0.051)


def test_written_report_verifies_until_a_digit_changes(folder):
    place, _ = folder
    right = repose(place, "report", "smoke", "--verify")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "from 4 runs' records and its files" in right.stdout and right.stdout.rstrip().endswith("all agree")
    path = place / "results/smoke/runs.csv"
    text = path.read_text()
    number = re.search(r"mpjpe,all,(\d+\.\d+)", text)
    last = number.end(1) - 1
    path.write_text(f"{text[:last]}{(int(text[last]) + 5) % 10}{text[last + 1 :]}")
    wrong = repose(place, "report", "smoke", "--verify")
    path.write_text(text)
    assert wrong.returncode == 1 and f"expected {number[1]}" in wrong.stdout and "runs.csv: " in wrong.stdout


def test_second_run_trains_nothing_and_never_starts_ray(folder):
    place, _ = folder
    before = {record.mlflow_id for record in finished(place)}
    page = (place / "results/smoke/runs.csv").read_bytes()
    again = repose(place, "run", "smoke", "--workers", "2")
    assert again.returncode == 0, again.stderr
    assert {record.mlflow_id for record in finished(place)} == before
    assert "runs to do" not in again.stdout + again.stderr
    assert (place / "results/smoke/runs.csv").read_bytes() == page


def test_added_test_level_is_evaluated_without_training(folder):
    place, _ = folder
    more = ["-o", "test.occlusion=[none, minor, severe]"]
    before = {record.mlflow_id for record in finished(place)}
    plan = json.loads(repose(place, "plan", "smoke", "--json", *more).stdout)
    assert (plan["finished"], plan["to_do"], plan["to_evaluate"]) == (4, 0, 4)
    done = repose(place, "run", "smoke", "--workers", "1", *more)
    assert done.returncode == 0, done.stderr
    assert {record.mlflow_id for record in finished(place)} == before
    head, _, first = (place / "results/smoke/tables/ablation.md").read_text().splitlines()[2:5]
    shown = dict(zip(head.split(" | "), first.split(" | "), strict=True))
    assert float(shown["seen cameras, test occlusion: minor"].split()[0].strip("*†")) > 0
    assert json.loads(repose(place, "plan", "smoke", "--json", *more).stdout)["to_evaluate"] == 0


def test_extended_grid_runs_only_what_is_new(folder):
    place, _ = folder
    before = {record.mlflow_id for record in finished(place)}
    plan = json.loads(repose(place, "plan", "smoke", "--seeds", "3", "--json").stdout)
    assert (plan["runs"], plan["finished"], plan["to_do"]) == (6, 4, 2)
    assert repose(place, "run", "smoke", "--seeds", "3", "--workers", "2").returncode == 0
    after = {record.mlflow_id for record in finished(place)}
    assert before < after
    assert len(after) == 6
    assert not tracking.running(f"sqlite:///{place}/runs/mlflow.db")
