"""`runs.csv` and `subjects.parquet` computed from the evaluations that finished runs left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from harness.occlusion import ladder
from harness.report.verify.arithmetic import area
from harness.report.verify.ledger import Ledger
from harness.report.verify.selecting import AREA, curves_of, is_area
from harness.spec import identity

KIND = "runs"
CELL = ["weights", "test_occlusion", "cameras", "metric", "group"]
MEANS = ("value", "per_action", "per_frame")
# Metrics of a set of joints carry the set as their group, which is the whole of them.
WHOLE = {("mpjpe_occluded", "occluded"), ("mpjpe_fixed", "fixed")}


def runs_table(ledger: Ledger, file: str, runs: pd.DataFrame, spec: Any, source: Any, scale: Mapping[str, Any]) -> None:
    """Compare every row of `runs.csv` with the records, and the rows of the area with those of its levels.

    Args:
        ledger: takes what is found.
        file: name of `runs.csv`.
        runs: it, every column as text.
        spec, source: as `harness.report.collect` takes them.
        scale: level → place on the curve; process → that, where several are tested.
    """
    axes = [name for name in runs.columns[: runs.columns.get_loc("weights")] if name not in ("run_id", "seed")]
    levels = runs[[not is_area(level) for level in runs["test_occlusion"]]]
    told = {str(run_id): rows for run_id, rows in levels.groupby("run_id", sort=False)}
    files = source.evaluations(list(source.finished([run.run_id for run in spec.runs])))
    ledger.same(KIND, file, "finished runs", sorted(files), sorted(told))
    for run in (run for run in spec.runs if run.run_id in files and run.run_id in told):
        mine, seen = told[run.run_id], set()
        own = {} if getattr(run, "checkpoint", None) is not None else {"train.steps": run.train.length}
        labels = {axis: own.get(axis, run.labels.get(axis, "-")) for axis in axes}
        for axis, value in {**labels, "seed": str(run.seed)}.items():
            ledger.same(KIND, file, f"{run.run_id}, {axis}", {value}, set(mine[axis]))
        printed = {tuple(row[name] for name in CELL): row for row in mine.to_dict("records")}
        for path, counted in identity.counted(files[run.run_id], spec.test).items():
            for cell, expected in _cells(path, counted):
                seen.add(cell)
                name = f"{run.run_id}, {' '.join(cell)}"
                if ledger.same(KIND, file, name, "a row", "a row" if cell in printed else "none"):
                    for what, value in expected.items():
                        ledger.printed(KIND, file, f"{name}, {what}", value, _decimals(what, printed[cell][what]))
        for cell in set(printed) - seen:
            ledger.same(KIND, file, f"{run.run_id}, {' '.join(cell)}", "no row", "a row")
    areas(ledger, file, runs, scale)


def areas(ledger: Ledger, file: str, runs: pd.DataFrame, scale: Mapping[str, Any] | None) -> None:
    """Compare the area under the curve with the levels of the same run, where each of them has a value."""
    curves = curves_of(scale)
    keys = ["run_id", "weights", "cameras", "metric", "group"]
    found: dict[tuple[str, ...], dict[str, Mapping[Any, str]]] = {}
    for row in runs.to_dict("records"):
        found.setdefault(tuple(row[name] for name in keys), {})[row["test_occlusion"]] = row
    for key, rows in found.items():
        for curve, made_of in _made_of(curves).items():
            needed = {level for one in made_of for level in curves[one]}
            name, whole = f"{' '.join(key)}, {curve}", needed <= rows.keys()
            if not ledger.same("areas", file, name, whole, curve in rows) or not whole:
                continue
            for mean in MEANS:
                at = {level: float(rows[level][mean]) for level in needed}
                value = _mean_area(curves, made_of, at)
                ledger.printed("areas", file, f"{name}, {mean}", value, _decimals(mean, rows[curve][mean]))
            for least in ("n", "subjects"):
                fewest = min(int(rows[level][least]) for level in needed)
                ledger.same("areas", file, f"{name}, {least}", str(fewest), rows[curve][least])


def _made_of(curves: Mapping[str, Any]) -> dict[str, list[str]]:
    """Area → the curves whose areas it is the mean of: each its own, and all of them where there are several."""
    each = {name: [name] for name in curves}
    return each if len(each) < 2 else {AREA: list(curves), **each}


def _mean_area(curves: Mapping[str, Mapping[str, float]], made_of: Sequence[str], values: Mapping[str, float]) -> float:
    each = [area(list(curves[name].values()), [values[level] for level in curves[name]]) for name in made_of]
    return sum(each) / len(each)


def levels(ledger: Ledger, file: str, tested: Mapping[str, Any], spec: Any) -> None:
    """Compare the test levels and their places on the curve with what the spec tests and the levels declare."""
    named = list(spec.test.occlusion)
    ledger.same(KIND, file, "test levels", named, tested["levels"])
    places: Any = ladder.positions(named) or ladder.curves(named)
    if not places and ladder.processes(named) < 2:
        places = {level: float(i) for i, level in enumerate(named)}
    ledger.same(KIND, file, "places on the curve", places if len(named) > 1 and places else None, tested["scale"])


def states(ledger: Ledger, file: str, runs: Sequence[Mapping[str, Any]], source: Any) -> None:
    """Compare how far each run had converged with the figures that it left."""
    done = [run for run in runs if run["state"] == "finished"]
    found = source.summaries([run["run_id"] for run in done])
    for run in done:
        figures, name = found.get(run["run_id"], {}), f"{run['run_id']}, convergence"
        gain, still = _late(figures, run["run_id"], source)
        expected = "no longer falling" if np.isfinite(gain) else "not told"
        if float(figures.get("parameters", 1)) <= 0:
            expected = "nothing to train"
        if still:
            expected = "still falling"
        ledger.same(KIND, file, name, expected, run["convergence"])
        if run["late_gain"] is None:
            ledger.same(KIND, file, f"{name}, gained late", False, bool(np.isfinite(gain)))
        else:
            ledger.printed(KIND, file, f"{name}, gained late", gain, f"{run['late_gain']:.4f}")


def _late(figures: Mapping[str, float], run_id: str, source: Any) -> tuple[float, bool]:
    """What the last fifth of the steps took off the lowest validation error, mm; whether it's over half a per cent."""
    if "late_gain" in figures:
        return float(figures["late_gain"]), float(figures.get("falling", 0)) >= 0.5
    files = source.curves([run_id])
    points = pd.read_parquet(files[run_id]) if run_id in files else pd.DataFrame({"name": [], "step": [], "value": []})
    points = points[points["name"] == "val_mpjpe"]
    early = points[points["step"] <= 0.8 * points["step"].max() + 0.5]
    lowest = float(points["value"].min())
    gain = float(early["value"].min()) - lowest if len(points) > 1 else float("nan")
    return gain, gain > 0.005 * lowest


