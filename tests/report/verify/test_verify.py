"""A report verifies; with one digit changed anywhere it doesn't, and the message says where."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import report
from harness.errors import UserError
from harness.report.verify import verify
from tests.report.conftest import evaluation

SUBJECTS = tuple("ABCDEFG")


def several_subjects(value, draw):
    """An evaluation of seven subjects around a mean."""
    frame = evaluation({"mpjpe": value, "pck150": 60.0})
    parts = []
    for subject in SUBJECTS:
        part = frame[frame["subject"] == "A"].assign(subject=subject, clip=f"{subject}1")
        parts.append(part.assign(value=part["value"] + draw.normal(scale=4) + draw.normal(scale=1, size=len(part))))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def made(make):
    """Three arms, fifteen seeds (enough for the bootstrap) and seven subjects (enough for new ones); one run lost."""
    draw = np.random.default_rng(3)
    arms = {"abs": 100.0, "spatial": 98.5, "temporal": 99.8}
    errors = {(arm, seed): mean + draw.normal() for arm, mean in arms.items() for seed in range(15)}
    errors["temporal", 14] = None
    found = make(errors)
    for one in found.spec.runs:
        if one.run_id in found.frames:
            found.frames[one.run_id] = several_subjects(errors[one.labels["objective"], one.seed], draw)
            found.figures[one.run_id] = {"late_gain": 2.5 if one.seed == 3 else -0.1, "falling": one.seed == 3}
    found.spec.report.figures = ["occlusion"]
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Where the report of `made`, which is always the same, is written once."""
    return tmp_path_factory.mktemp("once") / "out"


@pytest.fixture
def folder(request, written, tmp_path):
    if not written.exists():
        made = request.getfixturevalue("made")
        report.write(made.spec, out=written, source=made)
    return Path(shutil.copytree(written, tmp_path / "out"))


def altered(path: Path, pattern: str) -> str:
    """Change the last digit of the number that ``pattern`` finds first, and return the number as it was."""
    text = path.read_text()
    found = re.search(pattern, text)
    assert found, f"nothing to alter in {path.name}"
    number, end = found[1], found.end(1)
    path.write_text(f"{text[: end - 1]}{(int(text[end - 1]) + 5) % 10}{text[end:]}")
    return number


def test_a_report_verifies_with_and_without_its_records(made, folder):
    with_records, alone = verify(folder, made.spec, made), verify(folder)
    assert with_records.mismatches == alone.mismatches == []
    assert with_records.counts["runs"] > 500 and with_records.counts["subjects"] > 500 and not with_records.remarks
    assert alone.counts["runs"] == 0 and "not computed again" in alone.remarks[0]
    assert alone.counts["cells"] > 300 and alone.counts["marks"] > 30 and alone.counts["page"] > 100
    kinds = {table["recipe"]["kind"] for table in json.loads((folder / "report.json").read_text())["tables"]}
    assert kinds == {"mean", "difference", "new_subjects"}


def test_one_digit_in_the_runs_table(made, folder):
    number = altered(folder / "runs.csv", r"mpjpe,all,(\d+\.\d+),")
    [first, *_] = verify(folder, made.spec, made).mismatches
    everything = "\n".join(map(str, verify(folder, made.spec, made).mismatches))
    assert f"expected {number}" in everything and "runs.csv" in everything and "runs.parquet" in str(first)
    assert verify(folder).mismatches  # without the records the cells and the typed copy still disagree


def test_one_digit_in_the_store(made, folder):
    frame = made.frames[made.spec.runs[4].run_id]
    frame.loc[frame.index[0], "value"] += 0.01
    found = verify(folder, made.spec, made).mismatches
    assert found and all(one.file in ("runs.csv", "subjects.parquet") for one in found)
    assert made.spec.runs[4].run_id in found[0].cell and verify(folder).mismatches == []


