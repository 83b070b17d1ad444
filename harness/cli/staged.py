"""Seeds in two stages: which runs a spec asks for now, and a sweep that goes from the pilot to what it fixed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.spec.plan import counted

if TYPE_CHECKING:
    from harness.spec import Spec
    from harness.sweep import SweepOutcome

    Sweep = Callable[[Spec, int | None, Collection[str] | None], SweepOutcome]
    """Does a spec's runs: at most so many, and of them only these."""


def narrowed(spec: Spec, uri: str | None) -> Spec:
    """The spec with the runs that it asks for as far as the store knows; itself where no pilot fixes its seeds.

    Raises:
        UserError: the store doesn't answer, or fixed its seeds by another rule.
    """
    if spec.stages is None:
        return spec
    from harness.tracking import fixing

    return spec.narrowed(fixing.fixed(uri, spec.stages.digests))


def sweep(
    spec: Spec, uri: str | None, run: Sweep, limit: int | None = None, fail_fast: bool = False
) -> tuple[Spec, SweepOutcome]:
    """Do the pilot, fix the seeds of each contrast whose pilot is there, and go on with these; without one, just run.

    May be stopped at any point and begun again: what is fixed is read from the store, which keeps what was first
    written. A contrast whose pilot lacks a run (it failed) waits, and is told of.

    Args:
        spec: with all the runs that there may be.
        uri: the store.
        run: does the runs of a spec.
        limit: at most so many runs and evaluations this time.
        fail_fast: go no further than the first failure.
    Returns:
        the spec with the runs that were asked for in the end, and what became of them.
    """
    now = narrowed(spec, uri)
    outcome = run(now, limit, None)
    if now.stages is None:
        return now, outcome
    while not outcome.interrupted and not _used_up(outcome, limit):
        if not (outcome.finished or outcome.skipped) or (fail_fast and outcome.failed) or not _fixed(now, uri):
            break
        now = narrowed(spec, uri)
        left = None if limit is None else limit - _spent(outcome)
        # What failed has been tried as often as it may be.
        wanted = [one.run_id for one in now.runs if one.run_id not in outcome.failed]
        outcome = _joined(outcome, run(now, left, wanted))
    _say_waiting(now, outcome)
    return now, outcome


def _fixed(spec: Spec, uri: str | None) -> bool:
    """Fix the seeds of the contrasts whose pilot is there; whether there was any."""
    from harness.report import records, stages
    from harness.tracking import fixing

    assert spec.stages is not None
    rule = spec.stages.rule
    evidence = records.load(spec, records.Store(uri))
    found = stages.undecided(evidence)
    decided = {
        digest: fixing.Fixed(min(one.wanted or 0, rule.max), one.wanted or 0, one.sd, spec.stages.said, spec.digest)
        for digest, one in found.items()
    }
    names = {one.digest: one.name for one in spec.stages.contrasts}
    for digest, one in fixing.fix(uri, decided).items():
        asked = f", asked for {one.wanted:,}" if one.wanted > one.n else ""
        print(f"seeds of '{names[digest]}' fixed: {one.n} (pilot's sd {one.sd:.3g}{asked})")
    return bool(decided)


def lines(spec: Spec, runs: int) -> list[str]:
    """What `repose plan` says of the stages.

    Args:
        spec: narrowed to what it asks for now.
        runs: how many it may ask for at most.
    """
    stages = spec.stages
    if stages is None:
        return []
    rule, fixed = stages.rule, stages.fixed or {}
    open_ = [one for one in stages.contrasts if one.digest not in fixed]
    said = [f"{one.name} {fixed[one.digest]}" for one in stages.contrasts if one.digest in fixed]
    head = f"  seeds: a pilot of {rule.pilot}, then up to {rule.max} for ± {rule.halfwidth:g} ({stages.metric})"
    shown = [f"{head}; fixed: {', '.join(said)}" if said else f"{head}: pilot now"]
    if open_:
        more = _more(spec, runs)
        names = ", ".join(one.name for one in open_)
        shown.append(f"         not fixed yet for {names}: up to {counted(more, 'run')} more")
    return shown


def as_dict(spec: Spec, runs: int) -> dict[str, Any]:
    """The same as plain data: nothing where no pilot fixes the seeds."""
    stages = spec.stages
    if stages is None:
        return {}
    rule, fixed = stages.rule, stages.fixed or {}
    each = {one.name: fixed.get(one.digest) for one in stages.contrasts}
    told = {"pilot": rule.pilot, "max": rule.max, "halfwidth": rule.halfwidth, "metric": stages.metric}
    return {"seeds": {**told, "where": stages.where, "fixed": each, "more_runs_at_most": _more(spec, runs)}}


def _more(spec: Spec, runs: int) -> int:
    """How many runs may come on top of those that are asked for now."""
    assert spec.stages is not None
    rule, fixed = spec.stages.rule, spec.stages.fixed or {}
    open_ = [one for one in spec.stages.contrasts if one.digest not in fixed]
    sides = {run_id for one in open_ for side in (one.arm, one.base) for run_id in side[: rule.max]}
    return min(runs, len({run.run_id for run in spec.runs} | sides)) - len(spec.runs)


def _say_waiting(spec: Spec, outcome: SweepOutcome) -> None:
    assert spec.stages is not None
    fixed = spec.stages.fixed or {}
    for one in spec.stages.contrasts:
        pilot = [*one.arm[: spec.stages.rule.pilot], *one.base[: spec.stages.rule.pilot]]
        failed = sum(run_id in outcome.failed for run_id in pilot)
        if one.digest not in fixed and failed:
            print(f"seeds of '{one.name}' aren't fixed: {counted(failed, 'run')} of its pilot failed (`repose retry`)")


def _used_up(outcome: SweepOutcome, limit: int | None) -> bool:
    return limit is not None and _spent(outcome) >= limit


def _spent(outcome: SweepOutcome) -> int:
    return len(outcome.finished) + len(outcome.failed) + len(outcome.evaluated)


def _joined(first: SweepOutcome, then: SweepOutcome) -> SweepOutcome:
    """Two sweeps as one: what the second found finished counts as the first had done it."""
    done = set(first.finished)
    return replace(
        then,
        finished=[*first.finished, *then.finished],
        skipped=[run_id for run_id in then.skipped if run_id not in done],
        evaluated=[*first.evaluated, *then.evaluated],
        failed={**first.failed, **then.failed},
        left=[run_id for run_id in then.left if run_id not in first.failed],
        seconds=first.seconds + then.seconds,
        train_seconds=first.train_seconds + then.train_seconds,
    )
