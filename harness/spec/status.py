"""Where a spec stands: what is finished, who is at work on what, what failed and why, and how long it may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from harness.spec.loading import Spec
from harness.spec.makespan import makespan
from harness.spec.plan import Probed, counted, duration, estimates
from harness.spec.run import Run

ORDER = ("finished", "running", "lost", "failed", "stopped", "to do")
_LISTED, _VALUES = 20, 12


class Owner(Protocol):
    """Who does a run."""

    @property
    def host(self) -> str: ...

    @property
    def pid(self) -> int: ...


class Record(Protocol):
    """What is asked of a run's record."""

    @property
    def started(self) -> float: ...

    @property
    def seconds(self) -> float | None: ...

    @property
    def shape(self) -> str | None: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def host(self) -> str | None: ...

    @property
    def owner(self) -> Owner | None: ...


class Standing(Protocol):
    """How one run stands, see `harness.tracking.Standing`."""

    @property
    def state(self) -> str: ...

    @property
    def record(self) -> Record | None: ...

    @property
    def attempts(self) -> int: ...

    @property
    def silence(self) -> float | None: ...

    @property
    def progress(self) -> tuple[int, int] | None: ...


@dataclass(frozen=True)
class AtWork:
    """A run at work, or lost with its owner: since when, where, how far, and how long ago it was last heard."""

    run_id: str
    label: str
    state: str
    host: str | None
    pid: int | None
    since: str
    seconds: float
    step: int | None
    steps: int | None
    silence: float


@dataclass(frozen=True)
class Wrong:
    """A run whose last attempt failed, or was stopped: why, when and where; and how many attempts there were."""

    run_id: str
    label: str
    state: str
    reason: str
    host: str | None
    since: str
    attempts: int