@pytest.mark.parametrize(
    "file, pattern",
    [
        ("report.html", r"<td>(?:<b>)?(\d+\.\d+)"),
        ("report.html", r"<li>[^<]*?(\d+)"),
        ("report.html", r'<p class="warning">[^<]*?(\d+)'),
        ("report.html", r"<dd>[^<]*?(\d+) of"),
        ("report.html", r"<figcaption>[^<]*?(\d+)"),
        ("report.html", r"<path d=\"M \d+\.(\d+)"),
        ("figures/occlusion.svg", r"<path d=\"M \d+\.(\d+)"),
        ("tables/ablation.md", r"\| (?:\*\*)?(\d+\.\d+)"),
        ("tables/ablation.tex", r"& (?:\\textbf\{)?(\d+\.\d+)"),
        ("tables/ablation.md", r"\n- [^\n]*?(\d)"),
        ("tables/difference.md", r"\n- p is corrected [^\n]*?(\d+) tests"),
        ("tables/ablation.tex", r"95 \\% .*?(\d+)"),
        ("report.html", r"The runs \((\d+)\)"),
        ("tables/difference.csv", r",([+-]\d+\.\d+),"),
        ("tables/difference.json", r"\"difference\": (-?\d+\.\d+)"),
        ("report.json", r"\"text\": \"(\d+\.\d+)"),
        ("report.json", r"\"mean\": (\d+\.\d+)"),
        ("report.json", r"\"effect\": (-?\d+\.\d+)"),
        ("report.json", r"\"p_adjusted\": \"(0\.\d+)\""),
        ("report.json", r"\"late_gain\": (2\.\d+)"),
        ("report.json", r"\"subjects\": (\d+)"),
    ],
)
def test_one_digit_in_any_file(folder, file, pattern):
    altered(folder / file, pattern)
    found = verify(folder).mismatches
    assert found
    assert any(one.file in (file, "report.html") or one.file == "report.json" for one in found)
    assert all(one.expected != one.found for one in found)


def test_one_number_in_a_typed_file(made, folder):
    for file, column in (("tables/ablation.parquet", "mean"), ("subjects.parquet", "value")):
        before = (folder / file).read_bytes()
        frame = pd.read_parquet(folder / file)
        frame.loc[3, column] += 0.3
        frame.to_parquet(folder / file)
        found = verify(folder, made.spec, made).mismatches
        assert any(one.file == file or "new_subjects" in one.cell for one in found), file
        (folder / file).write_bytes(before)


def test_a_mark_in_a_format_for_people(folder):
    for file, old, new in (
        ("tables/ablation.md", "**", ""),
        ("tables/ablation.tex", "\\textbf{", "{"),
        ("report.html", "<td><b>", "<td>"),
    ):
        text = (folder / file).read_text()
        at = text.index(old, text.index("ablation")) if file == "report.html" else text.index(old, 80)
        (folder / file).write_text(text[:at] + new + text[at + len(old) :])
        assert {one.file for one in verify(folder).mismatches} == {file}
        (folder / file).write_text(text)


def test_a_drawing_on_paper_is_held_to_its_digest(folder):
    path = folder / "figures/occlusion.pdf"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    assert [one.file for one in verify(folder).mismatches] == ["figures/occlusion.pdf"]


def test_how_far_runs_had_converged_is_read_again(made, folder):
    run_id = made.spec.runs[1].run_id
    made.figures[run_id] = {"late_gain": 0.4, "falling": True}
    found = verify(folder, made.spec, made).mismatches
    assert [one.cell for one in found] == [f"{run_id}, convergence", f"{run_id}, convergence, gained late"]
    assert found[0].expected == "still falling" and verify(folder).mismatches == []


def test_how_far_runs_of_an_older_version_had_converged_is_read_off_their_curves(made, tmp_path):
    for number, one in enumerate(made.spec.runs):
        if one.run_id in made.figures:
            made.figures[one.run_id] = {"slope": -0.1, "slope_falling": 0.0, "parameters": 10.0}
            late = 97.0 if number == 3 else 99.9
            made.points[one.run_id] = [("val_mpjpe", 2400, 100.0), ("val_mpjpe", 3000, late)]
    folder = report.write(made.spec, out=tmp_path / "older", source=made).parent
    assert verify(folder, made.spec, made).mismatches == []
    run_id = made.spec.runs[4].run_id
    made.points[run_id] = [("val_mpjpe", 2400, 100.0), ("val_mpjpe", 3000, 98.0)]
    found = verify(folder, made.spec, made).mismatches
    assert {one.cell for one in found} >= {f"{run_id}, convergence", f"{run_id}, convergence, gained late"}


