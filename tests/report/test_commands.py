"""The command beside a cell names the runs behind it: those of its arm, and of the arm it is compared with."""

import json
import shlex

import pytest

from harness import report
from harness.report.verify import verify
from harness.spec import load
from harness.spec.choose import chosen
from tests.report.conftest import Made, evaluation

SPEC = """\
name: trial
data: {dataset: synthetic, window: 27}
train: {steps: 20, batch: 4, epochs: 2}
test: {occlusion: [none, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}, spatial: {mpjpe: 1, spatial_rdc: 0.1}}
grid:
  backbone: [videopose3d-s, simple_baseline]
  objective: [abs, spatial]
  objectives.spatial.spatial_rdc.form: [hinge, margin]
  seed: 2
include: [{backbone: simple_baseline, objective: abs, train.steps: 40}]
report:
  baseline: {objective: abs}
  figures: [difference]
  tables:
    - {rows: [backbone, objective], columns: objectives.spatial.spatial_rdc.form, where: {train.steps: 20}}
    - {rows: [backbone, objective, objectives.spatial.spatial_rdc.form], columns: test_occlusion}
"""
FORM = "objectives.spatial.spatial_rdc.form"


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "trial.yaml"
    path.write_text(SPEC)
    made = Made(load(path), tmp_path)
    for number, run in enumerate(made.spec.runs):
        made.frames[run.run_id] = evaluation({"mpjpe": 100.0 + number})
    return made


def _behind(made, command):
    """Arms that a command names: labels but the seed, and how long they train."""
    words = shlex.split(command)
    assert words[:3] == ["repose", "rerun", "trial.yaml"] and words[3::2] == ["--where"] * (len(words[3:]) // 2)
    runs = chosen(made.spec, dict(word.split("=", 1) for word in words[4::2]))
    arms = {(one.labels["backbone"], one.labels["objective"], one.labels[FORM], one.train.steps) for one in runs}
    assert len(runs) == 2 * len(arms), "every seed of each"
    return arms


def test_each_cell_names_its_runs_and_those_of_the_baseline(made):
    tables = {table.name: table for table in report.collect(made.spec, source=made).tables}
    found = {
        name: {
            (row.raw, head[1]): _behind(made, cell.again)
            for row in tables[name].rows
            for head, cell in zip(tables[name].columns, row.cells, strict=True)
            if cell.again
        }
        for name in ("table1", "table2", "table2_difference", "gap")
    }
    margin = ("videopose3d-s", "spatial", "margin", 20)
    assert found["table1"][("videopose3d-s", "spatial"), "margin"] == {margin}
    assert (("videopose3d-s", "abs"), "margin") not in found["table1"], "nothing stands there"
    key = ("videopose3d-s", "spatial", "margin", "20")
    assert found["table2"][key, "severe"] == {margin}
    assert found["table2_difference"][key, "severe"] == {margin, ("videopose3d-s", "abs", "-", 20)}
    longer = {("simple_baseline", "abs", "-", steps) for steps in (20, 40)}
    assert longer in found["gap"].values()


def test_it_stands_on_the_page_in_markdown_and_json_and_in_no_paper(made, tmp_path):
    folder = report.write(made.spec, out=tmp_path / "out", source=made).parent
    (table,) = [t for t in json.loads((folder / "report.json").read_text())["tables"] if t["name"] == "table2"]
    command = table["rows"][0]["cells"][0]["again"]
    assert command.startswith("repose rerun trial.yaml --where backbone=") and table["again"].endswith(command)
    page = (folder / "report.html").read_text()
    assert f'title="{command}"' in page and f'<li class="again">{table["again"]}</li>' in page
    assert table["again"].replace("_", r"\_") in (folder / "tables" / "table2.md").read_text()
    assert "rerun" not in (folder / "tables" / "table2.tex").read_text()
    assert verify(folder, made.spec, made).mismatches == []
    page = page.replace(f'<li class="again">{table["again"]}', f'<li class="again">{table["again"]} -o seed=1')
    (folder / "report.html").write_text(page)
    assert verify(folder, made.spec, made).mismatches
