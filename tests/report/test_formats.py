"""The same numbers in all formats: each is read back and compared, cell by cell."""

import csv
import html
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness import report
from harness.report.evidence import Arm, Evidence
from harness.report.report import Report

_TEX = ((r"$^{\dagger}$", "†"), (r"$^{\ddagger}$", "‡"), (r"$\pm$", "±"), (r"\textless{}", "<"), ("$-$", "-"))
MEGABYTE = 2**20


def grids(folder, page, name):
    """Format → rows of key and cell texts as a reader sees them, marks included."""
    markdown = [line for line in (folder / f"tables/{name}.md").read_text().splitlines() if line.startswith("|")][2:]
    latex = (folder / f"tables/{name}.tex").read_text().split("\\midrule\n")[1].split("\n\\bottomrule")[0]
    for written, shown in _TEX:
        latex = latex.replace(written, shown)
    body = page.split(f'<section id="{name}">')[1].split("<tbody>")[1].split("</tbody>")[0]
    whole = next(t for t in json.loads((folder / "report.json").read_text())["tables"] if t["name"] == name)
    alone = json.loads((folder / f"tables/{name}.json").read_text())
    assert alone == whole
    wide = len(alone["columns"])
    with (folder / f"tables/{name}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    typed = pq.read_table(folder / f"tables/{name}.parquet").to_pylist()
    return {
        "md": [[re.sub(r"\\(.)", r"\1", part.replace("**", "")) for part in x[2:-2].split(" | ")] for x in markdown],
        "tex": [
            [
                re.sub(r"\\textbf\{([^}]*)\}", r"\1", part).replace("\\", "").replace("--", "–")
                for part in x.split(" & ")
            ]
            for x in latex.removesuffix(r" \\").split(" \\\\\n")
        ],
        "html": [
            [html.unescape(re.sub(r"<[^>]*>", "", part)) for part in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", body)
        ],
        "json": [row["keys"] + [cell["text"] + cell["mark"] for cell in row["cells"]] for row in alone["rows"]],
        "csv": _long(lines, alone["keys"], wide),
        "parquet": _long(typed, alone["keys"], wide),
    }


def _long(lines, heads, wide):
    groups = [lines[i : i + wide] for i in range(0, len(lines), wide)]
    return [[g[0][head] for head in heads] + [unsigned(line["text"] + line["mark"]) for line in g] for g in groups]


def unsigned(text):
    """Without the sign of a row, which data formats give in a field of its own."""
    return text.replace("‡", "")


@pytest.fixture
def written(ablation, tmp_path):
    one = ablation.spec.runs[3]  # an arm with a sign behind its name
    ablation.figures[one.run_id] = {"late_gain": 3.0, "falling": 1.0}
    ablation.spec.report.figures = ["occlusion"]
    ablation.frames.pop(ablation.spec.runs[-1].run_id)
    return report.write(ablation.spec, out=tmp_path / "out", source=ablation).parent


def test_all_formats_read_back_to_the_same_cells(written, ablation):
    page = (written / "report.html").read_text()
    shown = report.collect(ablation.spec, source=ablation).tables
    assert len(shown) >= 5
    for table in shown:
        expected = [
            [key + row.mark * (i == row.marked) for i, key in enumerate(row.keys)]
            + [cell.text + cell.mark for cell in row.cells]
            for row in table.rows
        ]
        for name, grid in grids(written, page, table.name).items():
            data = name in ("json", "csv", "parquet")
            assert grid == ([list(map(unsigned, row)) for row in expected] if data else expected), (table.name, name)


def test_numbers_apart_are_those_of_the_text(written):
    for path in sorted((written / "tables").glob("*.json")):
        table = json.loads(path.read_text())
        typed = pq.read_table(path.with_suffix(".parquet")).to_pylist()
        with path.with_suffix(".csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        cells = [cell for row in table["rows"] for cell in row["cells"]]
        assert len(cells) == len(lines) == len(typed)
        for cell, line, record in zip(cells, lines, typed, strict=True):
            for name, value in cell["numbers"].items():
                assert record[name] == value and type(record[name]) is type(value)
                assert line[name] == value if isinstance(value, str) else float(line[name]) == value
                if name in ("mean", "difference", "low", "high", "half_width", "n"):
                    assert line[name] in cell["text"]


def test_runs_as_parquet_are_runs_as_csv(written):
    plain, typed = pd.read_csv(written / "runs.csv"), pd.read_parquet(written / "runs.parquet")
    assert list(plain.columns) == list(typed.columns) and len(plain) == len(typed)
    for name in plain:
        assert (plain[name].astype(str) == typed[name].astype(str)).all(), name


def thousand_runs():
    """200 arms of five seeds with every metric, made of nothing."""
    draw = np.random.default_rng(0)
    names, levels, cameras = [f"arm{i:03d}" for i in range(200)], ("none", "minor", "moderate", "severe"), ("a", "b")
    metrics = ["mpjpe", "p_mpjpe", "mpjve", "pck150", "depth_spread", *["order_spatial"] * 5]
    groups = ["all"] * 5 + ["all", "0-50 mm", "50-100 mm", "occluded", "occluded 0-50 mm"]
    shape = (len(names), 5, len(levels), len(cameras), len(metrics))
    a, s, level, c, m = (index.ravel() for index in np.indices(shape))
    ids = np.array([f"{i:016x}" for i in range(1000)])
    value = (100 + draw.normal(size=a.size)).round(4)
    columns = {
        "run_id": pd.Categorical(ids[5 * a + s]),
        "objective": pd.Categorical(np.array(names)[a]),
        "seed": s,
        "weights": pd.Categorical(["best"] * a.size),
        "test_occlusion": pd.Categorical(np.array(levels)[level]),
        "cameras": pd.Categorical(np.array(cameras)[c]),
        "metric": pd.Categorical(np.array(metrics)[m]),
        "group": pd.Categorical(np.array(groups)[m]),
        **dict.fromkeys(("value", "per_action", "per_frame"), value),
        "n": 100,
        "subjects": 6,
    }
    arms = tuple(
        Arm({"objective": name}, 3000, {seed: str(ids[5 * i + seed]) for seed in range(5)}, tuple(range(5)))
        for i, name in enumerate(names)
    )
    curves = {str(run_id): np.column_stack([np.arange(100), draw.normal(size=100)]) for run_id in ids}
    frame, baseline = pd.DataFrame(columns), {"objective": names[0]}
    return Evidence(frame, arms, ("objective",), levels, cameras, "mean-per-subject", baseline, curves=curves)


def test_page_of_a_thousand_runs_is_below_five_megabytes():
    spec = SimpleNamespace(name="big", runs=[], report=SimpleNamespace())
    page = report.report.page("big", [], [], Report(spec, thousand_runs()).sections())
    assert MEGABYTE / 4 < len(page.encode()) < 5 * MEGABYTE
    assert all(f"arm{i:03d}" in page for i in range(200))