@dataclass(frozen=True)
class Status:
    """What `repose status` says.

    Attributes:
        counts: state → number of runs.
        axes: axis → value → state → number of runs.
        at_work: runs that somebody does, and those that are lost.
        wrong: runs that failed or were stopped.
        to_evaluate: finished runs that lack test conditions of the spec.
        workers: how many the time is for: those at work, or else as many as would be.
        seconds: estimated time until all is finished; None when nothing like it has run.
        unknown: runs that nothing finished resembles, nor a probe tells of.
        by_probe: runs whose time is that of a probe.
    """

    name: str
    digest: str
    runs: int
    counts: dict[str, int]
    axes: dict[str, dict[str, dict[str, int]]]
    at_work: list[AtWork]
    wrong: list[Wrong]
    to_evaluate: int
    workers: int
    seconds: float | None
    unknown: int
    by_probe: int = 0

    @property
    def done(self) -> bool:
        """Whether every run is finished and tested."""
        return self.counts.get("finished", 0) == self.runs and not self.to_evaluate

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The status as people read it."""
        head = f"{self.name}: {counted(self.runs, 'run')}, {_counts(self.counts)}"
        head += f", {self.to_evaluate} to evaluate" if self.to_evaluate else ""
        return [head, *self._axes(), *self._at_work(), *self._wrong(), f"  time: {self._time()}"]

    def _axes(self) -> list[str]:
        shown = {axis: values for axis, values in self.axes.items() if len(values) > 1}
        width = max((len(axis) for axis in shown), default=0)
        inner = max((len(value) for values in shown.values() for value in values), default=0)
        lines = []
        for axis, values in shown.items():
            for number, (value, counts) in enumerate(list(values.items())[:_VALUES]):
                lines.append(f"  {axis if not number else '':<{width}}  {value:<{inner}}  {_counts(counts)}")
            if len(values) > _VALUES:
                lines.append(f"  {'':<{width}}  … {len(values) - _VALUES} more")
        return lines

    def _at_work(self) -> list[str]:
        lines = []
        for one in self.at_work[:_LISTED]:
            far = f", step {one.step} of {one.steps}" if one.steps else ""
            where = f"process {one.pid} of {one.host}" if one.pid is not None else f"on {one.host}"
            end = f", heard {duration(one.silence)} ago"
            if one.state == "lost":
                end = ", which is gone: the next `repose run` takes it over"
            lines.append(f"  {one.state}: {one.label} [{one.run_id}] {where}, for {duration(one.seconds)}{far}{end}")
        return lines + _more(self.at_work)

    def _wrong(self) -> list[str]:
        lines = []
        for one in self.wrong[:_LISTED]:
            tries = f", {one.attempts} attempts" if one.attempts > 1 else ""
            lines.append(f"  {one.state}: {one.label} [{one.run_id}] {one.reason} ({one.since}, {one.host}{tries})")
        lines += _more(self.wrong)
        if self.wrong:
            lines.append(
                f"    their words: repose logs {self.wrong[0].run_id}; again: repose retry {self.name} --failed"
            )
        return lines

    def _time(self) -> str:
        if self.done:
            return "none, all is finished"
        if self.counts.get("finished", 0) == self.runs:
            return f"that of {counted(self.to_evaluate, 'evaluation')}, without training"
        if any(one.state == "running" for one in self.at_work):
            who = f"with the {counted(self.workers, 'worker')} at work"
        else:
            who = f"on {counted(self.workers, 'worker')}; nobody is at work"
        if self.seconds is None:
            return f"unknown {who}"
        known = [f"{counted(self.unknown, 'run')} unlike any finished one"] if self.unknown else []
        known += [f"{counted(self.by_probe, 'run')} as probed"] if self.by_probe else []
        about = f"{'at least' if self.unknown else 'about'} {duration(self.seconds)}"
        about += f" ({', '.join(known)})" if known else ""
        return f"{about} left {who}"


def status(
    spec: Spec,
    standings: Mapping[str, Standing],
    shape_of: Callable[[Run], str],
    *,
    workers: int,
    lacking: int = 0,
    now: float,
    probe_of: Callable[[Run], Probed | None] | None = None,
) -> Status:
    """Compare a spec with how its runs stand.

    Args:
        spec: the spec.
        standings: run id → how it stands, of every run.
        shape_of: what decides a run's time; see `harness.tracking.shape_of`.
        workers: runs at once, if nobody is at work.
        lacking: finished runs that lack evaluations.
        now: seconds since 1970.
        probe_of: what is measured of a run's shape; asked where nothing finished has it.
    """
    axes: dict[str, dict[str, Counter[str]]] = {
        name: {value: Counter() for value in values} for name, values in spec.axes.items()
    }
    for run in spec.runs:
        for name, value in run.labels.items():
            axes[name].setdefault(value, Counter())[standings[run.run_id].state] += 1
    number = sum(found.state == "running" for found in standings.values())
    seconds, unknown, by_probe = _left(spec.runs, standings, shape_of, number or workers, now, probe_of)
    return Status(
        name=spec.name,
        digest=spec.digest,
        runs=len(spec.runs),
        counts=_ordered(Counter(found.state for found in standings.values())),
        axes={name: {value: _ordered(counts) for value, counts in values.items()} for name, values in axes.items()},
        at_work=[busy for run in spec.runs if (busy := _working(run, standings[run.run_id], now)) is not None],
        wrong=[one for run in spec.runs if (one := _gone_wrong(run, standings[run.run_id])) is not None],
        to_evaluate=lacking,
        workers=number or workers,
        seconds=seconds,
        unknown=unknown,
        by_probe=by_probe,
    )


def _left(
    runs: list[Run],
    standings: Mapping[str, Standing],
    shape_of: Callable[[Run], str],
    workers: int,
    now: float,
    probe_of: Callable[[Run], Probed | None] | None,
) -> tuple[float | None, int, int]:
    """Seconds until all is finished, how many runs that leaves out, and how many of the others a probe tells of."""
    to_do = [run for run in runs if standings[run.run_id].state != "finished"]
    records = [found.record for found in standings.values() if found.state == "finished" and found.record is not None]
    waiting, begun, unknown, by_probe = [], [], 0, 0
    for run, typical in zip(to_do, estimates(to_do, records, shape_of), strict=True):
        found, probe = standings[run.run_id], probe_of(run) if probe_of and typical is None else None
        if probe is not None:
            typical = probe.seconds(run)
        if found.state != "running" or found.record is None:
            waiting += [typical] if typical is not None else []
            unknown += typical is None
            by_probe += probe is not None
            continue
        spent, silence = max(0.0, now - found.record.started), found.silence or 0.0
        share = found.progress[0] / found.progress[1] if found.progress and found.progress[1] else 0.0
        if share > 0:
            # How far it was when it was last heard of.
            begun.append(max(0.0, max(spent - silence, 0.0) / share - spent))
        elif typical is not None:
            begun.append(max(0.0, typical - spent))
            by_probe += probe is not None
        else:
            unknown += 1
    if not waiting and not begun:
        return (None, unknown, 0) if to_do else (0.0, 0, 0)
    return makespan(waiting, max(workers, len(begun)), begun), unknown, by_probe


def _working(run: Run, found: Standing, now: float) -> AtWork | None:
    if found.state not in ("running", "lost") or found.record is None:
        return None
    record, progress = found.record, found.progress or (None, None)
    return AtWork(
        run_id=run.run_id,
        label=label(run),
        state=found.state,
        host=record.owner.host if record.owner is not None else record.host,
        pid=record.owner.pid if record.owner is not None else None,
        since=_when(record.started),
        seconds=max(0.0, now - record.started),
        step=progress[0],
        steps=progress[1],
        silence=found.silence or 0.0,
    )


def _gone_wrong(run: Run, found: Standing) -> Wrong | None:
    if found.state not in ("failed", "stopped") or found.record is None:
        return None
    # A reason may go on with a traceback, which stands in the store.
    reason = (found.record.reason or "no reason recorded").partition("\n")[0]
    since = _when(found.record.started)
    return Wrong(run.run_id, label(run), found.state, reason, found.record.host, since, found.attempts)


def label(run: Run) -> str:
    """A run, for people: its axes, or its id."""
    return " ".join(str(value) for value in run.labels.values()) or run.run_id


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in ORDER if counts.get(state)) or "none"


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return {state: counts[state] for state in ORDER if counts.get(state)}


def _more(listed: list[Any]) -> list[str]:
    return [f"    … {len(listed) - _LISTED} more, all of them with --json"] if len(listed) > _LISTED else []


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
