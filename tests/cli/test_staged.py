"""Seeds in two stages: from the pilot to what it fixes, once and for good, and what is said of it."""

import json
import shutil

import numpy as np
import pytest

from harness import tracking
from harness.cli import staged
from harness.cli.main import main
from harness.report.compare import compared
from harness.report.statistics import seeds_fixed
from harness.spec import load
from harness.spec.identity import evaluations
from harness.sweep.outcome import SweepOutcome
from harness.tracking import fixing
from tests.report.conftest import evaluation
from tests.sweep.conftest import template

__all__ = ["template"]

SPEC = """\
name: trial
data: {dataset: synthetic, window: 9, options: {subjects: 3, clips: 1, seconds: 0.5}}
backbone: ridge
test: {occlusion: [none, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}, near: {mpjpe: 2}, far: {mpjpe: 3}}
grid: {objective: [abs, near, far]}
seeds: {pilot: 3, max: 6, halfwidth: 2}
claims: [{text: near is lower, arm: near, versus: abs, where: {test_occlusion: curve}, direction: lower, margin: 4}]
report: {baseline: {objective: abs}, figures: [difference], labels: {far: the far one}}
"""
SPREAD = {"abs": 0.0, "near": 0.7, "far": 3.0}


def value(objective, seed):
    """What a run would measure, in mm: noise of its arm about 100, alike in every test."""
    noise = np.random.default_rng([seed, len(objective)]).normal()
    return 100.0 + seed + SPREAD[objective] * (noise - 0.5)


