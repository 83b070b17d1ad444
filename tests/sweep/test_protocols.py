"""Runs rescored under another protocol; what is said of scores whose epochs test data chose."""

import json
import re

import pandas as pd
import pytest

from harness import protocols, report, tracking
from harness.cli.main import main
from harness.errors import UserError
from harness.report.records import Store
from harness.report.verify import verify
from harness.spec import identity, load
from harness.sweep import body, supplements

DATA = {"subjects": 4, "clips": 2, "seconds": 0.6}
SPLIT = {"train": ["P01", "P02"], "validation": ["P03", "P04"], "test": ["P03", "P04"]}
SPEC = f"""\
name: small
data: {{options: {DATA}, window: 9, cameras: {{train: 1, test: 1}}, split: default}}
backbone: {{name: videopose3d, filter_widths: [3], channels: 8}}
train: {{steps: 3, batch: 4, epochs: 2, validate_on: [none]}}
test: {{occlusion: [none, severe], cameras: [seen]}}
objectives: {{abs: {{mpjpe: 1}}, spatial: {{mpjpe: 1, spatial_rdc: 0.1}}}}
grid: {{objective: [abs, spatial], seed: 2}}
report: {{baseline: {{objective: abs}}}}
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SPEC)
    return load(tmp_path / "small.yaml")


def do(store, run, test, name):
    logger = tracking.RunLogger(store, run, name, tracking.claim(store, run.run_id, 0, tracking.myself()))
    logger.start().finish(body.execute(run, test, logger, lambda info: logger.log_points(info.curves)))


def test_finished_runs_are_scored_by_another_protocol_and_keep_what_they_had(store, spec, capsys):
    for one in spec.runs:
        do(store, one, spec.test, spec.name)
    before = report.collect(spec, store).evidence.frame
    other = load(spec.path, ["test.protocol=3dhp-14"])
    lacking = supplements.find(store, tracking.finished(store), identity.evaluations(other.test))
    assert len(lacking) == len(spec.runs) and report.collect(spec, store).evidence.unevaluated == {}
    for one in spec.runs:
        supplements.evaluate(store, one, lacking[one.run_id])
    assert main(["rescore", "small.yaml", "--tracking-uri", store, "--protocol", "3dhp-14"]) == 0
    out = capsys.readouterr().out
    assert "no clip is shown: the protocol '3dhp-14' scores other than what a clip shows" in out
    assert "nothing to score" in out and "-o test.protocol=3dhp-14" in out
    held = {key for found in tracking.finished(store).values() for keys in found.evaluated.values() for key in keys}
    assert held == {f"{level}@1/seen{more}" for level in ("none", "severe") for more in ("", "~3dhp-14@1")}
    pd.testing.assert_frame_equal(report.collect(spec, store).evidence.frame, before)
    after = report.collect(other, store).evidence
    assert not after.unevaluated and len(after.frame) == len(before)
    better = after.frame["value"].to_numpy() != before["value"].to_numpy()
    assert better.any() and after.mean == "per_frame"
    found = json.loads((spec.path.parent / "results" / "small" / "report.json").read_text())
    said = protocols.of("3dhp-14")
    assert found["identity"]["protocol"] == f"3dhp-14@1: {said.summary} (source: {said.source})"
    assert any(note.startswith("Protocol 3dhp-14@1 (") for note in found["tables"][0]["notes"])
    assert not verify(spec.path.parent / "results" / "small", other, Store(store)).mismatches
    wrong = verify(spec.path.parent / "results" / "small", spec, Store(store)).mismatches
    assert any("protocol" in str(line) for line in wrong)


def test_scores_of_epochs_that_test_data_chose_are_marked_everywhere(store, spec):
    chosen = load(spec.path, [f"data.split={SPLIT}", "test.protocol=best-on-test"])
    assert not {run.run_id for run in chosen.runs} & {run.run_id for run in spec.runs}
    for one in chosen.runs:
        do(store, one, chosen.test, chosen.name)
    made = report.collect(chosen, store)
    assert all(table.notes[0].startswith("CHOSEN ON TEST DATA") for table in made.tables)
    assert made.warnings[0].startswith("CHOSEN ON TEST DATA") and len(made.tables) > 3
    written = report.write(made, out="made").parent
    assert not verify(written, chosen, Store(store)).mismatches
    page = (written / "report.html").read_text()
    assert re.search(r'class="warning">CHOSEN ON TEST DATA', page) and "best-on-test@1" in page
    table = written / "tables" / "ablation.md"
    table.write_text(table.read_text().replace("CHOSEN ON TEST DATA", "chosen"))
    assert verify(written, chosen, Store(store)).mismatches


@pytest.mark.parametrize(
    ("more", "key", "message"),
    [
        ("claims: [{text: better, arm: spatial, versus: abs, direction: lower}]", "claims[0]", "no claim may rest"),
        ("study: {space: {train.lr: {log: [0.001, 0.1]}}, budget: {trials: 3}}", "study", "tune by the test subjects"),
    ],
)
def test_neither_claims_nor_studies_rest_on_such_scores(spec, more, key, message):
    text = SPEC.replace("split: default", f"split: {SPLIT}").replace("[seen]}", "[seen], protocol: best-on-test}")
    spec.path.write_text(text)
    load(spec.path)
    spec.path.write_text(text + more + "\n")
    with pytest.raises(UserError, match=f"epochs chosen on test data.*{message}") as caught:
        load(spec.path)
    assert caught.value.key == key and caught.value.line == len(text.splitlines()) + 1
