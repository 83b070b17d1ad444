import csv
import html
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest

from harness import report
from harness.errors import UserError
from harness.report import writers
from harness.report.page import MACHINE
from harness.report.table import Cell, Row, Table, number

NUMBER = re.compile(r"[+-]?\d+\.\d+")


@pytest.fixture
def written(ablation, tmp_path):
    ablation.spec.report.figures = ["occlusion", "difference", "learning"]
    return report.write(ablation.spec, out=tmp_path / "out", source=ablation).parent


def without_machine(page: str) -> str:
    before, rest = page.split(MACHINE[0])
    return before + rest.split(MACHINE[1])[1]


def test_all_files_are_there(written):
    names = {str(p.relative_to(written)) for p in written.rglob("*") if p.is_file()}
    tables = {"ablation", "difference", "metrics", "order_spatial", "averaging"}
    expected = {f"tables/{t}.{s}" for t in tables for s in ("md", "tex", "csv", "json", "parquet")}
    expected |= {f"figures/{f}.{s}" for f in ("occlusion", "difference", "learning") for s in ("svg", "pdf")}
    assert names >= expected | {"report.html", "report.json", "runs.csv", "runs.parquet"}


def test_sections_stand_in_the_order_in_which_they_are_read(ablation):
    ablation.spec.report.figures = ["occlusion", "cost"]
    ablation.spec.report.reference = ["mixste"]
    shown = report.collect(ablation.spec, source=ablation)
    names = [section.name for section in report.report.Report(shown.spec, shown.evidence, player="<p></p>").sections()]
    assert names[:4] == ["ablation", "difference", "figures", "clips"]
    assert names[4:-2] == [table.name for table in shown.tables[2:]]
    assert names[-2:] == [shown.literature[0].name, "provenance"]
    assert [table.name for table in shown.all_tables] == [
        n for n in names if n not in ("figures", "clips", "provenance")
    ]


def test_a_figure_that_was_asked_for_in_vain_is_noted(ablation):
    ablation.spec.report.figures = ["occlusion", "cost"]
    (drawn,) = [s for s in report.collect(ablation.spec, source=ablation).sections() if s.name == "figures"]
    assert "The figure cost isn't drawn: nobody counted the multiplications of these networks." in drawn.body


def test_same_numbers_in_every_format(written, ablation):
    page = (written / "report.html").read_text()
    for shown in report.collect(ablation.spec, source=ablation).tables:
        numbers = [v for row in shown.rows for cell in row.cells for v in NUMBER.findall(cell.text)]
        assert numbers
        markdown = (written / f"tables/{shown.name}.md").read_text()
        body = "\n".join(line for line in markdown.splitlines() if line.startswith("|"))
        assert NUMBER.findall(body) == numbers
        latex = (written / f"tables/{shown.name}.tex").read_text().replace("$-$", "-")
        assert NUMBER.findall(latex.split(r"\midrule")[1].split(r"\bottomrule")[0]) == numbers
        section = page.split(f'<section id="{shown.name}">')[1].split("</tbody>")[0].split("<tbody>")[1]
        assert NUMBER.findall(html.unescape(re.sub(r"<[^>]*>", " ", section))) == numbers
        lines = list(csv.DictReader((written / f"tables/{shown.name}.csv").open()))
        values = ("mean", "half_width", "difference", "low", "high", "p_adjusted")
        listed = [line[v].lstrip("<") for line in lines for v in values if line.get(v) and "." in line[v]]
        assert sorted(listed) == sorted(numbers)


def test_tables_can_be_made_again_from_runs_csv(written, ablation):
    runs = pd.read_csv(written / "runs.csv")
    chosen = runs.query("metric == 'mpjpe' and weights == 'best' and objective == 'spatial'")
    chosen = chosen.query("test_occlusion == 'severe' and cameras == 'unseen'")
    cell = report.collect(ablation.spec, source=ablation).tables[0].rows[1].cells[5]  # area, none, severe of both
    assert number(chosen["value"].mean(), 1) == cell.numbers["mean"] and len(chosen) == 3
    assert set(runs.columns) >= {"run_id", "objective", "seed", "test_occlusion", "cameras", "metric", "value", "n"}


def test_written_twice_bytes_are_equal_but_for_the_marked_block(ablation, tmp_path):
    first, second = (
        report.write(ablation.spec, uri=uri, out=tmp_path / uri, source=ablation).parent for uri in ("one", "two")
    )
    for path in sorted(p for p in first.rglob("*") if p.is_file()):
        a, b = path.read_bytes(), (second / path.relative_to(first)).read_bytes()
        if path.name == "report.html":
            a, b = a.decode(), b.decode()
            assert a.count(MACHINE[0]) == b.count(MACHINE[0]) == 1
            a, b = without_machine(a), without_machine(b)
        assert a == b, path.name


def test_no_place_or_time_outside_the_marked_block(written, tmp_path):
    for path in (p for p in written.rglob("*") if p.is_file()):
        text = path.read_bytes().decode(errors="replace")
        text = without_machine(text) if path.name == "report.html" else text
        assert str(tmp_path) not in text and "some-host" not in text
        assert not re.search(r"\d\d:\d\d UTC|<dc:date>|/CreationDate", text), path.name


