"""The table of where the spread comes from: what it holds, what it leaves out, and that it verifies."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from harness import report
from harness.report.statistics.components import believable, components
from harness.report.verify import verify
from tests.report.conftest import Made, evaluation, run

FOLDS, DRAWS, SEEDS = ("one", "other"), ("0", "1"), (0, 1, 2)
SUBJECTS = {"one": "ABCDE", "other": "FGH"}
AXES = {"folds": "data.split", "draws": "data.seed"}


def several(value: float, subjects: str, rng: np.random.Generator) -> pd.DataFrame:
    frame = evaluation({"mpjpe": value})
    parts = []
    for subject in subjects:
        part = frame[frame["subject"] == "A"].assign(subject=subject, clip=f"{subject}1")
        parts.append(part.assign(value=part["value"] + 3 * ord(subject) + rng.normal(size=len(part))))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def made(make, tmp_path) -> Made:
    """Two networks, two folds, two draws, three seeds, of which one run is lost."""
    found, rng = make({("abs", 0): 100.0}, baseline={}), np.random.default_rng(1)
    found.spec.runs, found.frames = [], {}
    for name in ("small", "large"):
        for fold in FOLDS:
            for draw in DRAWS:
                for seed in SEEDS:
                    one = run("abs", seed, **{"backbone": name, "data.split": fold, "data.seed": draw})
                    found.spec.runs.append(one)
                    if (name, fold, draw, seed) != ("large", "other", "1", 2):
                        found.frames[one.run_id] = several(100 + 2 * rng.normal(), SUBJECTS[fold], rng)
    found.spec.report.variance, found.spec.report.figures = AXES, ["occlusion"]
    return found


def spread(found: Made):
    (table,) = [table for table in report.collect(found.spec, source=found).tables if table.name == "variance"]
    return table


def values(found: Made, name: str, weights: str = "best") -> list[np.ndarray]:
    """(draws, seeds, subjects) areas under the curve of each fold, of the seeds that all draws have."""
    folds = []
    for fold in FOLDS:
        seeds = [seed for seed in SEEDS if not (name == "large" and fold == "other" and seed == 2)]
        table = np.empty((len(DRAWS), len(seeds), len(SUBJECTS[fold])))
        for one in found.spec.runs:
            labels = one.labels
            if (labels["backbone"], labels["data.split"]) == (name, fold) and one.seed in seeds:
                frame = found.frames[one.run_id]
                rows = frame[(frame.weights == weights) & (frame.joint == "all") & (frame.metric == "mpjpe")]
                means = rows.groupby("subject")["value"].mean()  # two levels: the trapezoid is their mean
                table[DRAWS.index(labels["data.seed"]), seeds.index(one.seed)] = means[list(SUBJECTS[fold])]
        folds.append(table)
    return folds


def test_each_row_holds_the_components_of_its_runs(made):
    table = spread(made)
    assert [row.raw for row in table.rows] == [("abs", "small"), ("abs", "large")]
    for row in table.rows:
        folds = values(made, row.raw[-1])
        found, cells = components(folds), dict(zip([label for _, label in table.columns], row.cells, strict=True))
        assert float(cells["mean"].numbers["mean"]) == pytest.approx(found.mean, abs=0.006)
        parts = {"seeds": "seed", "cameras and noise": "draw", "subjects": "subject", "folds": "fold"}
        for head, part in {**parts, "subjects' own cameras": "subject_draw"}.items():
            assert float(cells[head].numbers["value"]) == pytest.approx(math.sqrt(getattr(found, part)), abs=0.006)
        assert float(cells["5 seeds"].numbers["value"]) == pytest.approx(believable(found.seed, 5), abs=0.006)
        # The last epoch's error lies 0.5 above the chosen one's, but for what the rows drew.
        ends = values(made, row.raw[-1], "last")
        changes = np.concatenate([(a.mean(2) - b.mean(2)).ravel() for a, b in zip(folds, ends, strict=True)])
        shown = float(cells["chosen or last"].numbers["value"])
        assert shown == pytest.approx(np.sqrt(np.mean(changes**2)), abs=0.006)


def test_a_seed_that_a_draw_lacks_is_left_out_and_counted(made):
    table = spread(made)
    large = dict(zip([label for _, label in table.columns], table.rows[1].cells, strict=True))
    assert large["mean"].numbers["n"] == "10"  # 12 less the lost run and its seed's other
    assert any(note.startswith("1 run is left out") for note in table.notes)


def test_without_folds_and_draws_only_seeds_subjects_and_the_epoch_are_told(made):
    made.spec.report.variance = {"where": {"data.split": "one", "data.seed": "0"}}
    for row in spread(made).rows:
        shown = [cell.text for cell in row.cells]
        assert [shown[i] for i in (2, 4, 5)] == ["–", "–", "–"]
        assert all(shown[i] != "–" for i in (0, 1, 3, 6, 7))


def test_it_verifies_and_an_altered_number_is_found(made, tmp_path):
    report.write(made.spec, out=tmp_path / "out", source=made)
    found, alone = verify(tmp_path / "out", made.spec, made), verify(tmp_path / "out")
    assert found.mismatches == alone.mismatches == []
    path = tmp_path / "out" / "report.json"
    content = json.loads(path.read_text())
    (table,) = [table for table in content["tables"] if table["name"] == "variance"]
    for cell in table["rows"][0]["cells"]:
        cell["text"] = f"9{cell['text']}"
    path.write_text(json.dumps(content))
    told = [one.cell for one in verify(tmp_path / "out").mismatches if one.file == "report.json"]
    for column in table["columns"]:
        assert any(cell.startswith("variance, ") and column["label"] in cell for cell in told), column
