"""Every table of a report, set by a real LaTeX."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

DOCUMENT = r"""\documentclass{{article}}
\usepackage[paperwidth=900mm,paperheight=500mm,margin=5mm]{{geometry}}
\usepackage{{booktabs,longtable}}
\begin{{document}}
{tables}
\end{{document}}
"""


def compiled(folder: Path, tables: list[Path]) -> tuple[str, str]:
    """LaTeX's log, and the text of the pages."""
    inputs = "\n\\clearpage\n".join(rf"\input{{{table}}}" for table in tables)
    (folder / "paper.tex").write_text(DOCUMENT.format(tables=inputs), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    log = (folder / "paper.log").read_text(errors="replace")
    assert done.returncode == 0, "\n".join(line for line in log.splitlines() if line.startswith(("!", "l.")))
    text = subprocess.run(["pdftotext", "-layout", "paper.pdf", "-"], cwd=folder, capture_output=True, text=True)
    return log, text.stdout


def reports(swept: Path) -> list[Path]:
    """The report of fresh runs, and those the repository ships."""
    shipped = Path(__file__).parents[2] / "results"
    return [swept / "results" / "smoke", *sorted(path.parent for path in shipped.glob("*/report.html"))]


def test_all_tables_compile_and_print_their_numbers(swept, tmp_path):
    for report in reports(swept):
        tables = sorted((report / "tables").glob("*.tex"))
        assert tables, report
        folder = tmp_path / report.name
        folder.mkdir()
        log, text = compiled(folder, tables)
        assert "Missing character" not in log and "undefined" not in log, report
        for table in tables:
            for found in re.findall(r"\d+\.\d+", table.read_text(encoding="utf-8").partition(r"\midrule")[2]):
                assert found in text, f"{table.name}: {found} isn't on the page"
