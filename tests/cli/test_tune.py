"""`repose tune` with real training on the built-in data, and what it refuses."""

import json

import numpy as np
import pytest
import torch
import yaml

from harness import tracking, training
from harness.cli.main import main
from harness.spec import shipped
from harness.spec.run import Run


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(shipped.find("smoke").read_text())
    study = {"space": {"train.lr": {"log": [0.02, 0.03]}}, "budget": {"trials": 2}, "metric": "val_order_spatial"}
    study["over"] = {"seeds": [0, 7], "occlusion": ["none", "severe"]}
    content |= {"name": "tiny", "study": study}
    content["grid"]["objective"] = "both"
    del content["report"]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    return content


def test_a_study_leaves_its_file_and_its_runs_are_the_grids(spec, tmp_path, capsys):
    assert main(["tune", "tiny.yaml", "--trials", "1", "--workers", "1"]) == 0
    found = json.loads((tmp_path / "results" / "tiny" / "study.json").read_text())
    (arm,) = found["arms"]
    assert found["study"]["budget"] == {"trials": 1} and arm["states"] == {"COMPLETE": 1}
    # The spec's own values are no point of the space: they are run beside the search.
    assert arm["default"]["number"] is None and arm["default"]["params"] == {"train.lr": 0.001}
    for trial in (arm["default"], *arm["trials"]):
        assert len(trial["runs"]) == 2
        assert trial["values"] == [pytest.approx(np.mean([_scores(run_id) for run_id in trial["runs"]]))]
    assert str(tmp_path) not in json.dumps(found)
    said = capsys.readouterr().out
    assert "val_order_spatial" in said and "study: results/tiny/study.json" in said and "from_study: tiny" in said
    main(["plan", "tiny.yaml"])
    assert "2 runs, 1 finished, 1 to do" in capsys.readouterr().out


def _scores(run_id):
    """A run's percent of right depth orders on validation clips, at each level, from its saved weights."""
    uri = tracking.resolve(None)
    (record,) = tracking.finished(uri, [run_id]).values()
    run = Run.model_validate_json(tracking.path(uri, record, "config.json").read_text())
    weights = torch.load(tracking.path(uri, record, "best.pt"), weights_only=True)
    return [
        training.validation_scores(run, weights, ["order_spatial"], [level])["order_spatial"]
        for level in ("none", "severe")
    ]


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        ({"study": None}, [], "has no study to tune"),
        ({}, ["--storage", "redis://x"], "can't keep a study at 'redis://x'"),
        ({}, ["--address", "ray://x:1"], "can't be driven through Ray's client"),
        ({"study": {"budget": {"gpu_hours": 1}, "space": {"train.lr": {"log": [0.1, 1]}}}}, [], "never spent without"),
        ({}, ["--hours", "0"], "a number of hours above 0"),
    ],
)
def test_what_cannot_be_tuned_is_told_in_a_line(spec, tmp_path, capsys, change, flags, said):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({k: v for k, v in (spec | change).items() if v is not None}))
    try:
        code = main(["tune", "tiny.yaml", *flags])
    except SystemExit as stopped:
        code = stopped.code
    shown = capsys.readouterr().err
    assert code == 2 and said in shown and len(shown.strip().splitlines()) == 1
    assert not (tmp_path / "results").exists() and not (tmp_path / "runs" / "studies").exists()
