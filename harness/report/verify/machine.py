"""The table of the machine's block: its files against each other and the page, and its numbers against the records."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.report.verify import formats, html_page
from harness.report.verify.ledger import Ledger

KIND, FOLDER, NAME = "machine", "machine", "cost_measured"
_COLUMNS = ("cost.predict_bytes", "cost.step_bytes", "cost.predict_per_second", "cost.step_per_second")
_SCALE = {"bytes": 1e-6}


def check(ledger: Ledger, folder: Path, runs: list[Mapping[str, Any]], page: list[str], source: Any = None) -> None:
    """Compare the table of memory and throughput with its other formats, the page, and the figures runs left.

    Args:
        folder: the report's.
        runs: as ``report.json`` lists them.
        page: every text of the page's marked block, in order.
        source: as `harness.report.collect` takes it; None compares no records.
    """
    path = folder / FOLDER / f"{NAME}.json"
    if not path.exists():
        title = "Peak memory and throughput of the networks"
        ledger.same(KIND, str(path.relative_to(folder)), "the file", title in page, False)
        return
    table = json.loads(path.read_text(encoding="utf-8"))
    formats.check(ledger, folder, table, place=FOLDER)
    shown = html_page.table_texts(table)
    start = page.index(table["title"]) if table["title"] in page else len(page)
    ledger.same(KIND, "report.html", NAME, shown, page[start : start + len(shown)])
    if source is not None:
        _numbers(ledger, f"{FOLDER}/{NAME}.json", table, runs, source)


def _numbers(ledger: Ledger, file: str, table: Mapping[str, Any], runs: list[Mapping[str, Any]], source: Any) -> None:
    """Medians, of the runs that a row's keys name."""
    done = [run["run_id"] for run in runs if run["state"] == "finished"]
    summaries, records = source.summaries(done), source.finished(done)
    for row in table["rows"]:
        named = dict(zip(table["keys"], row["keys"], strict=True))
        hardware, batch = named.pop("hardware"), named.pop("batch")
        mine = []
        for run in (run for run in runs if run["run_id"] in summaries):
            figures, record = summaries[run["run_id"]], records.get(run["run_id"])
            measured = "cost.batch" in figures and f"{figures['cost.batch']:.0f}" == batch
            if measured and (getattr(record, "hardware", None) or "not recorded") == hardware:
                mine += [figures] if all(str(run.get(axis, "-")) == value for axis, value in named.items()) else []
        where = " · ".join(row["keys"])
        *cells, counted = row["cells"]
        ledger.same(KIND, file, f"{where}, runs", str(len(mine)) if mine else "not measured", counted["text"])
        for name, cell in zip(_COLUMNS, cells, strict=True):
            values = [figures[name] * _SCALE.get(name.rpartition("_")[2], 1) for figures in mine if name in figures]
            if values:
                ledger.printed(KIND, file, f"{where}, {name}", statistics.median(values), cell["text"])
            else:
                ledger.same(KIND, file, f"{where}, {name}", "–" if mine else "not measured", cell["text"])
