"""Which cells of a table of means are the best of their column, and which aren't separated from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from harness.report.verify import adjusting
from harness.report.verify import arithmetic as own
from harness.report.verify.ledger import Ledger
from harness.report.verify.selecting import behind, listed
from harness.spec.conditions import is_condition

KIND = "marks"
NEAR = "†"
FALLING = "‡"
# Rows compete only under the same test, on the same data and input, and after equally long training.
APART = ("test_occlusion", "cameras", "metric", "train.steps")


def check(ledger: Ledger, file: str, table: Mapping[str, Any], runs: pd.DataFrame, known: Mapping[str, Any]) -> None:
    """Compare bold cells and daggers of a table of means; arguments as `harness.report.verify.cells.check`."""
    recipe = table["recipe"]
    rows = recipe["rows"]
    best: set[tuple[tuple[str, ...], int]] = set()
    compared: list[tuple[tuple[str, ...], int, list[float], int | None]] = []
    for i, column in enumerate(recipe["columns"]):
        found = behind(runs, rows, column)
        groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for key, values in found.items():
            metric = key[rows.index("metric")] if "metric" in rows else listed(column["metric"])[0]
            if known["better"].get(metric) and len(values) > 1:
                groups.setdefault(tuple(v for n, v in zip(rows, key, strict=True) if apart(n)), []).append(key)
        for keys in (keys for keys in groups.values() if len(keys) > 1):
            metric = keys[0][rows.index("metric")] if "metric" in rows else listed(column["metric"])[0]
            pick = min if known["better"][metric] == "lower" else max
            means = {key: own.mean(list(found[key].values())) for key in keys}
            winner = pick(keys, key=means.__getitem__)
            for key in keys:
                if means[key] == means[winner]:
                    best.add((key, i))
                else:
                    common = [seed for seed in found[key] if seed in found[winner]]
                    apart_by = {seed: found[key][seed] - found[winner][seed] for seed in common}
                    compared.append((key, i, *own.leading(apart_by, known.get("pilot"))))
    adjusted = adjusting.holm([own.paired_p(values, first) for _, _, values, first in compared])
    near = {
        (key, i)
        for (key, i, values, first), p in zip(compared, adjusted, strict=True)
        if not _separated(values, p, first)
    }
    for row in table["rows"]:
        for i, cell in enumerate(row["cells"]):
            place = (tuple(row["raw"]), i)
            name = f"{table['name']}, {' · '.join(row['keys'])}, column {i + 1}"
            ledger.same(KIND, file, f"{name}, best", place in best, cell["best"])
            ledger.same(KIND, file, f"{name}, not separated", NEAR if place in near else "", cell["mark"])


def apart(axis: str) -> bool:
    """Whether rows of different values on this axis don't compete."""
    return axis in APART or is_condition(axis)


def falling(ledger: Ledger, file: str, table: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> None:
    """Compare the sign of rows behind which stands a run whose error was still falling."""
    recipe = table["recipe"]
    slow = [run for run in runs if run["convergence"] == "still falling"]
    for row in table["rows"]:
        named = dict(zip(recipe["rows"], row["raw"], strict=True))
        if recipe["kind"] == "gap":
            named["train.steps"] = named["train.steps"].rpartition(" → ")[2]
        behind_it = [
            run
            for run in slow
            for column in recipe["columns"]
            if all(str(run[axis]) in listed(wanted) for axis, wanted in {**column, **named}.items() if axis in run)
        ]
        name = f"{table['name']}, {' · '.join(row['keys'])}, still falling"
        ledger.same(KIND, file, name, FALLING if behind_it else "", row["mark"])


def _separated(values: list[float], p: float, pilot: int | None) -> bool:
    if len(values[:pilot]) < own.FEWEST_PAIRS:
        return False
    return own.mean(values) != 0 if math.isnan(p) else p < 0.05
