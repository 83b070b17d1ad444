"""Runs done again, beside what a report says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import UserError
from harness.report import scores
from harness.report.records import Source
from harness.report.writing import RUNS
from harness.spec import identity
from harness.spec.claims import CURVE

if TYPE_CHECKING:
    from harness.spec.run import Run

_KEYS = ["run_id", "weights", "test_occlusion", "cameras", "metric", "group"]


@dataclass(frozen=True)
class Again:
    """What became of the values of one run.

    Attributes:
        run: the run.
        values: how many the report has of it.
        equal: how many came out the same, to the last digit that is written.
        missing: how many weren't measured again.
        first, now: its MPJPE averaged over what it was tested on, mm: as reported, and again.
        largest: the largest difference of an MPJPE, mm.
    """

    run: Run
    values: int
    equal: int
    missing: int
    first: float
    now: float
    largest: float


def reported(folder: Path, runs: Sequence[Run]) -> pd.DataFrame:
    """The rows of a written report about these runs.

    Raises:
        UserError: there is no report in the folder, or it has nothing of one of the runs.
    """
    file = folder / RUNS
    if not file.is_file():
        raise UserError(f"there is no report to compare with: {file} is missing; write it with `repose report`")
    rows = pd.read_csv(file, dtype={"run_id": str}, keep_default_na=False, na_values=[""], low_memory=False)
    lacking = [run for run in runs if run.run_id not in set(rows["run_id"])]
    if lacking:
        label = " ".join(lacking[0].labels.values())
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise UserError(f"{file} has nothing of the run {lacking[0].run_id} ({label}){more}; is it of this spec?")
    areas = rows["test_occlusion"].str.partition("/")[0] == CURVE  # computed from the other rows
    return rows[rows["run_id"].isin([run.run_id for run in runs]) & ~areas]


def compare(runs: Sequence[Run], test: Any, before: pd.DataFrame, source: Source) -> list[Again]:
    """What each of the runs scored in ``source``, beside what was reported.

    Args:
        test: what the spec tests on.
        before: see `reported`.
    """
    files = source.evaluations([run.run_id for run in runs])
    again = scores.read({run_id: identity.counted(held, test) for run_id, held in files.items()})
    both = before.merge(again, on=_KEYS, how="left", suffixes=("", "_again"), indicator=True)
    both["missing"] = both["_merge"] == "left_only"
    close = np.isclose(both["value"], both["value_again"], rtol=0, atol=0.5 * 10.0**-scores.DECIMALS, equal_nan=True)
    both["same"] = close & ~both["missing"]
    return [_of(run, both[both["run_id"] == run.run_id]) for run in runs]


def _of(run: Run, rows: pd.DataFrame) -> Again:
    errors = rows[(rows["metric"] == "mpjpe") & (rows["weights"] == "best")]
    return Again(
        run=run,
        values=len(rows),
        equal=int(rows["same"].sum()),
        missing=int(rows["missing"].sum()),
        first=float(errors["value"].mean()),
        now=float(errors["value_again"].mean()),
        largest=float((errors["value"] - errors["value_again"]).abs().max()),
    )


def lines(found: Sequence[Again]) -> list[str]:
    """For a terminal: a line a run, and what it comes to."""
    names = [" ".join(one.run.labels.values()) for one in found]
    wide = max(map(len, names))
    shown = [
        f"{name:<{wide}}  {one.first:9.4f} {one.now:9.4f}  {one.equal} of {one.values} values the same"
        + (f", {one.missing} not measured" if one.missing else "")
        for name, one in zip(names, found, strict=True)
    ]
    values, equal = sum(one.values for one in found), sum(one.equal for one in found)
    head = f"{'MPJPE averaged over what is tested, mm':<{wide}}   reported     again"
    if equal == values:
        return [head, *shown, f"all {values:,} values as reported"]
    largest = max(one.largest for one in found)
    said = f"{values - equal:,} of {values:,} values differ, an MPJPE by {largest:.4f} mm at most"
    why = "another processor type, number of threads or version of torch gives other bits: see docs/footguns.md"
    return [head, *shown, said, why]
