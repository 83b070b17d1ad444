"""Claims in the report: a table whose bands are the sentences, with what each verdict rests on below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.area import CURVE, is_area
from harness.report.claims import Finding, findings
from harness.report.decision import INCONCLUSIVE, POWER, REFUTED, SUPPORTED, UNDECIDED
from harness.report.evidence import Evidence
from harness.report.records import option
from harness.report.selection import EVALUATION, HEADS, Metric, listed, metric
from harness.report.table import Cell, Recipe, Row, Table, number, p_text

NAME = "claims"
BEFORE, POST_HOC = "before the runs", "post hoc"
_COLUMNS = ("verdict", "difference", "claimed", "stated")
_VERDICTS = (
    "Supported: the whole interval lies at or beyond what is claimed. Refuted: the whole interval is short of it. "
    "Equivalent: neither, and two one-sided tests at 2.5 % put the difference within ± the margin. Inconclusive: none "
    "of these. Undecided: the runs may not decide, for the reason given."
)


def claims_table(spec: Any, evidence: Evidence) -> Table | None:
    """The table of a spec's claims; None if it states none.

    Raises:
        UserError: a claim that isn't about exactly two arms of the evidence.
    """
    claims = option(spec, "claims", ())
    if not claims:
        return None
    found = findings(evidence, claims, spec.name, option(spec, "digest", ""))
    return table(found, evidence, [claim.text for claim in option(spec, "awaited", ())])


def table(found: Sequence[Finding], evidence: Evidence, awaited: Sequence[str] = ()) -> Table:
    """One row a claim, under its sentence; ``awaited`` are the sentences about tuned values that aren't there."""
    rows = tuple(_row(finding, i, evidence) for i, finding in enumerate(found, 1))
    notes = [f"{i}: {_rests_on(finding)}" for i, finding in enumerate(found, 1)]
    notes.append(
        "Differences: mean of the first arm minus the second over pairs of equal seeds, 95 % interval, pairs counted; "
        f"over seeds, of these subjects. {_VERDICTS}"
    )
    notes += [f"Not decided, as tuning hasn't changed an arm that it is about: {text.rstrip('.')}." for text in awaited]
    if len(found) > 1:
        notes.append(f"Each claim is decided by itself: nothing is corrected for there being {len(found)} of them.")
    if any(not one.registered for one in found):
        notes.append(
            "Post hoc: the store didn't know the claim when the first of its runs started, so that it may have been "
            "made to fit what they showed."
        )
    if evidence.scale is not None and any(_at_curve(one) for one in found):
        notes.append(evidence.scale.told)
    recipe = Recipe("claim", (), tuple(_selection(one, evidence) for one in found))
    columns = tuple(("", column) for column in _COLUMNS)
    return Table(NAME, "Claims", ("arm", "versus"), columns, rows, tuple(notes), recipe)


def _row(finding: Finding, place: int, evidence: Evidence) -> Row:
    decision, kind = finding.decision, metric(finding.claim.metric)
    verdict = Cell(
        decision.verdict,
        {"verdict": decision.verdict, **({} if decision.seeds is None else {"seeds_needed": str(decision.seeds)})},
    )
    stated = BEFORE if finding.registered else POST_HOC
    cells = (verdict, _difference(finding, kind), _claimed(finding, kind), Cell(stated, {"stated": stated}))
    keys = (evidence.describe(finding.arm), evidence.describe(finding.versus))
    return Row(keys, cells, band=f"{place}. {finding.claim.text}")


def _difference(finding: Finding, kind: Metric) -> Cell:
    paired, same = finding.decision.paired, finding.decision.equivalence
    if not paired.n:
        return Cell("missing", missing=True)
    decimals = kind.decimals + 1
    numbers = {"difference": number(paired.difference.mean, decimals, signed=True)}
    text = f"{numbers['difference']} {kind.unit}".rstrip()
    if not math.isnan(paired.difference.low):
        numbers["low"] = number(paired.difference.low, decimals, signed=True)
        numbers["high"] = number(paired.difference.high, decimals, signed=True)
        text += f" [{numbers['low']}, {numbers['high']}]"
    if same is not None and not math.isnan(same.p):
        numbers["p_equivalence"] = p_text(same.p)
    return Cell(f"{text} ({paired.n})", {**numbers, "n": str(paired.n)})


