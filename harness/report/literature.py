"""Published numbers in a table of their own: never in bold, never compared, never in a table of measured ones."""

from __future__ import annotations

import re
from typing import Any

from harness.report.records import option
from harness.report.selection import metric
from harness.report.table import Cell, Row, Table, number
from harness.spec import published
from harness.spec.report_section import Published

TITLE = "Published, not measured here"
KIND = "published"
_ALWAYS = (
    "Each number as its source prints it, under the source's own protocol, detector and data: it compares with nothing "
    "measured here. ~ is the source's own.",
    "What moves such numbers, by published accounts: whether the root is set to zero; the mean over actions or over "
    "frames; the epoch chosen on the test set, as two widely used trainers do (0.7 mm too low); the 2D detector.",
)


def tables(section: Any) -> list[Table]:
    """The table of the published numbers that a report section names; none if it names none.

    Raises:
        UserError: a name that no shipped number has.
    """
    found = published.chosen(list(option(section, "reference", [])))
    return [table(found)] if found else []


def table(found: list[Published]) -> Table:
    """One row a number, its source beside it; what contradicts it as a footnote."""
    metrics = list(dict.fromkeys(entry.metric for entry in found))
    remarks: list[str] = []
    rows = []
    for entry in found:
        said = [text for text in (entry.note, entry.contradicts) if text]
        remarks += [text for text in said if text not in remarks]
        mark = "".join(f" [{remarks.index(text) + 1}]" for text in said)
        cells = tuple(_cell(entry) if name == entry.metric else Cell("") for name in metrics)
        rows.append(Row((entry.label, entry.dataset, entry.protocol, entry.detector, entry.source), cells, mark))
    disputed = {entry.contradicts for entry in found}
    notes = [
        f"[{i}] {'Contradicted: ' if text in disputed else ''}{_sentence(text)}" for i, text in enumerate(remarks, 1)
    ]
    columns = tuple(("", metric(name).head) for name in metrics)
    keys = ("what", "dataset", "protocol", "2D detector", "source")
    return Table(KIND, TITLE, keys, columns, tuple(rows), (*_ALWAYS, *notes), kind=KIND)


def _cell(entry: Published) -> Cell:
    # Never fewer decimals than the number came with.
    fraction = f"{entry.value:.10g}".partition(".")[2]
    value = number(entry.value, max(metric(entry.metric).decimals, len(fraction)))
    return Cell(f"~{value}" if entry.about else value, {"value": value})


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if text.endswith((".", "!", "?")) else text + "."
