"""From a pilot to the seeds a study needs: the spread of each arm's paired differences, and what it asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from harness.errors import UserError, unknown
from harness.report.area import CURVE
from harness.report.evidence import Arm, Evidence
from harness.report.selection import Column, listed, matches, values
from harness.report.selection import metric as printed
from harness.report.statistics import MOST_SEEDS, paired_difference, seeds_needed

ALPHA = 0.05
CAUTION = 0.8
"""How surely the true sd lies below the upper one (Browne, Statistics in Medicine 14, 1995, advises 80 %)."""
QUESTIONS = ("effect", "halfwidth", "margin")


@dataclass(frozen=True)
class Need:
    """What one arm's pilot asks for.

    Attributes:
        arm: as named in a sentence.
        pairs: seeds that the arm and its baseline share.
        sd: of the paired differences, in the metric's unit; NaN with fewer than two pairs, as is ``upper``.
        upper: one-sided 80 % upper limit of the true sd.
        seeds: for each question, the seeds at ``sd`` and at ``upper``.
        falling: the arm or its baseline was still improving when training ended.
    """

    arm: str
    pairs: int
    sd: float
    upper: float
    seeds: tuple[tuple[int, int], ...] = ()
    falling: bool = False


@dataclass(frozen=True)
class Power:
    """The pilot of a spec, read for some questions.

    Attributes:
        needs: one for each arm beside the baseline.
        questions: (what, size) with what among `QUESTIONS`.
        metric, where: what the differences are of.
        baseline: what they are taken to.
        power: chance of finding an effect (equivalence) of that size.
        level: of the test of an effect: 95 % after Bonferroni, Holm's first step, over the arms.
    """

    needs: tuple[Need, ...]
    questions: tuple[tuple[str, float], ...]
    metric: str
    where: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, str] = field(default_factory=dict)
    power: float = 0.8
    level: float = 0.95

    @property
    def most(self) -> int:
        """Seeds that answer all questions for all arms at the upper sd."""
        return max(cautious for need in self.needs for _, cautious in need.seeds)


def pilot(
    evidence: Evidence,
    questions: Sequence[tuple[str, float]],
    *,
    metric: str = "mpjpe",
    where: Mapping[str, Any] | None = None,
    power: float = 0.8,
) -> Power:
    """Seeds that each arm needs, from what the finished runs left.

    Args:
        evidence: of the pilot.
        questions: (``effect`` | ``halfwidth`` | ``margin``, size in the metric's unit), see `seeds_needed`.
        metric: whose differences.
        where: keeps some conditions or arms; without a test level it is the area under the occlusion curve, where the
            spec has one. What isn't named is averaged over.
        power: chance of finding what is asked for.

    Raises:
        UserError: no baseline, no arm that shares two seeds with it, or a name that isn't in the records.
    """
    where = dict(where or {})
    if not evidence.baseline:
        raise UserError("differences need a baseline beside other arms, and the spec names none", key="report.baseline")
    rows = evidence.frame[(evidence.frame["metric"] == metric).to_numpy()]
    if rows.empty:
        raise unknown("metric", metric, evidence.frame["metric"].astype(str).unique(), key="--metric")
    # A measure that the easiest level lacks (of occluded joints) has no curve.
    if (rows["test_occlusion"] == CURVE).any():
        where.setdefault("test_occlusion", CURVE)
    _check(evidence, rows, where)
    # A filter on axes chooses arms; it mustn't hide the baseline.
    conditions = {name: wanted for name, wanted in where.items() if name not in evidence.arms[0].labels}
    found = values(evidence, evidence.axes, Column({"metric": metric, **conditions}, ("", "")))
    arms = {tuple(arm.labels[axis] for axis in evidence.axes): arm for arm in evidence.arms}
    keys = {id(arm): key for key, arm in arms.items()}
    compared = {
        key: keys[id(base)]
        for key, arm in arms.items()
        if matches(arm, where) and (base := evidence.baseline_of(arm)) is not None
    }
    pairs = {key: paired_difference(found.get(key, {}), found.get(other, {})) for key, other in compared.items()}
    tests = sum(paired.n >= 2 for paired in pairs.values())
    if not tests:
        most = max((paired.n for paired in pairs.values()), default=0)
        named = ", ".join(f"{axis}: {value}" for axis, value in evidence.baseline.items())
        raise UserError(
            f"no arm shares two finished seeds with the baseline ({named}; at most {most} there): a pilot needs two "
            "seeds of both, and better five"
        )
    level = 1 - ALPHA / tests
    needs = []
    for key, other in compared.items():
        shared = [seed for seed in found.get(key, {}) if seed in found.get(other, {})]
        differences = [found[key][seed] - found[other][seed] for seed in shared]
        falling = any(_falling(arms[one], shared) for one in (key, other))
        needs.append(_need(evidence.describe(arms[key]), differences, questions, power, level, falling))
    return Power(tuple(needs), tuple(questions), metric, where, evidence.baseline, power, level)


def lines(found: Power) -> list[str]:
    """The pilot as text: one row an arm, then what the columns mean and how to go on."""
    kind = printed(found.metric)
    unit = f" {kind.unit}" if kind.unit else ""
    place = ", ".join(f"{name}: {'/'.join(listed(value))}" for name, value in found.where.items())
    named = ", ".join(f"{axis}: {value}" for axis, value in found.baseline.items())
    words = {"effect": "to find {}", "halfwidth": "to ± {}", "margin": "equal within {}"}
    asked = [words[what].format(f"{size:g}{unit}") for what, size in found.questions]
    head = ["arm", "pairs", f"sd, {kind.unit}" if unit else "sd", "at most", *asked]
    body = []
    for need in found.needs:
        shown = [_seeds(*both) for both in need.seeds] or ["–"] * len(found.questions)
        spread = [f"{sd:.{kind.decimals + 1}f}" if math.isfinite(sd) else "–" for sd in (need.sd, need.upper)]
        body.append([need.arm + "‡" * need.falling, str(need.pairs), *spread, *shown])
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    table = [
        "  ".join([row[0].ljust(widths[0]), *(text.rjust(w) for text, w in zip(row[1:], widths[1:], strict=True))])
        for row in (head, *body)
    ]
    notes = [
        f"sd of the paired differences to the baseline ({named}); at most: its upper {100 * CAUTION:g} % limit, as few "
        "pairs tell an sd badly.",
        "Seeds an arm: at the pilot's sd – at its upper limit.",
    ]
    if any(what == "effect" for what, _ in found.questions):
        tests = round(ALPHA / (1 - found.level))
        shared = f", corrected for {tests} arms" if tests > 1 else ""
        notes.append(f"To find: a two-sided paired t-test at 5 %{shared}; power {100 * found.power:g} %.")
    if any(what == "halfwidth" for what, _ in found.questions):
        notes.append("To ±: half of the 95 % t interval.")
    if any(what == "margin" for what, _ in found.questions):
        notes.append(f"Equal: two one-sided t-tests at 5 %, without a true difference; power {100 * found.power:g} %.")
    if any(need.pairs < 2 for need in found.needs):
        notes.append("–: fewer than two pairs of seeds, which have no sd.")
    if any(need.falling for need in found.needs):
        notes.append("‡: it or its baseline was still improving when training ended; the sd may change with it.")
    return [f"{kind.head}" + (f" ({place})" if place else ""), "", *table, "", *notes]


def _check(evidence: Evidence, rows: pd.DataFrame, where: Mapping[str, Any]) -> None:
    known = [*evidence.arms[0].labels, "test_occlusion", "cameras", "weights", "group"]
    for name, wanted in where.items():
        if name not in known:
            raise unknown("axis", name, known, key="--where")
        held = rows[name].astype(str).unique()
        for value in listed(wanted):
            if value not in held:
                raise unknown(f"value of {name}", value, held, key="--where")


def _falling(arm: Arm, seeds: Sequence[int]) -> bool:
    return any(seed in arm.falling for seed in seeds)


def _need(
    arm: str,
    differences: list[float],
    questions: Sequence[tuple[str, float]],
    power: float,
    level: float,
    falling: bool,
) -> Need:
    n = len(differences)
    if n < 2:
        return Need(arm, n, math.nan, math.nan, (), falling)
    sd = float(np.std(differences, ddof=1))
    upper = sd * math.sqrt((n - 1) / float(chdtri(n - 1, CAUTION)))
    levels = {"effect": level, "halfwidth": 1 - ALPHA, "margin": 1 - ALPHA}
    seeds = [
        tuple(seeds_needed(one, **{what: size}, power=power, level=levels[what]) for one in (sd, upper))
        for what, size in questions
    ]
    return Need(arm, n, sd, upper, tuple((at, cautious) for at, cautious in seeds), falling)


def _seeds(at: int, cautious: int) -> str:
    shown = [f"over {MOST_SEEDS:,}" if n >= MOST_SEEDS else str(n) for n in (at, cautious)]
    return shown[0] if at == cautious else " – ".join(shown)
