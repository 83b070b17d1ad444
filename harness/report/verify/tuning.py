"""The tables of a study computed again from ``study.json`` and the runs' final figures."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report.verify import arithmetic as own
from harness.report.verify import cells
from harness.report.verify.ledger import Ledger
from harness.spec import study_file

KIND, DATA, STUDY, RECORDS = "tuning", "report.json", "study.json", "study records"
AXIS, TUNED, MEASURE, FIGURE = "tuned", "tuned", "val_mpjpe", "val_mpjpe_best"
STATES = {"ended": "COMPLETE", "stopped early": "PRUNED", "failed": "FAIL"}
BUDGET = {"trials": "trials", "hours": "hours", "GPU hours": "gpu_hours"}
OWN = "the spec's own"
SLACK = 5e-7
"""Of a trial's value: it went through a database, or is kept with fewer digits."""
Json = Mapping[str, Any]


def check(ledger: Ledger, folder: Path, report: Json, spec: Any = None, source: Any = None) -> None:
    """Compare the tables of the report's study with its file, and the file with the records of its runs.

    Args:
        ledger: takes what is found.
        folder: the report's.
        report: ``report.json``.
        spec, source: as for `harness.report.verify.verify`.
    """
    told, file = report.get("study"), _file(folder, spec)
    if told is None:
        if spec is not None:
            ledger.same(KIND, DATA, "a study", file is not None, False)
        return
    if file is None:
        ledger.remarks.append(f"the study of {told['spec']} wasn't at hand: its tables are only compared between files")
        return
    content = file.read_bytes()
    if not ledger.same(KIND, STUDY, "digest", told["digest"], hashlib.sha256(content).hexdigest()):
        return
    study = json.loads(content)
    ledger.same(KIND, DATA, "name of the study", study["spec"], told["spec"])
    for arm in study["arms"]:
        ledger.same(KIND, STUDY, f"{_said(arm)}, best trials", _best(study, arm), sorted(arm["best"]))
    tables = {table["name"]: table for table in report["tuning"]}
    _budgets(ledger, tables["tuning"], study)
    _found(ledger, tables["tuning_found"], study, told["pick"])
    if ledger.same(
        KIND, DATA, "importance", any(arm["importance"] for arm in study["arms"]), "tuning_importance" in tables
    ) and (table := tables.get("tuning_importance")):
        _importance(ledger, table, study)
    if source is None:
        return
    _records(ledger, study, source)
    if "tuning_fresh" in tables:
        _fresh(ledger, tables["tuning_fresh"], study, told["pick"], report, source)
    else:
        _no_fresh(ledger, study, report["runs"])


def _file(folder: Path, spec: Any) -> Path | None:
    """Where the study lies: what the spec took its values from, else its own, else what lies in the folder."""
    used = getattr(getattr(spec, "tuned", None), "path", None)
    if used is not None:
        return Path(used)
    if spec is None:
        return folder / STUDY if (folder / STUDY).exists() else None
    if getattr(spec, "study", None) is None:
        return None
    found = study_file.locate(spec.name, Path(spec.path).parent)
    return found if found.exists() else None


def _best(study: Json, arm: Json) -> list[int]:
    """Numbers of the ended trials that no other beats in all metrics; of equals in a single one the first."""
    signs = [-1 if metric["direction"] == "maximize" else 1 for metric in study["study"]["metrics"]]
    points = {
        trial["number"]: [sign * value for sign, value in zip(signs, trial["values"], strict=True)]
        for trial in arm["trials"]
        if trial["state"] == "COMPLETE"
    }
    if len(signs) == 1:
        return [min(points, key=lambda number: (points[number], number))] if points else []
    return sorted(
        number
        for number, point in points.items()
        if not any(
            other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in points.values()
        )
    )


def _taken(study: Json, arm: Json, pick: str | None) -> Json | None:
    """The trial whose values are used."""
    names = [metric["name"] for metric in study["study"]["metrics"]]
    at = names.index(pick) if pick else 0
    sign = -1 if study["study"]["metrics"][at]["direction"] == "maximize" else 1
    mine = [trial for trial in arm["trials"] if trial["number"] in arm["best"]]
    return min(mine, key=lambda trial: (sign * trial["values"][at], trial["number"]), default=None)


def _key(table: Json, arm: Json) -> list[str]:
    return [arm["arm"].get(axis, "its one arm") for axis in table["keys"] if axis != "trial"]


def _rows(ledger: Ledger, table: Json, expected: Sequence[Sequence[str]]) -> bool:
    return ledger.same(
        KIND, DATA, f"{table['name']}, rows", list(map(list, expected)), [r["keys"] for r in table["rows"]]
    )


