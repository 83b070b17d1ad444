"""What a pilot fixed, computed again: its spread from the runs' values, the seeds that it asks for, what was spent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.report.verify import arithmetic as own
from harness.report.verify.cells import Expected, compare
from harness.report.verify.ledger import Ledger
from harness.report.verify.selecting import behind

KIND = "seeds"
_RULE = ("halfwidth", "max")


def check(ledger: Ledger, file: str, report: Mapping[str, Any], frame: pd.DataFrame, spec: Any = None) -> None:
    """Compare every row of the table of seeds, and what the summary says was spent.

    Args:
        ledger: takes what is found.
        file: where the table stands.
        report: ``report.json``.
        frame: `runs.csv`, names and keys as text.
        spec: narrowed to what the store says was fixed; None where it isn't at hand.
    """
    table, stages = report.get("seeds"), getattr(spec, "stages", None)
    if spec is not None:
        ledger.same(KIND, file, "seeds fixed by a pilot", stages is not None, table is not None)
    if table is None:
        ledger.same(KIND, file, "a pilot without its table", None, report["tested"].get("pilot"))
        return
    fixed = dict(getattr(stages, "fixed", None) or {})
    for row, stated in zip(table["rows"], table["recipe"]["columns"], strict=True):
        name = f"{table['name']}, {' versus '.join(row['keys'])}"
        ledger.same(KIND, file, f"{name}, the pilot's seeds", report["tested"]["pilot"], stated["pilot"])
        sides = _sides(frame, stated)
        values, first = own.leading(
            {seed: sides[0][seed] - sides[1][seed] for seed in sides[0] if seed in sides[1]}, stated["pilot"]
        )
        sd, asked, told, spent, width = row["cells"]
        whole = first == len(stated["pilot"])
        wanted = own.pilot_seeds(values[:first], stated["halfwidth"]) if whole else None
        if wanted is None:
            ledger.same(KIND, file, f"{name}, open", ["open"] * 2, [sd["text"], asked["text"]])
        else:
            compare(ledger, file, f"{name}, sd", sd, Expected([("sd", own.deviation(values[:first]))]))
            shown = str(wanted) if wanted < 1_000_000 else "over 1,000,000"
            ledger.same(KIND, file, f"{name}, asked for", shown, asked["text"])
        if told["text"] != "open" and wanted is not None:
            ledger.same(KIND, file, f"{name}, fixed at", str(min(wanted, stated["max"])), told["text"])
        if stages is not None:
            known = fixed.get(stated["contrast"])
            ledger.same(KIND, file, f"{name}, as registered", "open" if known is None else str(known), told["text"])
            rule = {what: getattr(stages.rule, what) for what in _RULE}
            ledger.same(KIND, file, f"{name}, rule", rule, {what: stated[what] for what in _RULE})
        compare(ledger, file, f"{name}, spent", spent, Expected([("n", len(values))]))
        half = own.half_width(values, first)
        expected = None if half is None else Expected([("half_width", half[0])])
        compare(ledger, file, f"{name}, half-width", width, expected)
    _summary(ledger, file, report, table)


def _summary(ledger: Ledger, file: str, report: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    """Runs that were spent, of those that the most seeds everywhere would take."""
    said = [re.search(r"(\d+) runs were spent of the (\d+)", line) for line in report["summary"]]
    found = [[int(part) for part in one.groups()] for one in said if one]
    trained = [run for run in report["runs"] if _trained(run, report)]
    arms = {tuple(value for name, value in run.items() if name not in _OF_RUN) for run in trained}
    done = sum(run["state"] == "finished" for run in trained)
    most = table["recipe"]["columns"][0]["max"] * len(arms)
    ledger.same(KIND, file, "runs spent", [[done, most]], found)


_OF_RUN = ("run_id", "seed", "state", "convergence", "late_gain")


def _trained(run: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
    """Whether a run has a seed of its own: a checkpoint that others trained has none of the spec's."""
    return run.get("train_occlusion") != "-"


def _sides(frame: pd.DataFrame, stated: Mapping[str, Any]) -> list[dict[Any, float]]:
    """Seed → value of both arms."""
    axes = [axis for axis in stated["arm"] if axis in frame]
    conditions = {name: value for name, value in stated.items() if name not in ("arm", "versus")}
    found = behind(frame, axes, conditions)
    return [found.get(tuple(stated[side][axis] for axis in axes), {}) for side in ("arm", "versus")]
