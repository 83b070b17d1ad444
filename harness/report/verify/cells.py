"""Every cell of a table computed from the runs' values, as its recipe says, and compared with what is printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from harness.report.verify import adjusting, variance
from harness.report.verify import arithmetic as own
from harness.report.verify.ledger import Ledger, numbers
from harness.report.verify.selecting import Keyed, behind, curves_of, listed, pair, sides

KIND = "cells"
_WORDS = ("missing", "–", "")


@dataclass
class Expected:
    """What a cell must hold.

    Attributes:
        printed: names and values of the numbers of its text, in order.
        more: of the numbers that stand only in data formats.
        words: what stands there in words; what isn't said is empty.
        untested: whether the cell says that no test was made of its differences.
    """

    printed: list[tuple[str, float]]
    more: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    untested: bool = False


Grid = list[list[Expected | None]]


def check(ledger: Ledger, file: str, table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> None:
    """Compare every cell of a table.

    Args:
        ledger: takes what is found.
        file: where the table stands.
        table: as ``report.json`` has it.
        runs: of `runs.csv`, or of `subjects.parquet` for a table of new subjects; names and keys as text.
        known: ``tested`` of ``report.json``, and ``arms``: axis → value of each.
    """
    kind = table["recipe"]["kind"]
    if kind not in EXPECTED:
        ledger.same(KIND, file, "recipe", f"one of {', '.join(EXPECTED)}", kind)
        return
    for row, line in zip(table["rows"], EXPECTED[kind](table, runs, known), strict=True):
        for head, cell, expected in zip(table["columns"], row["cells"], line, strict=True):
            name = f"{table['name']}, {' · '.join(row['keys'])}, {' '.join(filter(None, head.values()))}"
            compare(ledger, file, name, cell, expected)


def compare(ledger: Ledger, file: str, name: str, cell: Mapping[str, Any], expected: Expected | None) -> None:
    """One cell: the numbers of its text, then the numbers kept apart; no number where none is expected."""
    if expected is None:
        ledger.same(KIND, file, name, True, cell["text"] in _WORDS and not cell["numbers"])
        return
    tokens = numbers(cell["text"].replace(" p=", " ").replace(" p <", " <"))
    if not ledger.same(KIND, file, f"{name}, numbers printed", len(expected.printed), len(tokens)):
        return
    for (what, value), token in zip(expected.printed, tokens, strict=True):
        below = what.startswith("p") and f"<{token}" in cell["text"]
        ledger.printed(KIND, file, f"{name}, {what}", value, f"<{token}" if below else token)
        apart = cell["numbers"].get(what)
        shown = f"<{token}" if below else token
        ledger.same(KIND, file, f"{name}, {what} kept apart", shown, shown if _equal(apart, shown) else apart)
    given = dict(cell["numbers"])
    for what, value in expected.more.items():
        if math.isnan(value):
            ledger.same(KIND, file, f"{name}, {what}", None, given.get(what))
        elif ledger.same(KIND, file, f"{name}, {what}", True, what in given):
            text = given[what] if isinstance(given[what], str) else f"{given[what]:.2f}"
            ledger.printed(KIND, file, f"{name}, {what}", value, text)
    for what, text in expected.words.items():
        ledger.same(KIND, file, f"{name}, {what}", text, given.get(what, ""))
    ledger.same(KIND, file, f"{name}, said to be untested", expected.untested, " p –" in cell["text"])
    unknown = set(given) - {what for what, _ in expected.printed} - set(expected.more) - set(expected.words)
    ledger.same(KIND, file, f"{name}, names of numbers", [], sorted(unknown))


def means(table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> Grid:
    """Mean over seeds with its interval."""
    recipe = table["recipe"]
    found = [behind(runs, recipe["rows"], column) for column in recipe["columns"]]
    return [
        [of_mean(*own.leading(column.get(tuple(row["raw"]), {}), known.get("pilot"))) for column in found]
        for row in table["rows"]
    ]


def differences(table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> Grid:
    """Paired differences to the baseline over seeds, with corrected p-values."""
    recipe = table["recipe"]
    found = sides(runs, list(known["arms"][0]), recipe)
    pairs = []
    for row in table["rows"]:
        both = [_both(of, known, recipe, row["raw"], i) for i, of in enumerate(found)]
        pairs.append([own.leading({s: a[s] - b[s] for s in a if s in b}, known.get("pilot")) for a, b in both])
    adjusted = _adjusted(recipe, pairs, [bool(of) for of in found], known)
    grid: Grid = []
    for row, line, corrected in zip(table["rows"], pairs, adjusted, strict=True):
        metrics = [_metric(recipe, row["raw"], column) for column in recipe["columns"]]
        grid.append(
            [
                of_difference(values, p, known["better"].get(metric), tested=True, pilot=first) if values else None
                for (values, first), p, metric in zip(line, corrected, metrics, strict=True)
            ]
        )
    return grid


def new_subjects(table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> Grid:
    """Paired differences to the baseline for new seeds and subjects."""
    recipe = table["recipe"]
    found = sides(runs, list(known["arms"][0]), recipe, ("seed", "subject"))
    grid: Grid = []
    for row in table["rows"]:
        line: list[Expected | None] = []
        for i, of in enumerate(found):
            a, b = _both(of, known, recipe, row["raw"], i)
            seeds = sorted({seed for seed, _ in a} & {seed for seed, _ in b})
            if known.get("pilot"):
                seeds = [seed for seed in seeds if int(seed) in known["pilot"]]
            everywhere = [{s for seed, s in side if seed == one} for one in seeds for side in (a, b)]
            subjects = sorted(set.intersection(*everywhere)) if everywhere else []
            if not subjects:
                line.append(None)
                continue
            centre, ends = own.new_subjects(np.array([[a[x, s] - b[x, s] for s in subjects] for x in seeds]))
            printed = [("difference", centre), *(zip(("low", "high"), ends, strict=True) if ends else ())]
            line.append(Expected([*printed, ("seeds", len(seeds)), ("subjects", len(subjects))]))
        grid.append(line)
    return grid


def gaps(table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> Grid:
    """Shorter and longer training of the same seeds, and the gap between."""
    recipe, grid = table["recipe"], []
    found = [behind(runs, recipe["rows"], column) for column in recipe["columns"]]
    for row in table["rows"]:
        *arm, lengths = row["raw"]
        shorter, longer = lengths.split(" → ")
        line: list[Expected | None] = []
        for column, of in zip(recipe["columns"], found, strict=True):
            short, long = of.get((*arm, shorter), {}), of.get((*arm, longer), {})
            common = [seed for seed in short if seed in long]
            gap, first = own.leading({seed: long[seed] - short[seed] for seed in common}, known.get("pilot"))
            if not common:
                line.append(None)
            elif column["part"] == "gap":
                line.append(of_difference(gap, math.nan, known["better"].get("mpjpe"), pilot=first))
            else:
                side = short if column["part"] == "shorter" else long
                line.append(Expected([("mean", own.mean([side[seed] for seed in common])), ("n", len(common))]))
        grid.append(line)
    return grid


def spreads(table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> Grid:
    """Where the spread of each arm comes from."""
    return [[None if cell is None else Expected(cell) for cell in line] for line in variance.numbers(table, runs)]


EXPECTED: dict[str, Callable[[Mapping[str, Any], pd.DataFrame, Mapping[str, Any]], Grid]] = {
    "mean": means,
    "difference": differences,
    "new_subjects": new_subjects,
    "gap": gaps,
    "variance": spreads,
}


def _both(
    found: Keyed, known: Mapping[str, Any], recipe: Mapping[str, Any], raw: list[str], column: int
) -> list[dict[Any, float]]:
    """What was measured of a cell's arm and of its baseline; nothing where the grid doesn't have one of each."""
    keys = pair(known["arms"], recipe, raw, recipe["columns"][column])
    return [found.get(key, {}) for key in keys] if keys else [{}, {}]


def of_mean(values: list[float], pilot: int | None = None) -> Expected | None:
    """A mean over seeds with half of its interval; None without values. The first ``pilot`` of them are a pilot's."""
    if not values:
        return None
    centre = own.mean(values)
    half = own.half_width(values, pilot)
    around = [("half_width", half[0])] if half is not None else []
    return Expected([("mean", centre), *around, ("n", len(values))])


