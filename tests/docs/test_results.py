"""The numbers that the index and the findings quote are the reports'."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"
INDEX = (RESULTS / "README.md").read_text(encoding="utf-8")
FINDINGS = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
IGNORED = re.findall(r"^/results/(\w+)/$", (ROOT / ".gitignore").read_text(encoding="utf-8"), flags=re.MULTILINE)
"""Made anew on every machine, by `make quickstart` and the tests."""
STUDIES = sorted({file.parent.name for file in RESULTS.glob("*/report.json")} - set(IGNORED))
NUMBER = r"([+−-]?\d+\.\d+)"
QUOTED = re.compile(rf"{NUMBER} (?:mm )?\[{NUMBER}, {NUMBER}\]")
PRINTED = re.compile(rf"{NUMBER}[^\[\d]*\[{NUMBER}, {NUMBER}\]")
Interval = tuple[float, float, float]


def _numbers(found: tuple[str, ...]) -> Interval:
    mean, low, high = (float(one.replace("−", "-")) for one in found)
    return mean, low, high


@cache
def printed(study: str) -> frozenset[Interval]:
    """Every difference with an interval that a report prints, either way round: a loss of 2 is a gain of −2."""
    found = map(_numbers, PRINTED.findall((RESULTS / study / "report.json").read_text(encoding="utf-8")))
    return frozenset(way for mean, low, high in found for way in ((mean, low, high), (-mean, -high, -low)))


def unknown(text: str, studies: list[str]) -> list[Interval]:
    """The quoted differences that none of these reports prints, to the decimals that are quoted."""
    there = {one for study in studies for one in printed(study)}
    quoted = map(_numbers, QUOTED.findall(text))
    return [
        one for one in quoted if not any(all(abs(a - b) < 0.0501 for a, b in zip(one, it, strict=True)) for it in there)
    ]


def rows() -> dict[str, str]:
    return {found[1]: found[0] for found in re.finditer(r"^\| \[(\w+)\]\(.*$", INDEX, flags=re.MULTILINE)}


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", INDEX, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_report_has_a_row_and_a_section_and_the_name_of_its_study():
    assert sorted(rows()) == STUDIES and set(STUDIES) <= set(sections())
    for study in STUDIES:
        assert json.loads((RESULTS / study / "report.json").read_text(encoding="utf-8"))["spec"] == study


@pytest.mark.parametrize("study", STUDIES)
def test_every_interval_that_the_index_quotes_is_printed_by_its_report(study):
    assert unknown(rows()[study] + sections()[study], [study]) == []


def test_every_interval_that_the_findings_quote_is_printed_by_a_report():
    assert QUOTED.search(FINDINGS) is not None
    assert unknown(FINDINGS, STUDIES) == []


def test_an_interval_that_no_report_prints_would_be_found():
    study = STUDIES[0]
    mean, low, high = sorted(printed(study))[0]
    assert unknown(f"{mean:.2f} [{low:.2f}, {high:.2f}]", [study]) == []
    assert unknown(f"{mean - 1:.2f} mm [{low - 1:.2f}, {high:.2f}]", [study]) != []
