"""A written report verified: its files against each other, and against the records where a store has them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowException

from harness import protocols
from harness.errors import UserError
from harness.report.verify import cells, claims, formats, html_page, machine, marks, records, seeds, tuning
from harness.report.verify.arithmetic import mean
from harness.report.verify.ledger import Ledger, numbers

PAGE, DATA, RUNS, TYPED, SUBJECTS = "report.html", "report.json", "runs.csv", "runs.parquet", "subjects.parquet"
_OF_RUN = ("run_id", "seed", "state", "convergence", "late_gain")  # all else in a line of ``runs`` is of its arm
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
    for name in (DATA, RUNS, TYPED, PAGE):
        _bytes(folder / name)
    try:
        return _verified(folder, spec, source)
    except (KeyError, IndexError, TypeError, ValueError, ArrowException) as error:
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise UserError(
            f"a file isn't as this version of `repose report` writes it ({why}); it writes it anew", file=str(folder)
        ) from error


def _verified(folder: Path, spec: Any, source: Any) -> Ledger:
    ledger = Ledger()
    report = json.loads(_read(folder / DATA))
    plain = _runs(folder / RUNS)
    frame = plain.astype({name: float for name in MEANS if name in plain})
    formats.runs(ledger, TYPED, plain.astype({name: float for name in MEANS}), pd.read_parquet(folder / TYPED))
    of_subjects = _subjects(folder, report)
    scale, known = report["tested"]["scale"], {**report["tested"], "arms": _arms(report)}
    for table in report["tables"]:
        behind = of_subjects if table["recipe"]["kind"] in ("new_subjects", "variance") else frame
        if behind is None:
            ledger.same("cells", SUBJECTS, "the file", "there", "missing")
            continue
        cells.check(ledger, DATA, table, behind, known)
        if table["recipe"]["kind"] == "mean":
            marks.check(ledger, DATA, table, frame, report["tested"])
        marks.falling(ledger, DATA, table, report["runs"])
        _missing(ledger, table)
    if report["claims"]:
        claims.check(ledger, DATA, report["claims"], frame, report["runs"], report["tested"].get("pilot", ()))
    counted = report.get("costs")
    uncounted = [*([report["claims"]] if report["claims"] else []), *report["tables"], *report["literature"]]
    uncounted += [report["seeds"]] if report.get("seeds") else []
    uncounted += report.get("tuning", [])
    seeds.check(ledger, DATA, report, frame, spec if source is not None else None)
    for table in [*uncounted, *([counted] if counted else [])]:
        formats.check(ledger, folder, table)
    _counts(ledger, report, plain)
    figures = {name: _read(folder / f"figures/{name}.svg") for name in report["figures"]}
    for name in figures:
        for suffix in ("svg", "pdf"):
            file = f"figures/{name}.{suffix}"
            ledger.same(
                "figures",
                file,
                "digest",
                report["figures"][name][suffix],
                hashlib.sha256(_bytes(folder / file)).hexdigest(),
            )
    html_page.check(ledger, PAGE, _read(folder / PAGE), report, figures)
    machine.check(ledger, folder, report["runs"], html_page.Page(_read(folder / PAGE)).machine, source)
    tuning.check(ledger, folder, report, spec, source)
    if counted:
        ledger.remarks.append("MACs and parameters are only compared between files: counting them needs the networks")
    if spec is not None:
        ledger.same("counts", DATA, "spec", spec.name, report["spec"])
        _protocol(ledger, report, spec)
        declared = getattr(spec, "digest", None)
        if declared is not None:
            ledger.same(
                "counts", DATA, "identity, digest of the spec", True, f"digest {declared}" in report["identity"]["spec"]
            )
    if spec is not None and source is not None:
        records.levels(ledger, DATA, report["tested"], spec)
        records.states(ledger, DATA, report["runs"], source)
        records.runs_table(ledger, RUNS, plain, spec, source, scale)
        told = list(getattr(spec, "claims", None) or ())
        shown = [row["band"] for row in report["claims"]["rows"]] if report["claims"] else []
        said = [f"{i}. {claim.text}" for i, claim in enumerate(told, 1)]
        if ledger.same("claims", DATA, "sentences", said, shown) and told:
            claims.stated(ledger, DATA, report["claims"], report["runs"], spec, source)
        if of_subjects is not None:
            records.subjects_table(ledger, SUBJECTS, of_subjects, spec, source, scale)
    else:
        records.areas(ledger, RUNS, plain, scale)
        ledger.remarks.append("the records weren't at hand: runs.csv itself is not computed again")
    return ledger


def _protocol(ledger: Ledger, report: Mapping[str, Any], spec: Any) -> None:
    """The report names the spec's protocol, and every table of chosen epochs says so."""
    told = re.split(r"[@:]", report["identity"]["protocol"])[0]  # before protocols had versions, the name alone
    ledger.same("counts", DATA, "identity, protocol", spec.test.protocol, told)
    chosen = protocols.of(spec.test.protocol).chosen_on_test
    for table in report["tables"]:
        said = any(note.startswith("CHOSEN ON TEST DATA") for note in table["notes"])
        ledger.same("counts", DATA, f"{table['name']}, chosen on test data", chosen, said)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"no report to verify: {why}; `repose report` writes it", file=str(path)) from None


def _read(path: Path) -> str:
    return _bytes(path).decode()


def _runs(path: Path) -> pd.DataFrame:
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
    """Arms, runs and seeds that the summary counts, and what arms gained late that were still falling."""
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
        part for line in report["warnings"] for part in re.findall(r"\((\d+) of (\d+) runs, (\S+) mm gained late", line)
    ]
    falling = {arm: [run for run in of if run["convergence"] == "still falling"] for arm, of in done.items()}
    slow = [(of, len(done[arm])) for arm, of in falling.items() if of]
    ledger.same("counts", DATA, "arms still falling", [(str(len(of)), str(n)) for of, n in slow], [t[:2] for t in told])
    for (of, _), (_, _, gain) in zip(slow, told, strict=False):
        ledger.printed("counts", DATA, "gained late", mean([run["late_gain"] for run in of]), gain)


def _ids(done: Mapping[Any, list[Mapping[str, Any]]]) -> set[str]:
    return {run["run_id"] for of in done.values() for run in of}
