"""The table of faults in docs/reliability.md: each row says what is lost and repeated, and names tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLUMNS = ["fault", "what happens", "results lost", "repeated", "test"]


def rows() -> list[dict[str, str]]:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    lines = [line for line in text.partition("## Faults and their tests")[2].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells[2:]]


@cache
def _within(file: str) -> set[str]:
    return set(re.findall(r"^def (test_\w+)\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["fault"][:40])
def test_a_fault_loses_no_result_and_names_tests_that_exist(row):
    named = [cell.strip("`").partition("::") for cell in row["test"].split("<br>")]
    assert [name for file, _, name in named if name not in _within(file)] == []
    assert row["results lost"] == "nothing" and row["what happens"] and row["repeated"]


@pytest.mark.parametrize(
    "words",
    [
        "dies for 30 s",
        "the disk fills",
        "the database is locked",
        "an import fails",
        "more than its time or memory",
        "clocks of two machines",
        "the code changes",
        "a node dies",
        "the driver dies",
        "to a study's driver",
    ],
)
def test_no_fault_is_left_out(words):
    assert any(words in row["fault"] for row in rows())
