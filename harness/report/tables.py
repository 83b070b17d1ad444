"""Tables from evidence: means with intervals, paired differences to the baseline, gaps of longer training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.report.ranking import Ranked, rank
from harness.report.records import STEPS, Evidence
from harness.report.selection import (
    DIMENSIONS,
    HEADS,
    Column,
    Key,
    Metric,
    Values,
    arms_of,
    matches,
    metric,
    row_keys,
    values,
)
from harness.report.statistics import Paired, holm, paired_difference, t_interval
from harness.report.table import Cell, Recipe, Row, Table, number, p_text

NEAR, FALLING = "†", "‡"
UNDEFINED = Cell("–")
MISSING = Cell("missing", missing=True)


def mean_table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
    mean: str | None = None,
) -> Table:
    """Mean ± 95 % t half-width (n seeds) of every row and column; the best in bold.

    Args:
        evidence: what is shown.
        name, title, notes: of the table.
        rows: axes and dimensions whose combinations are the rows.
        columns: what stands in each column.
        where: keeps the rows that have these values.
        mean: column of the evidence; None is the protocol's own.
    """
    found = [values(evidence, rows, column, mean) for column in columns]
    ranks = rank(found, lambda i, key: _kind(rows, key, columns[i]).better, lambda key: _condition(rows, key))
    body = []
    for key in row_keys(evidence, rows, where):
        cells = [
            _mean_cell(evidence, rows, key, column, cells, ranked)
            for column, cells, ranked in zip(columns, found, ranks, strict=True)
        ]
        body.append(Row(key, tuple(cells), _falling_mark(evidence, rows, key, columns), _marked(rows)))
    signs = _mean_signs(body)
    recipe = Recipe("mean", rows, _selections(columns, mean or evidence.mean))
    return _table(evidence, name, title, rows, columns, body, (*notes, *signs), recipe)


def difference_table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
) -> Table | None:
    """Paired difference of every arm to the baseline within the same other axes, on common seeds.

    The p-values of all cells are corrected together (Holm). None where no baseline is named or the
    baseline's axis is none of the table's.
    """
    baseline = evidence.baseline
    if not baseline or not set(baseline) <= set(rows):
        return None
    # A filter on the baseline's own axes chooses rows; it mustn't hide the baseline.
    open_columns = [Column({k: v for k, v in c.where.items() if k not in baseline}, c.head) for c in columns]
    found = [values(evidence, rows, column) for column in open_columns]
    keys = [key for key in row_keys(evidence, rows, where) if _to_baseline(rows, key, baseline) != key]
    if not keys:
        return None
    comparisons: dict[tuple[Key, int], Paired] = {}
    for key in keys:
        other = _to_baseline(rows, key, baseline)
        for i, cells_of in enumerate(found):
            if key in cells_of and other in cells_of:
                paired = paired_difference(cells_of[key], cells_of[other])
                if paired.n:
                    comparisons[key, i] = paired
    corrected = dict(zip(comparisons, holm([c.p for c in comparisons.values()]), strict=True))
    body = []
    for key in keys:
        cells = []
        for i, column in enumerate(columns):
            if (key, i) in comparisons:
                kind = _kind(rows, key, column)
                cells.append(_difference_cell(comparisons[key, i], float(corrected[key, i]), kind))
            else:
                cells.append(_absent(evidence, rows, key, column, found[i]))
        body.append(Row(key, tuple(cells), _falling_mark(evidence, rows, key, columns), _marked(rows)))
    named = ", ".join(f"{HEADS.get(axis, axis)} = {value}" for axis, value in baseline.items())
    tests = sum(not math.isnan(p) for p in corrected.values())
    explained = (
        f"Cells: mean difference to the baseline ({named}; all else equal), paired by seed, with its 95 % t-interval, "
        f"the p-value of the paired t-test, corrected by Holm for the {tests} tests of this table, and the number of "
        "seed pairs. Negative means lower than the baseline.",
        "Where only one pair of seeds exists, neither interval nor p is defined.",
        _unpaired_note(comparisons),
    )
    recipe = Recipe("difference", rows, _selections(open_columns, evidence.mean), dict(baseline))
    return _table(evidence, name, title, rows, columns, body, (*notes, *(note for note in explained if note)), recipe)


def gap_table(evidence: Evidence, name: str, rows: tuple[str, ...], cameras: list[str]) -> Table | None:
    """What longer training changes: each arm at N steps and at more, for the same seeds, and the gap.

    None where all arms trained equally long.
    """
    if STEPS not in rows:
        return None
    others = tuple(axis for axis in rows if axis != STEPS)
    kind = metric("mpjpe")
    found = {c: values(evidence, rows, Column({"metric": "mpjpe", "cameras": c}, ("", c))) for c in cameras}
    by_arm: dict[Key, list[tuple[int, Key]]] = {}
    for key in row_keys(evidence, rows):
        arm = tuple(value for axis, value in zip(rows, key, strict=True) if axis != STEPS)
        by_arm.setdefault(arm, []).append((int(key[rows.index(STEPS)]), key))
    body = []
    for arm, trained in by_arm.items():
        (short, short_key), *longer = sorted(trained)
        for steps, key in longer:
            cells: list[Cell] = []
            for camera in cameras:
                cells += _gap_cells(found[camera].get(short_key, {}), found[camera].get(key, {}), kind)
            body.append(
                Row((*arm, f"{short} → {steps}"), tuple(cells), _falling_mark(evidence, rows, key), _marked(rows))
            )
    columns = [
        Column({"metric": "mpjpe", "cameras": camera, "part": part}, (f"{camera} cameras", part))
        for camera in cameras
        for part in ("shorter", "longer", "gap")
    ]
    notes = (
        "Same seeds on both sides; averaged over the test levels. A negative gap is what longer training gains: "
        "differences between arms much smaller than it say little about arms at convergence.",
        "Cells: mean over the common seeds, with the 95 % t-interval of the gap where there are two or more (number).",
    )
    recipe = Recipe("gap", (*others, STEPS), _selections(columns, evidence.mean))
    return _table(evidence, name, f"Longer training: {kind.head}", (*others, STEPS), columns, body, notes, recipe)


def _gap_cells(short: Mapping[int, float], long: Mapping[int, float], kind: Metric) -> list[Cell]:
    gap = paired_difference(long, short)
    if not gap.n:
        return [MISSING] * 3
    common = [seed for seed in short if seed in long]
    cells = []
    for side in (short, long):
        mean = number(t_interval([side[seed] for seed in common]).mean, kind.decimals)
        cells.append(Cell(f"{mean} ({gap.n})", {"mean": mean, "n": str(gap.n)}))
    shown = _difference_cell(gap, math.nan, kind)
    return [*cells, shown]


def _mean_cell(
    evidence: Evidence, rows: tuple[str, ...], key: Key, column: Column, found: Values, ranked: Ranked
) -> Cell:
    if key not in found:
        return _absent(evidence, rows, key, column, found)
    kind, interval = _kind(rows, key, column), t_interval(list(found[key].values()))
    mean, n = number(interval.mean, kind.decimals), str(interval.n)
    mark = NEAR if key in ranked.near else ""
    if interval.n < 2:
        return Cell(f"{mean} ({n})", {"mean": mean, "n": n}, mark=mark)
    half = number(interval.half, kind.decimals)
    numbers = {"mean": mean, "half_width": half, "n": n}
    return Cell(f"{mean} ± {half} ({n})", numbers, bold=key in ranked.best, mark=mark)


def _difference_cell(paired: Paired, corrected: float, kind: Metric) -> Cell:
    decimals = kind.decimals + 1
    mean, n = number(paired.difference.mean, decimals, signed=True), str(paired.n)
    numbers = {"difference": mean}
    text = mean
    if paired.n >= 2:
        low = number(paired.difference.low, decimals, signed=True)
        high = number(paired.difference.high, decimals, signed=True)
        numbers |= {"low": low, "high": high}
        text += f" [{low}, {high}]"
    if not math.isnan(corrected):
        numbers |= {"p_holm": p_text(corrected), "effect": number(paired.effect, 2, signed=True)}
        text += f" p {p_text(corrected)}" if corrected < 0.001 else f" p={p_text(corrected)}"
    numbers["n"] = n
    return Cell(f"{text} ({n})", numbers)


def _absent(evidence: Evidence, rows: tuple[str, ...], key: Key, column: Column, found: Values) -> Cell:
    """Nobody planned it, nobody can have it (undefined for all), or it's missing."""
    if not arms_of(evidence, rows, key, column.where) or not found:
        return UNDEFINED
    return MISSING