def _cells(table: Json, row: Json) -> Iterator[tuple[str, str, str, Json]]:
    """Name, group, label and cell of each column of a row."""
    for head, cell in zip(table["columns"], row["cells"], strict=True):
        yield f"{table['name']}, {' · '.join(row['keys'])}, {head['label']}", head["group"], head["label"], cell


def _number(ledger: Ledger, name: str, expected: float | None, cell: Json) -> None:
    """A cell that holds one number, or none."""
    if expected is None:
        ledger.same(KIND, DATA, name, "–", cell["text"])
        ledger.same(KIND, DATA, f"{name}, kept apart", {}, dict(cell["numbers"]))
        return
    ledger.printed(KIND, DATA, name, expected, cell["text"])
    apart = cell["numbers"].get("value")
    ledger.same(KIND, DATA, f"{name}, kept apart", float(cell["text"].replace(",", "")), apart)


def _budgets(ledger: Ledger, table: Json, study: Json) -> None:
    if not _rows(ledger, table, [_key(table, arm) for arm in study["arms"]]):
        return
    for row, arm in zip(table["rows"], study["arms"], strict=True):
        mine = [trial for trial in arm["trials"] if not trial.get("reused")]
        spent = {
            "runs": len({run for trial in mine for run in trial["runs"]}),
            "hours": arm["seconds"] / 3600,
            "GPU hours": arm["gpu_hours"],
        }
        for name, group, label, cell in _cells(table, row):
            if group == "budget":
                expected = study["study"]["budget"][BUDGET[label]]
            elif group == "spent":
                expected = spent[label]
            elif label in STATES:
                expected = sum(trial["state"] == STATES[label] for trial in mine)
            else:
                expected = len(arm["trials"]) - len(mine)
            _number(ledger, name, float(expected), cell)


def _found(ledger: Ledger, table: Json, study: Json, pick: str | None) -> None:
    expected: list[tuple[list[str], Json | None, Json | None, str]] = []
    for arm in study["arms"]:
        before, taken = arm["default"], _taken(study, arm, pick)
        expected.append(([*_key(table, arm), OWN], before, None, ""))
        for trial in (trial for trial in arm["trials"] if trial["number"] in arm["best"]):
            if before is None or trial["params"] != before["params"]:
                sign = "†" if len(arm["best"]) > 1 and trial is taken else ""
                expected.append(([*_key(table, arm), f"trial {trial['number']}"], trial, before, sign))
    if not _rows(ledger, table, [key for key, *_ in expected]):
        return
    metrics, fields = study["study"]["metrics"], list(study["study"]["space"])
    for row, (_, trial, before, sign) in zip(table["rows"], expected, strict=True):
        ledger.same(KIND, DATA, f"{table['name']}, {' · '.join(row['keys'])}, taken", sign, row["mark"])
        named = list(_cells(table, row))
        values = trial["values"] if trial is not None else None
        base = before["values"] if before is not None else None
        for i in range(len(metrics)):
            (name, _, _, cell), (less, _, _, gain) = named[2 * i], named[2 * i + 1]
            _number(ledger, name, None if values is None else values[i], cell)
            _number(ledger, less, None if values is None or base is None else values[i] - base[i], gain)
        params = trial["params"] if trial is not None else {}
        for field, (name, _, _, cell) in zip(fields, named[2 * len(metrics) :], strict=True):
            ledger.same(KIND, DATA, name, _text(params[field]) if field in params else "–", cell["text"])
            plain = isinstance(params.get(field), int | float) and not isinstance(params[field], bool)
            ledger.same(
                KIND, DATA, f"{name}, kept apart", float(cell["text"]) if plain else None, cell["numbers"].get("value")
            )


def _importance(ledger: Ledger, table: Json, study: Json) -> None:
    told = [arm for arm in study["arms"] if arm["importance"]]
    if not _rows(ledger, table, [_key(table, arm) for arm in told]):
        return
    fields = [field for field in study["study"]["space"] if any(field in arm["importance"] for arm in told)]
    for row, arm in zip(table["rows"], told, strict=True):
        for field, (name, _, _, cell) in zip(fields, _cells(table, row), strict=True):
            share = arm["importance"].get(field)
            _number(ledger, name, None if share is None else 100 * share, cell)