def subjects_table(
    ledger: Ledger, file: str, told: pd.DataFrame, spec: Any, source: Any, scale: Mapping[str, Any] | None
) -> None:
    """Compare every row of `subjects.parquet` with the records, and its areas with its levels."""
    names = ["run_id", *CELL, "subject"]
    printed = {tuple(row[name] for name in names): float(row["value"]) for row in told.to_dict("records")}
    asked, seen = {key[1:2] + key[4:6] for key in printed}, set()
    for run_id, files in source.evaluations(sorted(set(told["run_id"]))).items():
        for path, counted in identity.counted(files, spec.test).items():
            rows = _rows(path, counted)
            rows = rows[[key in asked for key in zip(rows["weights"], rows["metric"], rows["group"], strict=True)]]
            for place, value in _weighted(rows, [*CELL, "subject"])["mean"].items():
                seen.add(key := (run_id, *map(str, cast(tuple, place))))
                _subject(ledger, file, key, value, printed)
    for key, value in _areas_of(printed, scale or {}).items():
        seen.add(key)
        _subject(ledger, file, key, value, printed)
    ledger.same("subjects", file, "rows that no record has", [], [" ".join(key) for key in set(printed) - seen])


def _subject(
    ledger: Ledger, file: str, key: tuple[str, ...], value: float, printed: Mapping[tuple[str, ...], float]
) -> None:
    if ledger.same("subjects", file, " ".join(key), "a row", "a row" if key in printed else "none"):
        ledger.printed("subjects", file, " ".join(key), value, _decimals("value", repr(printed[key])))


def _areas_of(values: Mapping[tuple[str, ...], float], scale: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    curves = curves_of(scale)
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for (run_id, weights, level, *rest), value in values.items():
        found.setdefault((run_id, weights, *rest), {})[level] = value
    return {
        (run_id, weights, name, *rest): _mean_area(curves, made_of, rows)
        for (run_id, weights, *rest), rows in found.items()
        for name, made_of in _made_of(curves).items()
        if all(level in rows for one in made_of for level in curves[one])
    }


def _cells(path: Path, counted: set[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
    """The names of each cell of a file that counts, and its means, frames and subjects."""
    rows = _rows(path, counted)
    by_unit = {unit: _weighted(rows, [*CELL, unit]) for unit in ("subject", "action")}
    means = {unit: part["mean"].groupby(level=CELL, sort=False).agg(["mean", "size"]) for unit, part in by_unit.items()}
    whole = _weighted(rows, CELL)
    table = pd.DataFrame(
        {
            "value": means["subject"]["mean"],
            "per_action": means["action"]["mean"],
            "per_frame": whole["mean"],
            "n": whole["n"],
            "subjects": means["subject"]["size"],
        }
    )
    for names, line in zip(table.index, table.to_dict("records"), strict=True):
        yield tuple(map(str, names)), {str(what): float(value) for what, value in line.items()}


def _weighted(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Columns mean (weighted by n) and n of each group of rows."""
    sums = rows.groupby(by, sort=False)[["weighted", "n"]].sum()
    return pd.DataFrame({"mean": sums["weighted"] / sums["n"], "n": sums["n"]})


def _rows(path: Path, counted: set[tuple[str, ...]]) -> pd.DataFrame:
    """The rows of a file that have a value, under the conditions that count."""
    frame = pd.read_parquet(path, columns=[*CELL, "subject", "action", "joint", "value", "n"])
    frame = frame[(frame["joint"] == "all") & np.isfinite(frame["value"].astype(float)) & (frame["n"] > 0)]
    places = zip(frame["test_occlusion"], frame["cameras"], frame["metric"], strict=True)
    tested = [place[:2] in counted or place in counted for place in places]
    frame = frame[tested].astype(dict.fromkeys([*CELL, "subject", "action"], str))
    for metric, group in WHOLE:
        frame.loc[(frame["metric"] == metric) & (frame["group"] == group), "group"] = "all"
    return frame.assign(weighted=frame["value"].astype(float) * frame["n"])


def _decimals(what: str, text: str) -> str:
    """A mean as `runs.csv` rounds it: to four decimals, of which zeros at the end aren't written."""
    return f"{float(text):.4f}" if what in MEANS and len(text.partition(".")[2]) <= 4 else text
