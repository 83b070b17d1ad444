"""The tables of a study are computed again from its file and the runs' records; one altered digit is found."""

from __future__ import annotations

import json
import shutil

import pytest

from harness import report
from harness.report.verify import Ledger, tuning, verify
from tests.report.tuning.conftest import SPATIAL


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """Where the report, which is always the same, is written once."""
    return tmp_path_factory.mktemp("once") / "made"


@pytest.fixture
def written(tuned, tmp_path, once):
    made, folder = tuned(), tmp_path / "results/made"
    if not once.exists():
        report.write(made.spec, source=made)
        shutil.copytree(folder, once)
    return made, shutil.copytree(once, folder, dirs_exist_ok=True)


def compared(made, folder, **changed):
    """What the study's own part of the verification finds, the report being changed by ``changed``."""
    ledger = Ledger()
    tuning.check(ledger, folder, json.loads((folder / "report.json").read_text()) | changed, made.spec, made)
    return ledger


def test_a_report_with_a_study_verifies(written):
    made, folder = written
    found = verify(folder, made.spec, made)
    assert found.mismatches == [] and found.counts["tuning"] > 100 and not found.remarks
    assert verify(folder).counts["tuning"] > 50  # the file lies beside the report, the records aren't at hand


@pytest.mark.parametrize(
    "change",
    [
        lambda arm: arm.update(seconds=492.0),
        lambda arm: arm["trials"][10].update(values=[96.35]),
        lambda arm: arm["trials"][10]["params"].update({SPATIAL: 0.004}),
        lambda arm: arm["importance"].update({SPATIAL: 0.6}),
        lambda arm: arm["trials"][3].update(state="FAIL"),
        lambda arm: arm.update(best=[9]),
    ],
)
def test_one_number_in_the_study(written, content, change):
    made, folder = written
    change(content["arms"][1])
    (folder / "study.json").write_text(json.dumps(content))
    [digest] = compared(made, folder).mismatches
    assert (digest.file, digest.cell) == ("study.json", "digest")
    # Where a report says that it is of this very file, its tables give it away.
    told = {"spec": "made", "digest": digest.found, "pick": None}
    found = [one.cell for one in compared(made, folder, study=told).mismatches]
    assert any(cell.startswith(("tuning", "b · spatial, best")) for cell in found)


@pytest.mark.parametrize(
    "table, row, column, number",
    [("tuning", 1, 1, "value"), ("tuning_found", 2, 1, "value"), ("tuning_found", 4, 1, "value")]
    + [
        ("tuning_fresh", 0, column, number)
        for column, number in ((0, "value"), (1, "mean"), (5, "low"), (6, "value"), (7, "high"))
    ]
    + [("tuning_importance", 0, 0, "value")],
)
def test_one_digit_in_a_table(written, table, row, column, number):
    made, folder = written
    data = json.loads((folder / "report.json").read_text())
    cell = next(t for t in data["tuning"] if t["name"] == table)["rows"][row]["cells"][column]
    old = f"{cell['numbers'][number]:.2f}".lstrip("+-").rstrip("0").rstrip(".")
    new = old[:-1] + str((int(old[-1]) + 1) % 10)
    assert old in cell["text"]
    cell["text"] = cell["text"].replace(old, new)
    cell["numbers"][number] += float(new) - float(old) if cell["numbers"][number] > 0 else float(old) - float(new)
    [found] = compared(made, folder, tuning=data["tuning"]).mismatches
    assert found.file == "report.json" and found.cell.startswith(f"{table},")


def test_a_digit_is_found_in_every_format(written):
    _, folder = written
    for file in ("report.html", "tables/tuning_found.md", "tables/tuning_fresh.csv", "tables/tuning_found.tex"):
        before = (folder / file).read_text()
        (folder / file).write_text(before.replace("96.25", "96.35", 1))
        assert [one.file for one in verify(folder).mismatches] == [file]
        (folder / file).write_text(before)


def test_a_record_that_says_otherwise(written):
    made, folder = written
    run = next(one for one in made.spec.runs if one.labels["tuned"] == "tuned")
    made.figures[run.run_id]["val_mpjpe_best"] += 0.5
    found = compared(made, folder).mismatches
    assert found and all("tuning_fresh" in one.cell for one in found)


def test_the_records_of_the_trials_are_compared_with_the_study(written, content):
    made, folder = written
    best = content["arms"][1]["best"][0]
    made.frames[f"run{best}"], made.figures[f"run{best}"] = None, {"val_mpjpe_best": 96.26}
    found = compared(made, folder)
    assert any(f"trial {best}, val_mpjpe" in one.cell and one.expected == "96.26" for one in found.mismatches)
    assert found.counts["study records"]


def test_a_study_that_isnt_at_hand_is_said(written, tmp_path):
    made, folder = written
    shutil.move(folder / "study.json", tmp_path / "elsewhere.json")
    made.spec = None
    found = compared(made, folder)
    assert not found.mismatches and any("study of made wasn't at hand" in remark for remark in found.remarks)


def test_a_report_older_than_its_study_is_found_out(tuned, tmp_path):
    made = tuned(save=False)
    report.write(made.spec, source=made)
    assert not compared(made, tmp_path / "results/made").mismatches
    tuned()
    made.spec.tuned.path = tmp_path / "results/made/study.json"
    assert [one.cell for one in compared(made, tmp_path / "results/made").mismatches] == ["a study"]


def test_arms_whose_fresh_runs_failed_are_shown_without_numbers(tuned, tmp_path):
    made = tuned()
    for run in made.spec.runs:
        if run.labels["objective"] == "both":
            del made.frames[run.run_id]
    report.write(made.spec, source=made)
    folder = tmp_path / "results/made"
    assert not compared(made, folder).mismatches
    table = next(t for t in json.loads((folder / "report.json").read_text())["tuning"] if t["name"] == "tuning_fresh")
    assert [cell["text"] for cell in table["rows"][1]["cells"]] == ["97.50", "–", "–", "95.50", "–", "–", "-2.00", "–"]