def _condition(rows: tuple[str, ...], key: Key) -> Key:
    return tuple(value for name, value in zip(rows, key, strict=True) if name in (*DIMENSIONS, STEPS))


def _kind(rows: tuple[str, ...], key: Key, column: Column) -> Metric:
    return metric(key[rows.index("metric")] if "metric" in rows else column.where["metric"])


def _to_baseline(rows: tuple[str, ...], key: Key, baseline: Mapping[str, str]) -> Key:
    return tuple(baseline.get(name, value) for name, value in zip(rows, key, strict=True))


def _falling_mark(evidence: Evidence, rows: tuple[str, ...], key: Key, columns: list[Column] | None = None) -> str:
    """The sign of a row behind whose cells stands an arm that was still falling."""
    everywhere = [dict(column.where) for column in columns or [Column({}, ("", ""))]]
    labels = [{**where, **dict(zip(rows, key, strict=True))} for where in everywhere]
    return FALLING if any(arm.falling and matches(arm, where) for arm in evidence.arms for where in labels) else ""


def _marked(rows: tuple[str, ...]) -> int:
    """The key that a sign of the arm stands behind: the first that isn't a test condition."""
    return next((i for i, name in enumerate(rows) if name not in DIMENSIONS), 0)


def _mean_signs(body: list[Row]) -> tuple[str, ...]:
    cells = [cell for row in body for cell in row.cells]
    notes = ["Cells: mean ± half-width of the 95 % t-interval over seeds (number of seeds)."]
    if any(cell.bold for cell in cells):
        notes.append(
            f"Bold: lowest error (or highest score) of its column among arms of equal training length and two or more "
            f"seeds. {NEAR}: not separated from it (paired t-test on common seeds, corrected by Holm within the table, "
            "p ≥ 0.05), which doesn't say that they are equal."
        )
    if any(cell.numbers.get("n") == "1" for cell in cells):
        notes.append("One seed (1): no interval is defined; it is never bold and compared with nothing.")
    return tuple(notes)


