from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness import report, sweep, tracking
from harness.cli import clips
from harness.spec import load
from harness.sweep import SweepOutcome


def test_validate(repose, spec):
    answer = repose("validate", "spec.yaml")
    assert (answer.code, answer.out, answer.err) == (0, "spec.yaml: valid, 2 runs in 1 arm\n", "")
    assert repose("validate", "spec.yaml", "--seeds", "5").out == "spec.yaml: valid, 5 runs in 1 arm\n"
    assert repose("validate", "spec.yaml", "-o", "grid.backbone=[ridge, constant_pose]").out.endswith("2 arms\n")


def test_plan_counts_against_the_store(repose, spec, monkeypatch):
    first = load(spec).runs[0].run_id
    asked = []

    def finished(uri, run_ids):
        asked.append((uri, list(run_ids)))
        held = {"evaluation.parquet": ("none@1/seen", "none@1/unseen")}
        shape = tracking.shape_of(load(spec).runs[0])
        return {first: tracking.Record(first, "m", "FINISHED", 0.0, 2.0, "a", shape=shape, evaluated=held)}

    monkeypatch.setattr(tracking, "finished", finished)
    made = json.loads(repose("plan", "spec.yaml", "--json", "--tracking-uri", "sqlite:///x.db", "--workers", "1").out)
    assert (made["runs"], made["finished"], made["to_do"], made["seconds"]) == (2, 1, 1, 2.0)
    assert made["axes"]["seed"] == {"0": 1, "1": 1}
    assert asked == [("sqlite:///x.db", [run.run_id for run in load(spec).runs])]
    assert made["to_evaluate"] == 1
    less = repose("plan", "spec.yaml", "--tracking-uri", "sqlite:///x.db", "-o", "test.occlusion=[none]")
    assert less.out.splitlines()[0] == "trial: 2 runs, 1 finished, 1 to do"
    more = repose("plan", "spec.yaml", "--tracking-uri", "sqlite:///x.db")
    assert more.out.splitlines()[0] == "trial: 2 runs, 1 finished, 1 to do, 1 to evaluate"
    offline = repose("plan", "spec.yaml", "--offline", "--limit", "1")
    assert offline.out.splitlines()[0] == "trial: 2 runs, finished unknown (offline), 1 to do"
    assert len(asked) == 3


def test_plan_of_an_empty_store_makes_none(repose, spec, tmp_path):
    answer = repose("plan", "spec.yaml", "--tracking-uri", f"sqlite:///{tmp_path}/none/store.db")
    assert answer.out.startswith("trial: 2 runs, 0 finished, 2 to do")
    assert not (tmp_path / "none").exists()


@pytest.fixture
def executed(monkeypatch):
    """Replaces execution and report; remembers how they were called."""
    calls: dict = {"outcome": SweepOutcome(finished=["a"])}

    def run_sweep(spec, **options):
        calls["sweep"] = {"runs": len(spec.runs), **options}
        return calls["outcome"]

    def collect(spec, uri, costs=None):
        calls["report"] = (spec.name, uri)
        return spec

    monkeypatch.setattr(sweep, "run_sweep", run_sweep)
    monkeypatch.setattr(report, "collect", collect)
    monkeypatch.setattr(report, "write", lambda spec, out=None: Path("results") / spec.name / "report.html")
    monkeypatch.setattr(clips, "with_clips", lambda found, wanted: calls.update(clips=wanted) or found)
    monkeypatch.setattr(report, "render_terminal", lambda spec, width: "the table\n\n")
    return calls


def test_run_executes_then_reports(repose, spec, executed):
    answer = repose("run", "spec.yaml", "--workers", "3", "-o", "train.lr=1e-2", "--seeds", "4", "--fail-fast")
    assert (answer.code, answer.out) == (0, "the table\n\nreport: results/trial/report.html\n")
    assert executed["report"] == ("trial", None)
    assert executed["sweep"] == {
        "runs": 4,
        "uri": None,
        "workers": 3,
        "address": None,
        "limit": None,
        "fail_fast": True,
        "retries": 1,
        "command": "repose run spec.yaml -o train.lr=1e-2 --seeds 4 --workers 3 --fail-fast",
        "only": None,
    }


