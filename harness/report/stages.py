"""Seeds that a pilot fixes: what it found of each contrast, how many seeds that takes, and what was spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.report.evidence import Arm, Evidence
from harness.report.selection import HEADS, Column, listed, metric, values
from harness.report.statistics import paired_difference, seeds_fixed
from harness.report.table import Cell, Recipe, Row, Table, number

NAME = "seeds"
MOST_SAID = 1_000_000
_COLUMNS = ("sd in the pilot", "asked for", "fixed at", "spent", "half-width")
_OPEN = Cell("open")
_NONE = Cell("–")


@dataclass(frozen=True)
class Contrast:
    """An arm and its baseline, as far as they have come.

    Attributes:
        digest: of the contrast, see `harness.spec.stages`.
        arm, versus: the two.
        differences: seed → paired difference of the endpoint, of the seeds that both have finished.
        sd: of the pilot's differences; NaN until the whole pilot is there.
        wanted: seeds that the pilot asks for; None until it is there.
        fixed: what the store says; None where nothing is fixed yet.
    """

    digest: str
    arm: Arm
    versus: Arm
    differences: Mapping[int, float]
    sd: float
    wanted: int | None
    fixed: int | None


def contrasts(evidence: Evidence) -> list[Contrast]:
    """The contrasts of a spec whose seeds a pilot fixes; empty where none does.

    Raises:
        UserError: finished runs don't measure what the half-width is of.
    """
    stages = evidence.stages
    if stages is None:
        return []
    if stages.metric not in set(evidence.frame["metric"]):
        raise UserError(f"no finished run has logged {stages.metric}", key="seeds.metric")
    rows = tuple(evidence.arms[0].labels)
    found = values(evidence, rows, Column({"metric": stages.metric, **stages.where}, ("", "")))
    if not found:
        place = ", ".join(f"{name}: {'/'.join(listed(wanted))}" for name, wanted in stages.where.items())
        raise UserError(f"no finished run has {stages.metric} at {place}: name another test level", key="seeds.where")
    arms = {arm.runs[seed]: arm for arm in evidence.arms for seed in arm.runs}
    return [_contrast(evidence, one, arms[one.arm[0]], arms[one.base[0]], found) for one in stages.contrasts]


def _contrast(
    evidence: Evidence, one: Any, arm: Arm, versus: Arm, found: Mapping[Any, Mapping[int, float]]
) -> Contrast:
    mine, others = (found.get(tuple(side.labels.values()), {}) for side in (arm, versus))
    differences = {seed: mine[seed] - others[seed] for seed in arm.runs if seed in mine and seed in others}
    pilot = [differences[seed] for seed in evidence.pilot if seed in differences]
    sd, wanted = math.nan, None
    if len(pilot) == len(evidence.pilot):
        sd = float(np.std(pilot, ddof=1))
        wanted = seeds_fixed(pilot, evidence.stages.rule.halfwidth)
    fixed = (evidence.stages.fixed or {}).get(one.digest)
    return Contrast(one.digest, arm, versus, differences, sd, wanted, fixed)


def told(evidence: Evidence) -> list[str]:
    """How many seeds were spent, in a sentence; empty where no pilot fixes them."""
    if evidence.stages is None:
        return []
    rule = evidence.stages.rule
    trained = [arm for arm in evidence.arms if arm.trained]
    most = rule.max * len(trained)
    done = sum(len(arm.finished) for arm in trained)
    waiting = sum(one.fixed is None for one in contrasts(evidence))
    said = (
        f"Seeds: a pilot of {rule.pilot}, then as many as its spread asks for to ± {rule.halfwidth:g}"
        f"{_unit(evidence)}, {rule.max} at most: {done} runs were spent of the {most} that {rule.max} seeds "
        "everywhere would take."
    )
    open_ = f" Not fixed yet for {waiting} of {len(evidence.stages.contrasts)} differences." if waiting else ""
    return [said + open_]


def table(evidence: Evidence) -> Table | None:
    """A row for each contrast; None where no pilot fixes the seeds."""
    if evidence.stages is None:
        return None
    stages, rule = evidence.stages, evidence.stages.rule
    found, kind = contrasts(evidence), metric(stages.metric)
    rows, short = [], 0
    for one in found:
        paired = paired_difference(one.differences, dict.fromkeys(one.differences, 0.0), pilot=evidence.pilot)
        sd, half = number(one.sd, kind.decimals + 1), number(paired.difference.half, kind.decimals + 1)
        asked = str(one.wanted) if one.wanted is None or one.wanted < MOST_SAID else f"over {MOST_SAID:,}"
        cells = (
            _OPEN if one.wanted is None else Cell(sd, {"sd": sd}),
            _OPEN if one.wanted is None else Cell(asked, {"asked": asked}),
            _OPEN if one.fixed is None else Cell(str(one.fixed), {"fixed": str(one.fixed)}),
            Cell(str(paired.n), {"n": str(paired.n)}),
            _NONE if math.isnan(paired.difference.low) else Cell(half, {"half_width": half}),
        )
        short += one.wanted is not None and one.wanted > rule.max
        rows.append(Row((evidence.describe(one.arm), evidence.describe(one.versus)), cells))
    scope = ", ".join(f"{HEADS.get(name, name)} {', '.join(listed(wanted))}" for name, wanted in stages.where.items())
    notes = [
        f"{kind.head}{f' ({scope})' if scope else ''}, averaged over what isn't named. Every arm first got the pilot's "
        f"{rule.pilot} seeds; the sd of the {rule.pilot} paired differences then fixed how many seeds both arms were "
        f"to run, so that the 95 % interval would reach ± {rule.halfwidth:g}{_unit(evidence)} or less (Stein 1945), "
        f"{rule.max} at most. A baseline of several arms has the most of theirs.",
        "Seeds were fixed without a look at any difference, once, before the first of them beyond the pilot was begun; "
        "intervals and tests of this report take the spread of the pilot's seeds alone.",
        "Spent: pairs of finished runs. Half-width: that of the 95 % interval over them.",
    ]
    if short:
        notes.append(f"{short} of {len(found)} asked for more than {rule.max} seeds: their intervals are wider.")
    if any(cell is _OPEN for row in rows for cell in row.cells):
        notes.append("Open: the pilot isn't finished, or `repose run` hasn't gone on since.")
    columns = tuple(("seeds" if i in (1, 2, 3) else "", _headed(evidence, i)) for i in range(len(_COLUMNS)))
    recipe = Recipe("seeds", (), tuple(_selection(one, evidence) for one in found))
    title = "Seeds that were spent, and what fixed them"
    return Table(NAME, title, ("arm", "versus"), columns, tuple(rows), tuple(notes), recipe)


def undecided(evidence: Evidence) -> dict[str, Contrast]:
    """Digest → contrast, of those whose pilot is there and whose seeds aren't fixed."""
    return {one.digest: one for one in contrasts(evidence) if one.fixed is None and one.wanted is not None}


def _headed(evidence: Evidence, column: int) -> str:
    unit = _unit(evidence).strip()
    return f"{_COLUMNS[column]}, {unit}" if unit and column in (0, 4) else _COLUMNS[column]


def _unit(evidence: Evidence) -> str:
    unit = metric(evidence.stages.metric).unit
    return f" {unit}" if unit else ""


def _selection(one: Contrast, evidence: Evidence) -> Mapping[str, Any]:
    """All that is needed to compute a row anew."""
    stages, rule = evidence.stages, evidence.stages.rule
    return {
        "arm": dict(one.arm.labels),
        "versus": dict(one.versus.labels),
        "metric": stages.metric,
        "mean": evidence.mean,
        "weights": "best",
        **({} if "test_occlusion" in stages.where else {"test_occlusion": list(evidence.levels)}),
        **stages.where,
        "pilot": list(evidence.pilot),
        "halfwidth": rule.halfwidth,
        "max": rule.max,
        "contrast": one.digest,
    }