def _records(ledger: Ledger, study: Json, source: Any) -> None:
    """Compare trials' values with the mean of their runs' figures, where the metric is what runs keep."""
    for i, metric in enumerate(study["study"]["metrics"]):
        if metric["name"] != MEASURE or metric.get("levels") is not None:
            continue
        for arm in study["arms"]:
            done = [trial for trial in arm["trials"] if trial["values"] is not None]
            figures = source.summaries(list(source.finished([run for trial in done for run in trial["runs"]])))
            for trial in done:
                values = [figures[run][FIGURE] for run in trial["runs"] if FIGURE in figures.get(run, {})]
                if values and len(values) == len(trial["runs"]):
                    near = math.isclose(own.mean(values), trial["values"][i], rel_tol=SLACK)
                    name = f"{_said(arm)}, trial {trial['number']}, {MEASURE}"
                    shown = own.mean(values) if not near else trial["values"][i]
                    ledger.same(RECORDS, STUDY, name, shown, trial["values"][i])


def _fresh(ledger: Ledger, table: Json, study: Json, pick: str | None, report: Json, source: Any) -> None:
    runs, pilot = report["runs"], report["tested"].get("pilot")
    done = [run for run in runs if run["state"] == "finished"]
    figures = source.summaries([run["run_id"] for run in done])
    mpjpe = [i for i, metric in enumerate(study["study"]["metrics"]) if metric["name"] == MEASURE]
    place = next((i for i in mpjpe if not study["study"]["metrics"][i].get("levels")), mpjpe[0])
    for row in table["rows"]:
        key = dict(zip(table["keys"], row["keys"], strict=True))
        arms = [run for run in runs if all(str(run[axis]) == value for axis, value in key.items())]
        sides: dict[bool, dict[Any, float]] = {True: {}, False: {}}
        for run in (run for run in arms if run["state"] == "finished"):
            if math.isfinite(value := figures.get(run["run_id"], {}).get(FIGURE, math.nan)):
                sides[str(run[AXIS]) == TUNED][run["seed"]] = value
        fits = [arm for arm in study["arms"] if arms and _fits(arm, arms[0])]
        where = f"{table['name']}, {' · '.join(row['keys'])}"
        if not ledger.same(KIND, DATA, f"{where}, arms of the study", 1, len(fits)):
            continue
        arm, best = fits[0], _taken(study, fits[0], pick)
        before = arm["default"]["values"][place] if arm["default"] and arm["default"]["values"] else None
        promised = best["values"][place] if best else None
        kept, tuned = sides[False], sides[True]
        same = not tuned and best is not None and arm["default"] and best["params"] == arm["default"]["params"]
        tuned = kept if same else tuned
        both = {} if same else {seed: tuned[seed] - kept[seed] for seed in tuned if seed in kept}
        pairs, first = own.leading(both, pilot)
        named = list(_cells(table, row))
        gain = None if same or before is None or promised is None else promised - before
        for at, value in ((0, before), (3, promised), (6, gain)):
            _number(ledger, named[at][0], value, named[at][3])
        wanted = {
            1: cells.of_mean(*own.leading(kept, pilot)),
            2: _shift(kept, before, pilot),
            4: cells.of_mean(*own.leading(tuned, pilot)),
            5: _shift(tuned, promised, pilot),
            7: cells.of_difference(pairs, math.nan, "lower", pilot=first) if pairs else None,
        }
        for at, expected in wanted.items():
            cells.compare(ledger, DATA, named[at][0], named[at][3], expected)


def _no_fresh(ledger: Ledger, study: Json, runs: Sequence[Json]) -> None:
    """Without a table of fresh seeds there must be nothing that it could show."""
    kept = [metric for metric in study["study"]["metrics"] if metric["name"] == MEASURE and not metric.get("levels")]
    there = [run["run_id"] for run in runs if run.get(AXIS) == TUNED and run["state"] == "finished"]
    ledger.same(KIND, DATA, "runs with tuned values that no table shows", [], there if kept else [])


def _shift(values: Mapping[Any, float], before: float | None, pilot: Sequence[int] | None) -> cells.Expected | None:
    if not values or before is None:
        return None
    shifts, first = own.leading({seed: value - before for seed, value in values.items()}, pilot)
    centre, half = own.mean(shifts), own.half_width(shifts, first)
    ends = [("low", centre - half[0]), ("high", centre + half[0])] if half is not None else []
    return cells.Expected([("difference", centre), *ends, ("n", len(shifts))])


def _fits(arm: Json, run: Json) -> bool:
    return all(str(run.get(axis, value)) == value for axis, value in arm["arm"].items())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _said(arm: Json) -> str:
    return " · ".join(itertools.chain(arm["arm"].values())) or "its one arm"