def test_page_is_one_file_without_network(written):
    page = (written / "report.html").read_text()
    assert "<link" not in page and "@import" not in page and not re.search(r"<script[^>]", page)
    assert """content="default-src 'none';""" in page  # whatever a fragment asks for, browsers fetch nothing
    outside = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert "http" not in outside.replace("http-equiv", "") and not re.search(r'(?:src|href)="(?!#)', outside)
    assert page.count("<svg") == len(list((written / "figures").glob("*.svg")))
    for target in re.findall(r'<li><a href="#([^"]+)"', page):
        assert f'id="{target}"' in page


def test_figures_are_svg_with_text_that_can_be_read(written):
    for path in (written / "figures").glob("*.svg"):
        ElementTree.parse(path)
    text = (written / "figures/occlusion.svg").read_text()
    assert all(word in text for word in ("spatial", "temporal", "severe", "unseen cameras", "MPJPE, mm"))


def test_figures_say_when_arms_are_left_out(make):
    made = make({("abs" if arm == 0 else f"o{arm}", 0): 100.0 + arm for arm in range(14)})
    page = report.collect(made.spec, source=made).files()["report.html"]
    assert page.count("The first 12 of 14 arms are drawn.") == 2


def test_provenance_names_spec_code_data_and_licence(written):
    page = (written / "report.html").read_text()
    outside = without_machine(page)
    assert "abc123 (clean)" in outside and "fingerprint f00d; licence: generated by the harness" in outside
    assert "9 of 9 finished" in outside
    assert "90 s" in page and "90 s" not in outside


def test_provenance_lists_every_run_by_its_id_and_records_in_the_marked_block_alone(ablation, tmp_path):
    lost = ablation.spec.runs[-1].run_id
    ablation.frames.pop(lost)
    ablation.reasons[lost] = "ran out of memory\nTraceback"
    known = ablation.finished

    def finished(run_ids):
        for record in (records := known(run_ids)).values():
            record.licence, record.dirty = "free for research", True
            record.mlflow_id, record.started = f"m{record.run_id}", 1.7e9
            record.artifact_uri = f"mlflow-artifacts:/7/m{record.run_id}/artifacts"
        return records

    ablation.finished, ablation.spec.report.figures = finished, ["occlusion"]
    folder = report.write(ablation.spec, "http://user:secret@host:5000", tmp_path / "out", source=ablation).parent
    page = (folder / "report.html").read_text()
    outside = without_machine(page)
    for one in ablation.spec.runs:
        assert f"{one.run_id}</td>" in outside
        assert f"m{one.run_id}" not in outside
    assert f'href="http://host:5000/#/experiments/7/runs/m{ablation.spec.runs[0].run_id}"' in page
    assert "2023-11-14" in page and "2023-11-14" not in outside and "secret" not in page
    assert f"{lost}: ran out of memory" in page and "Traceback" not in page
    assert "licence: free for research" in outside and "with uncommitted changes" in outside
    states = {run["run_id"]: run["state"] for run in json.loads((folder / "report.json").read_text())["runs"]}
    assert states.pop(lost) == "failed" and set(states.values()) == {"finished"} and len(states) == 8


def test_user_files_stay_and_stale_tables_go(ablation, tmp_path):
    ablation.spec.report.figures = ["occlusion"]
    out = tmp_path / "out"
    (out / "tables").mkdir(parents=True)
    (out / "tables/mine.md").write_text("mine")
    (out / "NOTES.md").write_text("mine")
    report.write(ablation.spec, out=out, source=ablation)
    assert (out / "tables/mine.md").read_text() == "mine"  # no report of ours had written this folder before
    (out / "tables/old.tex").write_text("left by an earlier layout")
    report.write(ablation.spec, out=out, source=ablation)
    assert (out / "NOTES.md").read_text() == "mine" and not (out / "tables/old.tex").exists()
    assert not list(out.glob(".writing-*"))


def test_default_place_is_results_and_the_name_of_the_spec(ablation, tmp_path, monkeypatch):
    ablation.spec.report.figures = ["occlusion"]
    monkeypatch.chdir(tmp_path)
    assert report.write(ablation.spec, source=ablation) == Path("results/made/report.html")
    assert (tmp_path / "results/made/report.html").is_file()


def test_a_folder_that_cannot_be_written(ablation, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="the output folder can't be written"):
        report.write(ablation.spec, out=tmp_path / "file" / "out", source=ablation)


def test_special_characters_are_escaped_in_each_format():
    row = Row(("a_b & <c>|d",), (Cell("-1.0 ± 2.0 (3)", {"mean": "-1.0"}, bold=True, mark="†"),), "‡")
    shown = Table("t", "100 % of $x_1$, own − none", ("objective",), (("", "λ < 1"),), (row,))
    latex = writers.latex(shown)
    assert r"a\_b \& \textless{}c\textgreater{}|d$^{\ddagger}$" in latex
    assert r"100 \% of \$x\_1\$, own {$-$} none" in latex
    assert r"\textbf{$-$1.0 $\pm$ 2.0 (3)}$^{\dagger}$" in latex
    assert r"| a\_b & \<c>\|d‡ | **-1.0 ± 2.0 (3)**† |" in writers.markdown(shown)
    assert "a_b &amp; &lt;c&gt;|d‡" in writers.page_table(shown)


def test_numbers_that_round_to_zero_have_no_minus():
    assert (number(-0.04, 1), number(-0.004, 2, signed=True), number(1.25, 1, signed=True)) == ("0.0", "+0.00", "+1.2")


def test_report_loads_neither_torch_nor_ray_nor_mlflow():
    code = (
        "import sys, harness.report.report; "
        "sys.exit(', '.join({'torch', 'ray', 'mlflow', 'matplotlib'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
