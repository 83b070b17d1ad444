"""What stands in a cell, as text and numbers, and the signs and footnotes that go with it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.area import is_area
from harness.report.evidence import STEPS, Evidence
from harness.report.selection import (
    DIMENSIONS,
    EVALUATION,
    HEADS,
    Column,
    Key,
    Metric,
    arms_of,
    listed,
    matches,
    metric,
)
from harness.report.statistics import SKEW_TOLD, SKEW_TOLD_PILOT, STUDENTISED_FROM, Interval, Paired
from harness.report.table import Cell, Recipe, Row, Table, number, p_text
from harness.spec.conditions import is_condition

NEAR, FALLING = "†", "‡"
NO_P = "p –"
UNDEFINED = Cell("–")
MISSING = Cell("missing", missing=True)


def mean_cell(of_seeds: Interval, kind: Metric, bold: bool, near: bool) -> Cell:
    """Mean over seeds ± half of its interval, which lies evenly about it (number of seeds)."""
    mean, n = number(of_seeds.mean, kind.decimals), str(of_seeds.n)
    mark = NEAR if near else ""
    if math.isnan(of_seeds.low):
        return Cell(f"{mean} ({n})", {"mean": mean, "n": n}, mark=mark)
    half = number(of_seeds.half, kind.decimals)
    return Cell(f"{mean} ± {half} ({n})", {"mean": mean, "half_width": half, "n": n}, bold=bold, mark=mark)


def difference_cell(paired: Paired, adjusted: float, kind: Metric, tested: bool = False) -> Cell:
    """Paired difference with its interval, corrected p and number of pairs.

    A table of tests shows where there is an interval and no p. Beside the printed numbers: p of the t-test as it is, p
    of the sign-flip test, which of them is left out and why, effect size, and the probability that the arm is the
    better one of a pair (the lower one for a metric that has no better).
    """
    text, numbers = with_ends(paired.difference, kind)
    if not math.isnan(adjusted):
        text += f" p {p_text(adjusted)}" if adjusted < 0.001 else f" p={p_text(adjusted)}"
        numbers["p_adjusted"] = p_text(adjusted)
    elif tested and paired.n >= 2:
        text += f" {NO_P}"
    if not math.isnan(paired.p):
        numbers["p"] = p_text(paired.p)
    if not math.isnan(paired.p_sign_flip):
        numbers["p_sign_flip"] = p_text(paired.p_sign_flip)
    if paired.left_out:
        numbers["left_out"] = paired.left_out
    if not math.isnan(paired.effect):
        numbers["effect"] = number(paired.effect, 2, signed=True)
    if paired.n >= 2:
        better = 1 - paired.improvement if kind.better == "higher" else paired.improvement
        numbers["improvement"] = number(better, 2)
    return Cell(f"{text} ({paired.n})", {**numbers, "n": str(paired.n)})


def two_stage(pilot: Collection[int]) -> str:
    """How intervals are made where a pilot fixed the number of seeds."""
    return f"t by the spread over the pilot's {len(pilot)} seeds alone, which fixed how many there are; room for skew"


def subjects_cell(found: Interval, seeds: int, kind: Metric) -> Cell:
    """Paired difference with its interval for new subjects (seeds × subjects)."""
    text, numbers = with_ends(found, kind)
    return Cell(f"{text} ({seeds} × {found.n})", {**numbers, "seeds": str(seeds), "subjects": str(found.n)})


def with_ends(found: Interval, kind: Metric) -> tuple[str, dict[str, str]]:
    """A difference and the ends of its interval, as text and as numbers; a digit more than a mean has."""
    decimals = kind.decimals + 1
    numbers = {"difference": number(found.mean, decimals, signed=True)}
    text = numbers["difference"]
    if not math.isnan(found.low):
        numbers["low"] = number(found.low, decimals, signed=True)
        numbers["high"] = number(found.high, decimals, signed=True)
        text += f" [{numbers['low']}, {numbers['high']}]"
    return text, numbers


def absent(evidence: Evidence, rows: tuple[str, ...], key: Key, column: Column, found: Mapping[Key, Any]) -> Cell:
    """Nobody planned it, nobody can have it (a metric undefined at a level that was tested), or it's missing."""
    if not arms_of(evidence, rows, key, column.where):
        return UNDEFINED
    where = {**column.where, **dict(zip(rows, key, strict=True))}
    return MISSING if found or not _tested(evidence, where) else UNDEFINED


def _tested(evidence: Evidence, where: Mapping[str, Any]) -> bool:
    there = np.ones(len(evidence.frame), dtype=bool)
    for name in (name for name in EVALUATION if name in where):
        there &= evidence.frame[name].isin(listed(where[name])).to_numpy()
    return bool(there.any())