def _unpaired_note(comparisons: Mapping[tuple[Key, int], Paired]) -> str:
    dropped = sorted({seed for paired in comparisons.values() for seed in paired.unpaired})
    if not dropped:
        return ""
    return (
        f"Arms have unequal seeds: differences use common seeds only; left out on one side or the other: seed "
        f"{', '.join(str(seed) for seed in dropped)}."
    )


def _selections(columns: list[Column], mean: str) -> tuple[Mapping[str, Any], ...]:
    return tuple({"weights": "best", **column.where, "mean": mean} for column in columns)


def _table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    body: list[Row],
    notes: tuple[str, ...],
    recipe: Recipe | None = None,
) -> Table:
    table = Table(
        name,
        title,
        tuple(HEADS.get(axis, axis) for axis in rows),
        tuple(column.head for column in columns),
        tuple(body),
        notes,
        recipe,
    )
    added = []
    if any(row.mark for row in body):
        added.append(f"{FALLING}: the validation error was still falling at the end of training in at least one run.")
    if table.missing:
        added.append(f"{table.missing} of {len(body) * len(columns)} cells are missing: their runs aren't finished.")
    if any(cell is UNDEFINED for row in body for cell in row.cells):
        added.append("–: not defined or not part of the grid.")
    return replace(table, notes=(*notes, *added))
