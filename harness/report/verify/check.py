"""A written report verified: its files against each other, and against the records where a store has them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.report.verify import cells, claims, formats, html_page, marks, records
from harness.report.verify.arithmetic import mean
from harness.report.verify.ledger import Ledger, numbers

PAGE, DATA, RUNS, TYPED, SUBJECTS = "report.html", "report.json", "runs.csv", "runs.parquet", "subjects.parquet"
_OF_RUN = ("run_id", "seed", "state", "convergence", "slope")  # all else in a line of ``runs`` is of its arm
MEANS = ("value", "per_action", "per_frame")


def verify(folder: Path, spec: Any = None, source: Any = None) -> Ledger:
    """Compute every number of a report again.

    Args:
        folder: where the report was written.
        spec: the loaded spec it is of; with ``source``, `runs.csv` is computed from its finished runs' records.
        source: as `harness.report.collect` takes it; None compares the files with each other alone.

    Raises:
        UserError: there is no report in the folder, or a file of it can't be read at all.
    """
    ledger = Ledger()
    report = json.loads(_read(folder / DATA))
    plain = _runs(folder / RUNS)
    frame = plain.astype({name: float for name in MEANS if name in plain})
    formats.runs(ledger, TYPED, plain.astype({name: float for name in MEANS}), pd.read_parquet(folder / TYPED))
    of_subjects = _subjects(folder, report)
    scale, known = report["tested"]["scale"], {**report["tested"], "arms": _arms(report)}
    for table in report["tables"]:
        new = table["recipe"]["kind"] == "new_subjects"
        behind = of_subjects if new else frame
        if behind is None:
            ledger.same("cells", SUBJECTS, "the file", "there", "missing")
            continue
        cells.check(ledger, DATA, table, behind, known)
        if table["recipe"]["kind"] == "mean":
            marks.check(ledger, DATA, table, frame, report["tested"])
        _missing(ledger, table)
    if report["claims"]:
        claims.check(ledger, DATA, report["claims"], frame, report["runs"])
    counted = report.get("costs")
    uncounted = [*([report["claims"]] if report["claims"] else []), *report["tables"], *report["literature"]]
    for table in [*uncounted, *([counted] if counted else [])]:
        formats.check(ledger, folder, table)
    _counts(ledger, report, plain)
    figures = {name: _read(folder / f"figures/{name}.svg") for name in report["figures"]}
    for name, svg in figures.items():
        digest = hashlib.sha256(svg.encode()).hexdigest()
        ledger.same("figures", f"figures/{name}.svg", "digest", report["figures"][name]["svg"], digest)
    html_page.check(ledger, PAGE, _read(folder / PAGE), report, figures)
    if counted:
        ledger.remarks.append("MACs and parameters are only compared between files: counting them needs the networks")
    if spec is not None:
        ledger.same("counts", DATA, "spec", spec.name, report["spec"])
        declared = getattr(spec, "digest", None)
        if declared is not None:
            ledger.same(
                "counts", DATA, "identity, digest of the spec", True, f"digest {declared}" in report["identity"]["spec"]
            )
    if spec is not None and source is not None:
        records.runs_table(ledger, RUNS, plain, spec, source, scale)
        if report["claims"] and spec.claims:
            claims.stated(ledger, DATA, report["claims"], report["runs"], spec, source)
        if of_subjects is not None:
            records.subjects_table(ledger, SUBJECTS, of_subjects, spec, source, scale)
    else:
        records.areas(ledger, RUNS, plain, scale)
        ledger.remarks.append("the records weren't at hand: runs.csv itself is not computed again")
    return ledger


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"no report to verify: {why}; `repose report` writes it", file=str(path)) from None


def _runs(path: Path) -> pd.DataFrame:
    _read(path)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _subjects(folder: Path, report: Mapping[str, Any]) -> pd.DataFrame | None:
    """`subjects.parquet` with the runs' axes, names as text."""
    path = folder / SUBJECTS
    if not path.exists():
        return None
    names = [name for name in (report["runs"] or [{}])[0] if name not in _OF_RUN or name in ("run_id", "seed")]
    labels = pd.DataFrame([{name: str(run[name]) for name in names} for run in report["runs"]])
    return labels.merge(pd.read_parquet(path), on="run_id", how="inner")


def _arms(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """Axis → value of every arm, finished or not."""
    every = [{name: str(value) for name, value in run.items() if name not in _OF_RUN} for run in report["runs"]]
    return [dict(one) for one in dict.fromkeys(tuple(arm.items()) for arm in every)]


def _missing(ledger: Ledger, table: Mapping[str, Any]) -> None:
    """The footnote counts the cells that are missing."""
    missing = sum(cell["missing"] for row in table["rows"] for cell in row["cells"])
    of = len(table["rows"]) * len(table["columns"])
    said = [found for note in table["notes"] for found in re.findall(r"^(\d+) of (\d+) cells are missing", note)]
    ledger.same("counts", DATA, f"{table['name']}, missing", [(str(missing), str(of))] if missing else [], said)


def _counts(ledger: Ledger, report: Mapping[str, Any], runs: pd.DataFrame) -> None:
    """Arms, runs and seeds that the summary counts, and slopes of arms that were still falling."""
    arms: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for run in report["runs"]:
        axes = [name for name in run if name not in _OF_RUN]
        arms.setdefault(tuple(run[name] for name in axes), []).append(run)
    done = {arm: [run for run in of if run["state"] == "finished"] for arm, of in arms.items()}
    finished = sum(map(len, done.values()))
    seeds = sorted({len(of) for of in done.values()})
    expected = [len(arms), finished, len(report["runs"]), *(seeds if len(seeds) < 2 else (seeds[0], seeds[-1]))]
    counted = re.match(r"(\d+) arms, (\d+) of (\d+) runs finished, (\d+)(?: to (\d+))? seeds", report["summary"][0])
    found = [int(part) for part in counted.groups() if part] if counted else []
    ledger.same("counts", DATA, "summary", expected, found)
    ledger.same("counts", DATA, "runs with values", True, set(runs["run_id"]) <= _ids(done))
    stated = numbers(report["identity"]["runs"])[:2]
    ledger.same("counts", DATA, "identity, runs", [str(finished), str(len(report["runs"]))], stated)
    told = [
        part for line in report["warnings"] for part in re.findall(r"\((\d+) of (\d+) runs, (\S+) mm per 1,000", line)
    ]
    falling = {arm: [run for run in of if run["convergence"] == "still falling"] for arm, of in done.items()}
    slow = [(of, len(done[arm])) for arm, of in falling.items() if of]
    ledger.same("counts", DATA, "arms still falling", [(str(len(of)), str(n)) for of, n in slow], [t[:2] for t in told])
    for (of, _), (_, _, slope) in zip(slow, told, strict=False):
        ledger.printed("counts", DATA, "slope", mean([run["slope"] for run in of]), slope)


def _ids(done: Mapping[Any, list[Mapping[str, Any]]]) -> set[str]:
    return {run["run_id"] for of in done.values() for run in of}