def test_run_takes_what_the_spec_says(repose, spec, executed):
    spec.write_text(spec.read_text() + "resources: {workers: 2}\ntracking: {uri: 'sqlite:///s.db'}\nretries: 3\n")
    repose("run", "spec.yaml", "--limit", "1")
    taken = executed["sweep"]
    assert (taken["uri"], taken["workers"], taken["retries"], taken["limit"]) == ("sqlite:///s.db", 2, 3, 1)
    assert repose("run", "spec.yaml", "--tracking-uri", "sqlite:///other.db").code == 0
    assert executed["sweep"]["uri"] == "sqlite:///other.db"
    assert executed["report"] == ("trial", "sqlite:///other.db")


def test_failed_runs_are_reported_and_exit_with_1(repose, spec, executed):
    executed["outcome"] = SweepOutcome(finished=["a"], failed={"b": "diverged"})
    assert repose("run", "spec.yaml").code == 1
    assert "report" in executed


def test_nothing_is_reported_when_nothing_finished(repose, spec, executed):
    executed["outcome"] = SweepOutcome(failed={"a": "diverged", "b": "diverged"})
    assert repose("run", "spec.yaml").code == 1
    assert "report" not in executed


def test_an_interrupted_run_exits_with_130_and_reports_nothing(repose, spec, executed):
    executed["outcome"] = SweepOutcome(interrupted=True)
    assert repose("run", "spec.yaml").code == 130
    assert "report" not in executed


def test_report(repose, spec, executed):
    answer = repose("report", "spec.yaml", "--tracking-uri", "sqlite:///x.db")
    assert (answer.code, answer.out) == (0, "the table\n\nreport: results/trial/report.html\n")
    assert executed["report"] == ("trial", "sqlite:///x.db")
    assert "sweep" not in executed
    assert executed.pop("clips") == 4
    repose("report", "spec.yaml", "--clips", "2")
    assert executed.pop("clips") == 2
    repose("report", "spec.yaml", "--no-player")
    assert "clips" not in executed
    assert "--clips: a whole number from 1" in repose("report", "spec.yaml", "--clips", "0").err


def test_ls(repose):
    everything = repose("ls").out
    assert all(
        f"{kind}:" in everything for kind in ("backbones", "losses", "datasets", "occlusions", "metrics", "specs")
    )
    losses = repose("ls", "losses").out.splitlines()
    assert "spatial_rdc v1 depth order across joints (RePOSE, ECCV 2024)" in [" ".join(line.split()) for line in losses]
    # Names stand in one column, whatever the longest of them.
    assert len({line.index(" v1 ") for line in losses}) == 1
    verbose = repose("ls", "losses", "-v").out
    assert "    form: 'hinge' (hinge, " in verbose
    processes = repose("ls", "processes", "-v").out
    assert "    half: 'all' (all, upper, lower, left, right)" in processes
    assert processes.count("    source: ") == processes.count(" v1 ") and "not stated" not in processes


def test_cp_and_schema(repose, tmp_path):
    assert repose("cp", "smoke", "mine.yaml").out == "mine.yaml\n"
    assert repose("validate", "mine.yaml").code == 0
    assert repose("cp", "smoke", "mine.yaml").err == "repose: error: mine.yaml: exists already\n"
    assert json.loads(repose("schema").out)["title"] == "A spec of the repose harness"
    assert repose("schema", "here.json").out == "here.json\n"
    assert repose("schema", "no/folder.json").code == 2


def test_ui_becomes_the_servers_process(repose, monkeypatch):
    started = []
    monkeypatch.setattr(tracking, "ui_command", lambda uri, host, port: ["/bin/server", str(uri), host, str(port)])
    monkeypatch.setattr("os.execv", lambda program, command: started.append((program, command)))
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true")  # somebody's own choice is left
    answer = repose("ui", "--port", "5001", "--tracking-uri", "sqlite:///x.db")
    assert answer.out == "http://127.0.0.1:5001\n"
    assert started == [("/bin/server", ["/bin/server", "sqlite:///x.db", "127.0.0.1", "5001"])]
    assert os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "true"
    monkeypatch.delenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION")
    repose("ui", "--tracking-uri", "sqlite:///x.db")
    assert os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