def test_the_sign_of_a_row_that_was_still_falling(folder):
    text = (folder / "report.json").read_text()
    (folder / "report.json").write_text(text.replace('"mark": "‡"', '"mark": ""', 1))
    assert any("still falling" in one.cell and one.expected == "‡" for one in verify(folder).mismatches)


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("report.json", '"tables"', '"tabels"'),
        ("report.json", "{", ""),
        ("runs.csv", "run_id", "run"),
        ("runs.csv", "mpjpe,all,", "mpjpe,all,x"),
    ],
)
def test_a_file_that_no_report_is_like_is_one_message(folder, file, old, new):
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match="isn't as this version of `repose report` writes it"):
        verify(folder)


def test_rows_of_another_detector_have_their_own_best(make, tmp_path):
    """As in the report: arms under other noise don't compete."""
    errors = {(arm, seed): 100.0 + shift + seed for arm, shift in (("abs", 2.0), ("spatial", 0.0)) for seed in (0, 1)}
    made = make(errors)
    for one in made.spec.runs:
        one.labels["data.noise"] = "5.0" if one.labels["objective"] == "abs" else "2.0"
    made.spec.report.figures = ["occlusion"]
    folder = report.write(made.spec, out=tmp_path / "out", source=made).parent
    assert verify(folder, made.spec, made).mismatches == []


def test_marks_are_computed_again(folder):
    text = (folder / "report.json").read_text()
    assert '"best": true' in text
    (folder / "report.json").write_text(text.replace('"best": true', '"best": false', 1))
    assert any("best" in one.cell for one in verify(folder).mismatches)


def test_a_missing_file_is_a_mismatch_and_no_report_at_all_a_message(folder, tmp_path):
    (folder / "tables/ablation.tex").unlink()
    [found] = verify(folder).mismatches
    assert found.file == "tables/ablation.tex"
    with pytest.raises(UserError, match="no report to verify"):
        verify(tmp_path / "nowhere")


def test_cells_that_hold_nothing_verify(make, tmp_path):
    """One seed, arms without runs, a metric undefined at a level, unequal seeds."""
    errors = {("abs", 0): 100.0, ("abs", 1): 101.0, ("spatial", 1): 99.0, ("spatial", 2): 98.0, ("both", 0): None}
    made = make(errors, cameras=("seen", "unseen"), extra={"mpjpe_occluded": 120.0})
    for frame in made.frames.values():
        nothing = (frame["metric"] == "mpjpe_occluded") & (frame["test_occlusion"] == "none")
        frame.loc[nothing, ["value", "n"]] = [np.nan, 0]
        frame.loc[frame["metric"] == "mpjpe_occluded", "group"] = "occluded"
    made.spec.report.figures = ["occlusion"]
    folder = report.write(made.spec, out=tmp_path / "out", source=made).parent
    assert verify(folder, made.spec, made).mismatches == []


@pytest.mark.parametrize("seeds", [2, 6])
def test_tests_that_are_left_out_verify_and_their_absence_is_computed_again(make, tmp_path, seeds):
    """Two pairs, and six whose differences are skewed: one arm has an outlier."""
    errors = {
        (arm, s): 100.0 + s + (arm == "spatial") * 5 * (s == 1) for arm in ("abs", "spatial") for s in range(seeds)
    }
    made = make(errors)
    made.spec.report.figures = ["occlusion"]
    folder = report.write(made.spec, out=tmp_path / "out", source=made).parent
    assert verify(folder, made.spec, made).mismatches == []
    file, text = folder / "report.json", (folder / "report.json").read_text()
    alterations = [("two pairs", "skewed differences"), (" p – (2)", " (2)")] if seeds == 2 else [("skewed", "equal")]
    for old, new in alterations:
        assert old in text
        file.write_text(text.replace(old, new, 1))
        assert any("left_out" in one.cell or "untested" in one.cell for one in verify(folder).mismatches)


def test_longer_training_verifies(make, tmp_path):
    errors = {
        (arm, seed, steps): 100.0 + seed - steps / 1000
        for arm in ("abs", "s")
        for seed in (0, 1)
        for steps in (1000, 4000)
    }
    errors["s", 1, 4000] = None
    made = make(errors)
    made.spec.report.figures = ["occlusion"]
    folder = report.write(made.spec, out=tmp_path / "out", source=made).parent
    found = verify(folder, made.spec, made)
    assert found.mismatches == []
    kinds = [table["recipe"]["kind"] for table in json.loads((folder / "report.json").read_text())["tables"]]
    assert "gap" in kinds