def of_difference(
    values: list[float], adjusted: float, better: str | None, tested: bool = False, pilot: int | None = None
) -> Expected:
    """A mean of paired differences with its interval, corrected p (NaN: none is told) and what is kept apart.

    Where a table tests, a cell of two pairs or more without a p says so.
    """
    centre, half = own.mean(values), own.half_width(values, pilot)
    printed = [("difference", centre)]
    if half is not None:
        printed += [("low", centre - half[0]), ("high", centre + half[0])]
    if not math.isnan(adjusted):
        printed.append(("p_adjusted", adjusted))
    more = {"p": own.paired_p(values, pilot), "p_sign_flip": own.sign_flip_p(values, pilot)}
    more["effect"] = own.effect_size(values, pilot)
    more["improvement"] = own.share_better(values, better) if len(values) > 1 else math.nan
    untested = tested and math.isnan(adjusted) and len(values) > 1
    return Expected([*printed, ("n", len(values))], more, {"left_out": own.left_out(values, pilot)}, untested)


def _adjusted(
    recipe: Mapping[str, Any],
    pairs: list[list[tuple[list[float], int | None]]],
    defined: list[bool],
    known: Mapping[str, Any],
) -> list[list[float]]:
    """Corrected p of each cell: fixed order from the hardest level down where columns are levels, else Holm."""
    p = [[own.paired_p(values, first) if values else math.nan for values, first in line] for line in pairs]
    order = _order(recipe, known)
    if not order:
        flat = iter(adjusting.holm([value for line in p for value in line]))
        return [[next(flat) for _ in line] for line in p]
    chains: dict[Any, list[tuple[int, int]]] = {}
    for i in range(len(p)):
        for j in sorted(range(len(recipe["columns"])), key=order.__getitem__):
            if defined[j]:
                column = recipe["columns"][j]
                rest = tuple(sorted((k, *listed(v)) for k, v in column.items() if k != "test_occlusion"))
                chains.setdefault((i, rest), []).append((i, j))
    found = adjusting.along_chains([[p[i][j] for i, j in chain] for chain in chains.values()])
    result = [[math.nan] * len(line) for line in p]
    for chain, values in zip(chains.values(), found, strict=True):
        for (i, j), value in zip(chain, values, strict=True):
            result[i][j] = value
    return result


def _order(recipe: Mapping[str, Any], known: Mapping[str, Any]) -> list[int]:
    """Place of each column among the levels, hardest first after the area; empty where columns aren't levels."""
    levels = [listed(column.get("test_occlusion", [])) for column in recipe["columns"]]
    if not known["scale"] or any(len(one) != 1 for one in levels) or len({one[0] for one in levels}) < 2:
        return []
    for name, places in curves_of(known["scale"]).items():
        hardest = [name, *sorted(places, key=places.__getitem__, reverse=True)]
        if {one[0] for one in levels} <= set(hardest):
            return [hardest.index(one[0]) for one in levels]
    return []


def _metric(recipe: Mapping[str, Any], raw: list[str], column: Mapping[str, Any]) -> str:
    return raw[recipe["rows"].index("metric")] if "metric" in recipe["rows"] else listed(column["metric"])[0]


def _equal(value: Any, text: str) -> bool:
    try:
        return value == text or float(value) == float(text.replace(",", ""))
    except (TypeError, ValueError):
        return False
