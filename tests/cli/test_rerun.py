"""`repose rerun`: runs of a report done again from nothing, and what differs from what was reported."""

import shutil
from pathlib import Path

import pytest

from harness import sweep, tracking
from harness.cli.main import main
from harness.sweep import body
from harness.sweep.outcome import SweepOutcome
from tests.sweep.conftest import template

__all__ = ["template"]

SPEC = """\
name: trial
data: {dataset: synthetic, options: {subjects: 3, clips: 1, seconds: 0.5}, window: 9}
train: {steps: 4, batch: 4, epochs: 2}
test: {occlusion: [none, minor, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: [ridge, constant_pose], seed: 2}
report: {figures: []}
"""
ONE = ("trial.yaml", "--where", "backbone=ridge", "--where", "seed=1")


def here(asked):
    """What does the runs of a sweep in this process, and notes which."""

    def run_sweep(spec, *, uri=None, only=None, **_):
        uri = tracking.resolve(uri)
        wanted = [run for run in spec.runs if only is None or run.run_id in only]
        done = tracking.finished(uri, [run.run_id for run in wanted])
        for run in (run for run in wanted if run.run_id not in done):
            asked.append(run.run_id)
            held = tracking.claim(uri, run.run_id, 0, tracking.myself())
            logger = tracking.RunLogger(uri, run, spec.name, held, extra=tracking.provenance()).start()
            logger.finish(body.execute(run, spec.test, logger, lambda info, kept=logger: kept.log_points(info.curves)))
        return SweepOutcome(finished=[run.run_id for run in wanted if run.run_id not in done], skipped=list(done))

    return run_sweep


@pytest.fixture(scope="module")
def reported(tmp_path_factory, template):
    """A folder with the report of a spec, and an empty store beside its own."""
    folder = tmp_path_factory.mktemp("reported")
    for place in (folder / "runs", folder / "runs" / "rerun"):
        place.mkdir()
        shutil.copy(template, place / "mlflow.db")
    (folder / "trial.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("REPOSE_TRACKING_URI", raising=False)
        patch.setattr(sweep, "run_sweep", here([]))
        assert main(["run", "trial.yaml"]) == 0
    return folder


@pytest.fixture
def asked(tmp_path, reported, monkeypatch):
    """Works in a copy of that folder; the run_ids that were done since."""
    monkeypatch.chdir(shutil.copytree(reported, tmp_path / "here"))
    monkeypatch.delenv("REPOSE_TRACKING_URI", raising=False)
    asked: list[str] = []
    monkeypatch.setattr(sweep, "run_sweep", here(asked))
    return asked


def test_a_cell_is_done_again_apart_from_the_store_and_comes_out_the_same(asked, capsys):
    before = (Path("runs/mlflow.db").read_bytes(), Path("results/trial/runs.csv").read_bytes())
    assert main(["rerun", *ONE]) == 0
    assert len(asked) == 1
    shown = capsys.readouterr().out
    lines = [line for line in Path("results/trial/runs.csv").read_text().splitlines() if asked[0] in line]
    measured = [line for line in lines if ",curve," not in line]
    assert f"all {len(measured)} values as reported" in shown and len(lines) > len(measured) > 20
    assert before == (Path("runs/mlflow.db").read_bytes(), Path("results/trial/runs.csv").read_bytes())
    assert main(["rerun", *ONE]) == 0 and len(asked) == 1, "what is there need not be done a third time"


def test_a_value_that_was_reported_otherwise_is_told(asked, capsys):
    file = Path("results/trial/runs.csv")
    assert main(["rerun", *ONE]) == 0
    text = file.read_text()
    line = next(line for line in text.splitlines() if asked[0] in line and ",best,none,seen,mpjpe,all," in line)
    value = line.split(",mpjpe,all,")[1].split(",")[0]
    file.write_text(text.replace(line, line.replace(value, f"{float(value) + 0.25:.4f}")))
    capsys.readouterr()
    assert main(["rerun", *ONE]) == 1
    assert "1 of " in (shown := capsys.readouterr().out) and "an MPJPE by 0.2500 mm at most" in shown
    file.write_text(text.replace(line, "\n".join([line, line.replace(",best,none,", ",best,gone,")])))
    assert main(["rerun", *ONE]) == 1
    assert "1 not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--where", "backbon=ridge"], "unknown axis 'backbon'; did you mean 'backbone'?"),
        (["--where", "backbone=ridg"], "unknown value of backbone 'ridg'; did you mean 'ridge'?"),
        (["--report", "elsewhere"], "elsewhere/runs.csv is missing; write it with `repose report`"),
        (["-o", "data.window=27"], "has nothing of the run"),
        (["--where", "backbone"], "AXIS=VALUE is needed"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(asked, capsys, given, said):
    try:
        code = main(["rerun", "trial.yaml", *given])
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and said in capsys.readouterr().err and asked == []


def test_several_values_are_any_of_them_and_a_limit_takes_the_first_seeds(asked):
    assert main(["rerun", "trial.yaml", "--where", "backbone=ridge,constant_pose", "--limit", "2"]) == 0
    assert len(asked) == 2