@pytest.fixture
def job(tmp_path, template, monkeypatch):
    """A spec and an empty store, and what does the runs of a spec without training; ``failing`` never succeed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPOSE_TRACKING_URI", raising=False)
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs" / "mlflow.db")
    (tmp_path / "trial.yaml").write_text(SPEC)
    uri, spec = tracking.resolve(), load("trial.yaml")
    tracking.register(uri, [claim.digest(spec.name) for claim in spec.claims], spec.digest)
    failing, rounds = set(), []

    def run(now, limit, only):
        found = SweepOutcome()
        done = tracking.finished(uri, [one.run_id for one in now.runs])
        rounds.append(len(now.runs))
        for one in now.runs:
            key = (one.labels["objective"], one.seed)
            if one.run_id in done:
                found.skipped.append(one.run_id)
            elif only is not None and one.run_id not in only:
                continue
            elif limit is not None and len(found.finished) >= limit:
                found.left.append(one.run_id)
            elif key in failing:
                found.failed[one.run_id] = "it broke"
            else:
                held = tracking.claim(uri, one.run_id, 0, tracking.myself())
                logger = tracking.RunLogger(uri, one, now.name, held).start()
                frame = evaluation({"mpjpe": value(*key)}, levels=("none", "severe"))
                logger.evaluation(tracking.parquet_bytes(frame), list(evaluations(now.test)))
                points = [("val_mpjpe", step, 100.0) for step in range(1, 9)]
                logger.log_points(points)
                logger.finish({"late_gain": 0.0, "falling": 0.0})
                found.finished.append(one.run_id)
        return found

    return spec, uri, run, failing, rounds


def expected(objective):
    """Seeds that the pilot of an arm asks for, worked out from what its runs measure."""
    return min(6, seeds_fixed([value(objective, seed) - value("abs", seed) for seed in range(3)], 2.0))


def counts(spec):
    return {objective: sum(run.labels["objective"] == objective for run in spec.runs) for objective in SPREAD}


def test_each_contrast_gets_the_seeds_its_pilot_asks_for_and_the_baseline_the_most(job):
    spec, uri, run, _, rounds = job
    assert len(spec.runs) == 18 and len(spec.narrowed({}).runs) == 9
    now, outcome = staged.sweep(spec, uri, run)
    near, far = expected("near"), expected("far")
    assert 3 <= near < far <= 6, "the test needs arms that differ in what they ask for"
    assert counts(now) == {"abs": far, "near": near, "far": far}
    assert len(outcome.finished) == 2 * far + near and not outcome.skipped and rounds[0] == 9
    again, outcome = staged.sweep(spec, uri, run)
    assert counts(again) == counts(now) and not outcome.finished


def test_the_report_says_what_was_spent_in_the_specs_words_and_verifies(job, capsys):
    spec, uri, run, _, _ = job
    now, _ = staged.sweep(spec, uri, run)
    assert f"seeds of 'far' fixed: {expected('far')}" in capsys.readouterr().out, "the value that --where takes"
    assert main(["report", "trial.yaml", "--no-player"]) == 0
    report = json.loads((spec.path.parent / "results/trial/report.json").read_text())
    rows = {row["keys"][0]: [cell["text"] for cell in row["cells"]] for row in report["seeds"]["rows"]}
    assert rows["near"][2:4] == [str(expected("near"))] * 2 and rows["the far one"][2] == str(expected("far"))
    assert f"{len(now.runs)} runs were spent of the 18" in " ".join(report["summary"])
    assert report["tested"]["pilot"] == [0, 1, 2]
    assert main(["report", "trial.yaml", "--verify"]) == 0
    # Without the store the files are held against each other.
    assert main(["report", "trial.yaml", "--verify", "--tracking-uri", "sqlite:///nowhere.db"]) == 0
    capsys.readouterr()
    assert main(["report", "results/trial", "--verify"]) == 0, "a report that came alone, by its folder"
    assert "verified results/trial from its files alone: " in capsys.readouterr().out
    assert main(["report", "results/trial"]) == 2
    assert "a folder, not a spec file" in capsys.readouterr().err
    table = spec.path.parent / "results/trial/report.json"
    changed = json.loads(table.read_text())
    for row in changed["seeds"]["rows"]:
        row["cells"][2]["text"] = "5"
        row["cells"][2]["numbers"]["fixed"] = 5.0
    table.write_text(json.dumps(changed))
    assert main(["report", "results/trial", "--verify"]) == main(["report", "trial.yaml", "--verify"]) == 1
    assert "fixed at: expected" in capsys.readouterr().out


def test_it_may_stop_anywhere_and_ends_the_same(job):
    spec, uri, run, _, _ = job
    for _ in range(40):
        now, outcome = staged.sweep(spec, uri, run, limit=2)
        if not outcome.finished:
            break
    near, far = expected("near"), expected("far")
    assert counts(now) == {"abs": far, "near": near, "far": far}


def test_a_pilot_that_lacks_a_run_waits_and_the_others_go_on(job, capsys):
    spec, uri, run, failing, _ = job
    failing.add(("far", 1))
    now, outcome = staged.sweep(spec, uri, run)
    near = expected("near")
    assert counts(now) == {"abs": max(near, 3), "near": near, "far": 3} and len(outcome.failed) == 1
    assert "seeds of 'far' aren't fixed: 1 run of its pilot failed" in capsys.readouterr().out
    failing.clear()
    now, _ = staged.sweep(spec, uri, run)
    assert counts(now)["far"] == expected("far")


def test_what_was_fixed_stays_and_another_rule_is_refused(job, capsys):
    spec, uri, run, _, _ = job
    staged.sweep(spec, uri, run)
    first = fixing.fixed(uri, spec.stages.digests)
    other = {digest: fixing.Fixed(8, 8, 9.9, spec.stages.said, "another") for digest in first}
    assert fixing.fix(uri, other) == first
    assert main(["plan", "trial.yaml", "-o", "seeds.halfwidth=0.5"]) == 2
    said = capsys.readouterr().err
    assert "by another rule" in said and "halfwidth 2," in said and "first: 6" in said
    assert main(["plan", "trial.yaml", "-o", "seeds.first=6"]) == 0
    assert "pilot now" in capsys.readouterr().out


def test_plan_says_what_may_come(job, capsys):
    spec, uri, run, _, _ = job
    assert main(["plan", "trial.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "9 runs, 0 finished, 9 to do" in shown and "up to 9 runs more" in shown
    staged.sweep(spec, uri, run)
    capsys.readouterr()
    assert main(["plan", "trial.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["to_do"] == 0 and told["seeds"]["more_runs_at_most"] == 0
    assert told["seeds"]["fixed"] == {"near": expected("near"), "far": expected("far")}
    assert main(["status", "trial.yaml"]) == 0
    assert "to do" not in capsys.readouterr().out


def test_a_fixed_number_of_seeds_takes_the_place_of_the_stages(job):
    assert load("trial.yaml", seeds=2).stages is None and len(load("trial.yaml", seeds=2).runs) == 6


def test_seeds_that_a_pilot_fixes_are_not_compared_with_a_fixed_number_of_them(job, tmp_path, capsys):
    other = SPEC.replace("name: trial", "name: other").replace("seeds: {pilot: 3, max: 6, halfwidth: 2}\n", "")
    (tmp_path / "other.yaml").write_text(other.replace("far]}", "far], seed: 2}"))
    line = 1 + SPEC.splitlines().index("seeds: {pilot: 3, max: 6, halfwidth: 2}")
    for given in (["trial.yaml", "other.yaml"], ["other.yaml", "trial.yaml"]):
        assert main(["report", *given, "--compare", "--no-player"]) == 2
        told = capsys.readouterr().err
        assert f"trial.yaml:{line}" in told and "seeds of 'trial'" in told and told.count("\n") == 1
    assert not (tmp_path / "results").exists()
    specs = [load(tmp_path / name, seeds=2) for name in ("trial.yaml", "other.yaml")]
    assert len(compared(specs).runs) == 6, "a fixed number of seeds can be"


def test_what_was_fixed_goes_along_to_another_store(job, tmp_path, template):
    spec, uri, run, _, _ = job
    staged.sweep(spec, uri, run)
    assert main(["export", "trial.yaml", "trial.tar.gz"]) == 0
    shutil.copy(template, tmp_path / "other.db")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    assert main(["import", "trial.tar.gz", "--out", "there", "--tracking-uri", other]) == 0
    assert fixing.fixed(other, spec.stages.digests) == fixing.fixed(uri, spec.stages.digests) != {}


@pytest.mark.parametrize("entry", [{"n": 0}, {"n": 9, "wanted": 3}, {"rule": 5}, {"sd": -1.0}, {"more": 1}])
def test_entries_from_outside_are_checked(entry):
    whole = {"n": 4, "wanted": 4, "sd": 1.0, "rule": "r", "spec": "s", "at": 1.0}
    assert fixing.checked({"a" * 16: whole})
    with pytest.raises(ValueError, match="seeds of a contrast"):
        fixing.checked({"a" * 16: {**whole, **entry}})
    with pytest.raises(ValueError, match="seeds of a contrast"):
        fixing.checked({"claim": whole})
