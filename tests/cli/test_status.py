"""`repose status`: counts per axis, who is at work, what failed and why, and how long it may still take."""

import json
import shutil
from dataclasses import replace

import pytest

from harness import tracking
from harness.cli import status as command
from harness.spec import load
from harness.spec.probes import Probe, Probes
from harness.tracking import RunLogger
from tests.sweep.conftest import template

__all__ = ["template"]

SPEC = """\
name: trial
data: {dataset: synthetic, window: 27}
objectives: {abs: {mpjpe: 1}, vel: {mpjpe: 1, mpjve: 0.1}}
grid: {backbone: videopose3d-s, objective: [abs, vel], seed: 4}
"""


@pytest.fixture
def job(tmp_path, template, monkeypatch):
    """A spec of eight runs, and a function that begins one of them in the store that commands use here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPOSE_TRACKING_URI", raising=False)
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs" / "mlflow.db")
    (tmp_path / "trial.yaml").write_text(SPEC)
    uri, spec = tracking.resolve(), load("trial.yaml")

    def begin(number, generation=0, owner=None):
        run = spec.runs[number]
        held = tracking.claim(uri, run.run_id, generation, owner or tracking.myself())
        return RunLogger(uri, run, spec.name, held).start()

    return spec, begin


@pytest.fixture
def made(job):
    """Two finished, one at work, one lost, one failed twice, one stopped, one ended by a study, one never begun."""
    spec, begin = job
    for number in (0, 1):
        begin(number).finish()
    busy = begin(2)
    busy.at(30, 100)
    busy._last_beat -= 60
    busy._tick()
    begin(3, owner=replace(tracking.myself(), started="another time"))
    begin(4).fail("ValueError: first\n\nTraceback: long")
    begin(4, 1).fail("UserError: no such thing\n\nTraceback: long")
    begin(5).fail("the sweep was stopped", status="KILLED")
    begin(6).stop(tracking.Stopped("too bad", pruned=True))
    yield spec
    busy.fail("over")


def named(run):
    return f"{' '.join(run.labels.values())} [{run.run_id}]"


def test_status_tells_every_state_and_reason(repose, made):
    answer = repose("status", "trial.yaml")
    assert answer.code == 0
    first, *rest = answer.out.splitlines()
    assert first == ("trial: 8 runs, 2 finished, 1 running, 1 lost, 1 failed, 1 stopped, 2 to do, 2 to evaluate")
    me = tracking.myself()
    wanted = (
        f"running: {named(made.runs[2])} process {me.pid} of {me.host}, for ",
        ", step 30 of 100, heard ",
        f"failed: {named(made.runs[4])} UserError: no such thing (",
        "2 attempts)",
        f"stopped: {named(made.runs[5])} the sweep was stopped (",
        "which is gone: the next `repose run` takes it over",
        f"repose logs {made.runs[4].run_id}; again: repose retry trial --failed",
        "left with the 1 worker at work",
    )
    for part in wanted:
        assert any(part in line for line in rest), part
    assert "Traceback" not in answer.out and "too bad" not in answer.out


def test_status_counts_per_axis_and_reads_only(repose, made):
    before = [(r.mlflow_id, r.status) for r in tracking.records()]
    told = json.loads(repose("status", "trial.yaml", "--json").out)
    assert before == [(r.mlflow_id, r.status) for r in tracking.records()]
    states = {
        run.run_id: one.state
        for run, one in zip(made.runs, tracking.standing(None, [r.run_id for r in made.runs]).values(), strict=True)
    }
    for axis, values in told["axes"].items():
        for value, counts in values.items():
            ids = [run.run_id for run in made.runs if run.labels[axis] == value]
            assert counts == {state: n for state in counts if (n := sum(states[i] == state for i in ids))}
            assert sum(counts.values()) == len(ids)
    [busy] = [one for one in told["at_work"] if one["state"] == "running"]
    assert (busy["step"], busy["steps"], busy["run_id"]) == (30, 100, made.runs[2].run_id)
    assert [one["attempts"] for one in told["wrong"]] == [2, 1]


def test_time_left_comes_from_finished_runs_of_the_same_shape_and_from_progress(job):
    from harness.spec.status import status

    spec, _ = job
    shape = tracking.shape_of(spec.runs[0])

    def record(**fields):
        return tracking.Record(spec.runs[0].run_id, "m", "FINISHED", 0.0, None, "", shape=shape, **fields)

    done = tracking.Standing("finished", replace(record(), seconds=100.0))
    half = tracking.Standing("running", replace(record(), started=940.0, at="50/100"), silence=10.0)
    fresh = tracking.Standing("running", replace(record(), started=990.0), silence=0.0)
    same = [run for run in spec.runs if run.labels["objective"] == "abs"]
    standings = {run.run_id: tracking.Standing("to do") for run in spec.runs}
    standings[same[0].run_id] = done
    found = status(spec, standings, tracking.shape_of, workers=2, now=1000.0)
    # Three runs of 100 s on two workers; four runs of the other objective resemble nothing.
    assert (found.seconds, found.unknown) == (200.0, 4)
    assert "at least 3 min 20 s (4 runs unlike any finished one) left on 2 workers; nobody" in found.lines()[-1]
    standings |= {same[1].run_id: half, same[2].run_id: fresh}
    found = status(spec, standings, tracking.shape_of, workers=9, now=1000.0)
    # Half done after 50 s, so 40 s are left 10 s later; that worker then takes the last run of 100 s.
    assert (found.seconds, found.workers) == (140.0, 2)


def test_time_left_comes_from_probes_where_nothing_like_it_is_finished(repose, job, monkeypatch, tmp_path):
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    spec, begin = job
    half = [run for run in spec.runs if run.labels["objective"] == "abs"]
    probes = Probes(spec.test, gpu=False)
    probes.keep(half[0], Probe(setup=4.0, step=0.0, validation=0.0, evaluation=96.0, a_pass=1.0, own=1, shared=0))
    found = repose("status", "trial.yaml", "--workers", "2").out.splitlines()[-1]
    shown = (
        "at least 3 min 20 s (4 runs unlike any finished one, 4 runs as probed) left on 2 workers; nobody is at work"
    )
    assert found == f"  time: {shown}"
    told = json.loads(repose("status", "trial.yaml", "--workers", "2", "--json").out)
    assert (told["seconds"], told["unknown"], told["by_probe"]) == (200.0, 4, 4)
    begin(spec.runs.index(half[0])).finish()
    told = json.loads(repose("status", "trial.yaml", "--json").out)
    assert told["by_probe"] == 0, "a finished run says more than a probe"


def test_nothing_finished_has_no_time_and_an_empty_store_nothing_to_tell(repose, job):
    assert repose("status", "trial.yaml").out.splitlines()[-1].startswith("  time: unknown on ")
    answer = repose("status", "trial.yaml", "--tracking-uri", "sqlite:///none.db")
    assert answer.code == 0 and answer.out.startswith("trial: 8 runs, 8 to do\n")


def test_watching_ends_when_all_is_finished_and_says_nothing_twice(repose, job, monkeypatch):
    _, begin = job
    monkeypatch.setattr(tracking, "unevaluated", lambda *arguments: {})
    looks = []

    def slept(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            for number in range(8):
                begin(number).finish()

    monkeypatch.setattr(command.time, "sleep", slept)
    answer = repose("status", "trial.yaml", "--watch")
    assert len(looks) == 2
    assert [line for line in answer.out.splitlines() if line.startswith("trial")] == [
        "trial: 8 runs, 8 to do",
        "trial: 8 runs, 8 finished",
    ]


def test_a_server_that_is_gone_is_said_in_a_line(repose, job):
    answer = repose("status", "trial.yaml", "--tracking-uri", "http://127.0.0.1:9")
    assert answer.code == 2 and answer.err.startswith("repose: error: --tracking-uri: nobody answers")