def _claimed(finding: Finding, kind: Metric) -> Cell:
    claim = finding.claim
    text = f"≥ {_amount(claim.at_least, kind)} {claim.direction}" if claim.at_least else claim.direction
    numbers = {"direction": claim.direction, "at_least": f"{claim.at_least:g}"}
    if claim.margin is not None:
        text += f", margin ±{_amount(claim.margin, kind)}"
        numbers["margin"] = f"{claim.margin:g}"
    return Cell(text, numbers)


def _rests_on(finding: Finding) -> str:
    """What was compared, why it isn't decided or what would decide it, and what the reader must know besides."""
    decision, kind = finding.decision, metric(finding.claim.metric)
    said = [", ".join(filter(None, (kind.label, _scope(finding)))) + "."]
    if decision.verdict == UNDECIDED:
        said.append(f"Undecided: {'; '.join(decision.reasons)}.")
    if decision.verdict == INCONCLUSIVE and decision.seeds is None:
        said.append("No reachable number of seeds would decide it, were the difference found the true one.")
    elif decision.verdict == INCONCLUSIVE:
        chance = f"{100 * POWER:.0f} % probability"
        said.append(f"{decision.seeds:,} seeds would decide it with {chance}, were difference and spread as found.")
    if decision.verdict in (SUPPORTED, REFUTED) and decision.equivalence and decision.equivalence.equivalent:
        said.append("The difference is also within the margin.")
    if decision.paired.unpaired:
        left_out = ", ".join(str(seed) for seed in decision.paired.unpaired)
        said.append(f"Unequal seeds: paired down to common ones, without seed {left_out}.")
    if finding.changed:
        said.append(f"The spec has changed since the claim was registered (its digest was {finding.changed}).")
    return " ".join(said)


def _scope(finding: Finding) -> str:
    """Where the claim is decided; the row's keys say for which arms."""
    levels = listed(finding.claim.where.get("test_occlusion", ()))
    said = []
    if _at_curve(finding):
        process = levels[0].removeprefix(CURVE).removeprefix("/")
        said.append("area under the occlusion curve" + (f" of {process}" if process else ""))
    for name, wanted in finding.claim.where.items():
        if name not in (*finding.averaged, *finding.arm.labels) and not is_area(listed(wanted)[0]):
            said.append(f"{HEADS.get(name, name)} {', '.join(listed(wanted))}")
    averaged = [f"{HEADS.get(name, name)} ({', '.join(of)})" for name, of in finding.averaged.items()]
    return ", ".join([*said, *([f"averaged over {' and '.join(averaged)}"] if averaged else [])])


def _at_curve(finding: Finding) -> bool:
    levels = listed(finding.claim.where.get("test_occlusion", ()))
    return len(levels) == 1 and is_area(levels[0])


def _amount(value: float, kind: Metric) -> str:
    shown = number(value, kind.decimals) if round(value, kind.decimals) == value else f"{value:g}"
    return f"{shown} {kind.unit}".rstrip()


def _selection(finding: Finding, evidence: Evidence) -> Mapping[str, Any]:
    """All that is needed to compute a row anew."""
    claim = finding.claim
    conditions = {name: wanted for name, wanted in claim.where.items() if name not in finding.arm.labels}
    unsaid = {name: list(getattr(evidence, kept)) for name, kept in zip(EVALUATION, ("levels", "cameras"), strict=True)}
    return {
        "arm": dict(finding.arm.labels),
        "versus": dict(finding.versus.labels),
        "metric": claim.metric,
        "mean": evidence.mean,
        "weights": "best",
        **unsaid,
        **conditions,
        "direction": claim.direction,
        "at_least": claim.at_least,
        "margin": claim.margin,
    }
