"""Claims decided: what the paired differences of the finished runs say about each sentence of the spec."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from harness.errors import UserError
from harness.report.area import is_area
from harness.report.decision import UNDECIDED, Decision, decide
from harness.report.evidence import Arm, Evidence
from harness.report.selection import Column, filtered, listed, values
from harness.spec.claims import Claim, compared

_DIMENSIONS = ("test_occlusion", "cameras", "weights", "group")


@dataclass(frozen=True)
class Finding:
    """A claim with its decision and what that rests on.

    Attributes:
        claim: as the spec states it.
        arm, versus: the two arms.
        decision: what became of it.
        registered: whether the store knew the claim before the first of the runs that decide it started.
        changed: digest of the spec's content when it was registered, where that has changed since.
        averaged: dimension → the values that are averaged over.
    """

    claim: Claim
    arm: Arm
    versus: Arm
    decision: Decision
    registered: bool
    changed: str | None
    averaged: Mapping[str, tuple[str, ...]]


def findings(evidence: Evidence, claims: Iterable[Claim], spec: str, digest: str = "") -> list[Finding]:
    """Every claim decided.

    Args:
        claims: of a spec, checked (`harness.spec.claim_checks`).
        spec: its name.
        digest: of its content now.

    Raises:
        UserError: a claim that isn't about exactly two arms of the evidence.
    """
    return [_finding(evidence, claim, claim.digest(spec), digest) for claim in claims]


def _finding(evidence: Evidence, claim: Claim, key: str, digest: str) -> Finding:
    pairs = compared(claim, [arm.labels for arm in evidence.arms])
    if len(pairs) != 1:
        raise UserError(f"the claim '{claim.text}' is about {len(pairs)} pairs of arms; expected one", key="claims")
    left, right = (next(arm for arm in evidence.arms if arm.labels == labels) for labels in pairs[0])
    seeds = sorted(set(left.runs) & set(right.runs))
    sides = [{seed: side[seed] for seed in seeds if seed in side} for side in _values(evidence, claim, left, right)]
    decision = decide(
        *sides, direction=claim.direction, at_least=claim.at_least, margin=claim.margin, pilot=evidence.pilot
    )
    others = sorted(set(left.runs) ^ set(right.runs))
    decision = replace(decision, paired=replace(decision.paired, unpaired=tuple(others)))
    against = [*_unfinished(left, right, seeds), *_untested(evidence, claim, left, right, seeds)]
    against += [] if against else _unlogged(evidence, claim, sides, seeds)
    against += _unconverged(evidence, left, right, seeds)
    if against:
        reasons = (*against, *decision.reasons) if decision.paired.n else tuple(against)
        decision = replace(decision, verdict=UNDECIDED, seeds=None, reasons=reasons)
    known = evidence.registered.get(key)
    run_ids = [arm.runs[seed] for arm in (left, right) for seed in seeds]
    changed = known.spec if known is not None and digest and known.spec != digest else None
    averaged = _averaged(evidence, claim, left, run_ids)
    return Finding(claim, left, right, decision, before_runs(known, evidence.started, run_ids), changed, averaged)


def before_runs(known: Any, started: Mapping[str, str], run_ids: Iterable[str]) -> bool:
    """Whether a claim was registered no later than any of these runs started; a run that hasn't started is later.

    Args:
        known: its registration (``at``: seconds since 1970), None if there is none.
        started: run_id → ISO time, of those that have.
    """
    if known is None:
        return False
    begun = [datetime.fromisoformat(started[run_id]).timestamp() for run_id in run_ids if run_id in started]
    return all(round(known.at * 1000) <= round(at * 1000) for at in begun)


def _values(evidence: Evidence, claim: Claim, left: Arm, right: Arm) -> list[dict[int, float]]:
    rows = tuple(left.labels)
    if claim.metric not in set(evidence.frame["metric"]):
        return [{}, {}]
    conditions = {name: wanted for name, wanted in claim.where.items() if name not in left.labels}
    found = values(evidence, rows, Column({"metric": claim.metric, **conditions}, ("", "")))
    return [found.get(tuple(arm.labels[axis] for axis in rows), {}) for arm in (left, right)]


def _averaged(evidence: Evidence, claim: Claim, arm: Arm, run_ids: list[str]) -> dict[str, tuple[str, ...]]:
    """Dimension → its values that one number of a run is the mean of, where there are several.

    Not all that a claim speaks of need have a number: occluded joints have no error where nothing is occluded.
    """
    conditions = {name: wanted for name, wanted in claim.where.items() if name not in arm.labels}
    over: dict[str, Iterable[str]] = {}
    if claim.metric in set(evidence.frame["metric"]):
        rows = filtered(evidence, {"metric": claim.metric, **conditions})
        rows = rows[rows["run_id"].isin(run_ids)]
        over = {name: set(rows[name]) for name in _DIMENSIONS} if len(rows) else {}
    if not over:
        over = {} if _of_area(claim) else dict(_scope(evidence, claim))
    order = [*evidence.levels, *evidence.cameras]
    return {
        name: tuple(sorted(found, key=lambda value: (order.index(value) if value in order else -1, value)))
        for name, found in over.items()
        if len(set(found)) > 1
    }


def _scope(evidence: Evidence, claim: Claim) -> dict[str, list[str]]:
    """The test levels and cameras that a claim speaks of."""
    levels, scale = listed(claim.where.get("test_occlusion", evidence.levels)), evidence.scale
    return {
        "test_occlusion": list(scale.areas[levels[0]]) if scale is not None and _of_area(claim) else levels,
        "cameras": listed(claim.where.get("cameras", evidence.cameras)),
    }


def _of_area(claim: Claim) -> bool:
    levels = listed(claim.where.get("test_occlusion", ()))
    return len(levels) == 1 and is_area(levels[0])


def _unfinished(left: Arm, right: Arm, seeds: list[int]) -> list[str]:
    lacking = sum(seed not in arm.finished for arm in (left, right) for seed in seeds)
    return [f"{lacking} of its {2 * len(seeds)} runs aren't finished"] if lacking else []


def _untested(evidence: Evidence, claim: Claim, left: Arm, right: Arm, seeds: list[int]) -> list[str]:
    wanted = set(itertools.product(*_scope(evidence, claim).values()))
    held = [
        {condition[:2] for conditions in evidence.files[arm.runs[seed]].values() for condition in conditions}
        for arm in (left, right)
        for seed in seeds
        if arm.runs[seed] in evidence.files
    ]
    lacking = sum(not wanted <= conditions for conditions in held)
    return [f"{lacking} of its {len(held)} runs aren't tested yet under all it speaks of"] if lacking else []


def _unlogged(evidence: Evidence, claim: Claim, sides: list[dict[int, float]], seeds: list[int]) -> list[str]:
    if all(seed in side for side in sides for seed in seeds):
        return []
    logged = sorted(set(evidence.frame["metric"]))
    if claim.metric not in logged:
        return [f"no finished run has logged {claim.metric} (logged: {', '.join(logged)})"]
    return [f"{claim.metric} has no value there in some of its runs"]


def _unconverged(evidence: Evidence, left: Arm, right: Arm, seeds: list[int]) -> list[str]:
    done = [(arm, seed) for arm in (left, right) for seed in seeds if seed in arm.finished]
    falling = sum(seed in arm.falling for arm, seed in done)
    unknown = sum(not _told(evidence, arm, seed) for arm, seed in done)
    said = [f"{falling} of its {len(done)} runs were still falling when training ended"] if falling else []
    if unknown:
        said.append(f"{unknown} of its {len(done)} runs left too few validation points to tell if they had converged")
    return said


def _told(evidence: Evidence, arm: Arm, seed: int) -> bool:
    """Whether a run's curve tells if it had converged; one without trained parameters had nothing to converge."""
    trained = evidence.summaries.get(arm.runs[seed], {}).get("parameters", math.inf) > 0
    return not trained or seed in arm.gains