def condition(rows: tuple[str, ...], key: Key) -> Key:
    """The part of a row's key within which rows compete: equal test, equal data and detector, equal training length."""
    apart = [name in (*DIMENSIONS, STEPS) or is_condition(name) for name in rows]
    return tuple(value for value, kept in zip(key, apart, strict=True) if kept)


def apart_note(rows: tuple[str, ...]) -> tuple[str, ...]:
    """What a reader must know of rows whose test data differ; nothing where they are the same."""
    named = [HEADS.get(name, name) for name in rows if is_condition(name)]
    if not named:
        return ()
    return (f"Rows of different {', '.join(named)} are tested on different data or input: they never compete.",)


def kind_of(rows: tuple[str, ...], key: Key, column: Column) -> Metric:
    """How the metric of a cell is printed."""
    return metric(key[rows.index("metric")] if "metric" in rows else listed(column.where["metric"])[0])


def falling_mark(evidence: Evidence, rows: tuple[str, ...], key: Key, columns: list[Column] | None = None) -> str:
    """The sign of a row behind whose cells stands an arm that was still falling."""
    falling = [arm for arm in evidence.arms if arm.falling]
    if not falling:
        return ""
    everywhere = [dict(column.where) for column in columns or [Column({}, ("", ""))]]
    labels = [{**where, **dict(zip(rows, key, strict=True))} for where in everywhere]
    return FALLING if any(matches(arm, where) for arm in falling for where in labels) else ""


def marked(rows: tuple[str, ...]) -> int:
    """The key that a sign of the arm stands behind: the first that isn't a test condition."""
    return next((i for i, name in enumerate(rows) if name not in DIMENSIONS), 0)


def mean_notes(body: list[Row], pilot: Collection[int] = ()) -> tuple[str, ...]:
    """What the cells of a table of means are, and what its signs say."""
    cells = [cell for row in body for cell in row.cells]
    many = any(int(cell.numbers.get("n", 0)) >= STUDENTISED_FROM for cell in cells)
    kind = (
        f"t, with room for skew; studentised bootstrap from {STUDENTISED_FROM} seeds"
        if many
        else "t, with room for skew"
    )
    told = SKEW_TOLD
    if pilot:
        kind, told = two_stage(pilot), SKEW_TOLD_PILOT
    notes = [f"Cells: mean ± half-width of the 95 % interval ({kind}) over seeds (number of seeds). {told}"]
    if any(cell.bold for cell in cells):
        notes.append(
            f"Bold: lowest error (or highest score) of its column among arms of equal training length and two or more "
            f"seeds. {NEAR}: not separated from it (paired t-test on common seeds, corrected by Holm within the table, "
            "p ≥ 0.05), which doesn't say that they are equal."
        )
    if any(cell.mark == NEAR and cell.numbers.get("n") == "2" for cell in cells):
        notes.append("Two seeds (2) aren't tested: nothing is separated from them.")
    if any(cell.numbers.get("n") == "1" for cell in cells):
        notes.append("One seed (1): no interval is defined; it is never bold and compared with nothing.")
    return tuple(notes)


def selections(columns: list[Column], mean: str | Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """What each column holds, for a table's recipe; ``mean`` of all columns, or of each."""
    means = [mean] * len(columns) if isinstance(mean, str) else mean
    return tuple({"weights": "best", **c.where, "mean": of} for c, of in zip(columns, means, strict=True))


def finished(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    body: list[Row],
    notes: tuple[str, ...],
    recipe: Recipe | None = None,
) -> Table:
    """The table with the footnotes that its cells call for."""
    said = list(notes)
    if evidence.scale is not None and any(
        is_area(level) for c in columns for level in listed(c.where.get("test_occlusion", ()))
    ):
        said.append(evidence.scale.told)
    elif evidence.scale is not None and "test_occlusion" in rows:
        at = rows.index("test_occlusion")
        said += [evidence.scale.told] if any(is_area(row.keys[at]) for row in body) else []
    if any(row.mark for row in body):
        said.append(f"{FALLING}: the validation error was still falling at the end of training in at least one run.")
    missing = sum(cell.missing for row in body for cell in row.cells)
    if missing:
        cells = len(body) * len(columns)
        said.append(f"{missing} of {cells} cells are missing: their runs aren't finished or not tested there.")
    if any(cell is UNDEFINED for row in body for cell in row.cells):
        said.append("–: not defined or not part of the grid.")
    heads = tuple(HEADS.get(axis, axis) for axis in rows)
    return Table(name, title, heads, tuple(c.head for c in columns), tuple(body), tuple(said), recipe)
