"""Tables of means, and of what longer training changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.cells import (
    MISSING,
    absent,
    apart_note,
    condition,
    difference_cell,
    falling_mark,
    finished,
    kind_of,
    marked,
    mean_cell,
    mean_notes,
    selections,
)
from harness.report.evidence import STEPS, Evidence
from harness.report.ranking import rank
from harness.report.selection import Column, Key, Metric, metric, row_keys, values
from harness.report.statistics import paired_difference, seed_intervals
from harness.report.table import Cell, Recipe, Row, Table, number


def mean_table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
    mean: str | Sequence[str] | None = None,
) -> Table:
    """Mean and 95 % interval over seeds of every row and column; the best in bold.

    Args:
        evidence: what is shown.
        name, title, notes: of the table.
        rows: axes and dimensions whose combinations are the rows.
        columns: what stands in each column.
        where: keeps the rows that have these values.
        mean: column of the evidence, or one for each column of the table; None is the protocol's own.
    """
    chosen = mean or evidence.mean
    means = [chosen] * len(columns) if isinstance(chosen, str) else list(chosen)
    found = [values(evidence, rows, column, of) for column, of in zip(columns, means, strict=True)]
    ranks = rank(
        found, lambda i, key: kind_of(rows, key, columns[i]).better, lambda key: condition(rows, key), evidence.pilot
    )
    keys = row_keys(evidence, rows, where)
    places = [(i, key) for i, values_of in enumerate(found) for key in keys if key in values_of]
    of_seeds = seed_intervals([found[i][key] for i, key in places], evidence.pilot)
    intervals = dict(zip(places, of_seeds, strict=True))
    body = []
    for key in keys:
        cells = []
        for i, (column, values_of, ranked) in enumerate(zip(columns, found, ranks, strict=True)):
            if key in values_of:
                kind = kind_of(rows, key, column)
                cells.append(mean_cell(intervals[i, key], kind, key in ranked.best, key in ranked.near))
            else:
                cells.append(absent(evidence, rows, key, column, values_of))
        body.append(Row(key, tuple(cells), falling_mark(evidence, rows, key, columns), marked(rows)))
    recipe = Recipe("mean", rows, selections(columns, means))
    said = (*notes, *mean_notes(body, evidence.pilot), *apart_note(rows))
    return finished(evidence, name, title, rows, columns, body, said, recipe)


def gap_table(evidence: Evidence, name: str, rows: tuple[str, ...], cameras: list[str]) -> Table | None:
    """What longer training changes: each arm at N steps and at more, for the same seeds, and the gap.

    None where no arm was trained for two lengths.
    """
    if STEPS not in rows:
        return None
    others = tuple(axis for axis in rows if axis != STEPS)
    kind = metric("mpjpe")
    found = {c: values(evidence, rows, Column({"metric": "mpjpe", "cameras": c}, ("", c))) for c in cameras}
    by_arm: dict[Key, list[tuple[int, Key]]] = {}
    for key in row_keys(evidence, rows):
        arm = tuple(value for axis, value in zip(rows, key, strict=True) if axis != STEPS)
        if (steps := key[rows.index(STEPS)]).isdecimal():
            by_arm.setdefault(arm, []).append((int(steps), key))
    body = []
    for arm, trained in by_arm.items():
        (short, short_key), *longer = sorted(trained)
        for more, key in longer:
            cells: list[Cell] = []
            for camera in cameras:
                cells += _gap_cells(found[camera].get(short_key, {}), found[camera].get(key, {}), kind, evidence.pilot)
            body.append(Row((*arm, f"{short} → {more}"), tuple(cells), falling_mark(evidence, rows, key), marked(rows)))
    if not body:
        return None
    columns = [
        Column({"metric": "mpjpe", "cameras": camera, "part": part}, (f"{camera} cameras", part))
        for camera in cameras
        for part in ("shorter", "longer", "gap")
    ]
    notes = (
        "Same seeds on both sides; averaged over the test levels. A negative gap is what longer training gains: "
        "differences between arms much smaller than it say little about arms at convergence.",
        "Cells: mean over the common seeds, with the 95 % interval of the gap where there are two or more (number).",
    )
    recipe = Recipe("gap", (*others, STEPS), selections(columns, evidence.mean))
    return finished(evidence, name, f"Longer training: {kind.head}", (*others, STEPS), columns, body, notes, recipe)


def _gap_cells(
    short: Mapping[int, float], long: Mapping[int, float], kind: Metric, pilot: tuple[int, ...]
) -> list[Cell]:
    gap = paired_difference(long, short, pilot=pilot)
    if not gap.n:
        return [MISSING] * 3
    common = [seed for seed in short if seed in long]
    cells = []
    for side in (short, long):
        mean = number(float(np.mean([side[seed] for seed in common])), kind.decimals)
        cells.append(Cell(f"{mean} ({gap.n})", {"mean": mean, "n": str(gap.n)}))
    shown = difference_cell(gap, math.nan, kind)
    return [*cells, shown]
