"""What running a spec would mean: counts, what is done already, how long the rest may take."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from harness.spec.loading import Spec
from harness.spec.makespan import makespan
from harness.spec.run import Run


class Finished(Protocol):
    """What a plan asks of the record of a finished run: its wall time and the shape that decides it."""

    @property
    def seconds(self) -> float | None: ...

    @property
    def shape(self) -> str | None: ...


class Probed(Protocol):
    """What a plan asks of the measure of a run's shape, see `harness.spec.probes.Probe`."""

    def seconds(self, run: Run) -> float:
        """How long a run of the shape takes."""
        ...


@dataclass(frozen=True)
class Plan:
    """What `repose plan` says.

    Attributes:
        axes: axis → value → number of runs.
        runs, finished, to_do: numbers of runs; ``to_do`` after ``limit``.
        to_evaluate: finished runs to be tested on conditions that the spec gained since, without training.
        finished_known: whether a store was asked.
        seconds: estimated wall time of the runs to do, each taken by the next worker that is free; None when nothing
            like it has run.
        hours: sum of the runs' own hours, those of unknown length left out; None likewise.
        gpu_hours: the like, times the share of a GPU that each has; None likewise, and where none is asked for.
        by_finished, by_probe: runs to do whose time is that of finished ones of their shape, or that of a probe.
        unknown: runs to do that neither tells of.
        packed: how many runs a GPU, or this machine, holds, in words; see `harness.spec.packed`.
    """

    name: str
    digest: str
    axes: dict[str, dict[str, int]]
    runs: int
    finished: int
    to_do: int
    to_evaluate: int
    finished_known: bool
    workers: int
    seconds: float | None
    hours: float | None
    gpu_hours: float | None
    by_finished: int
    by_probe: int
    unknown: int
    packed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The plan as people read it."""
        width = max(len(axis) for axis in self.axes)
        shown = []
        for axis, values in self.axes.items():
            parts = [f"{value} ({count})" for value, count in list(values.items())[:12]]
            more = f", … {len(values) - 12} more" if len(values) > 12 else ""
            shown.append(f"  {axis:<{width}}  {', '.join(parts)}{more}")
        done = f"{self.finished} finished" if self.finished_known else "finished unknown (offline)"
        time = "unknown" if self.seconds is None else duration(self.seconds)
        more = counted(self.to_evaluate, "evaluation") if self.to_evaluate else ""
        if self.to_do == 0:
            time = f"that of {more}, without training" if more else "none"
        elif self.seconds is not None and self.unknown:
            time = f"at least {time} ({counted(self.unknown, 'run')} unlike any finished one)"
        if self.to_do and more:
            time = f"{time}, and that of {more}"
        head = f"{self.name}: {counted(self.runs, 'run')}, {done}, {self.to_do} to do"
        head += f", {self.to_evaluate} to evaluate" if more else ""
        shown += [f"  time: {time}, on {counted(self.workers, 'worker')}"]
        return [head, *shown, *self._work(), *(f"  {line}" for line in self.packed)]

    def _work(self) -> list[str]:
        """What the time is made of, and how it is known."""
        if not self.to_do or self.hours is None:
            return []
        work = f"{duration(3600 * self.hours)} of runs"
        work += f", {self.gpu_hours:.3g} GPU-hours" if self.gpu_hours is not None else ""
        known = [f"{self.by_finished} as finished ones of their shape"] if self.by_finished else []
        known += [f"{self.by_probe} as probed"] if self.by_probe else []
        known += [f"{self.unknown} unknown (--probe measures them)"] if self.unknown else []
        return [f"  work: {work} ({', '.join(known)})"]


def counted(number: int, what: str) -> str:
    """``1 run`` or ``2 runs``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """``3 h 20 min``, ``4 min 10 s`` or ``12 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def plan(
    spec: Spec,
    finished: Mapping[str, Finished] | None,
    shape_of: Callable[[Run], str],
    *,
    workers: int = 1,
    limit: int | None = None,
    lacking: int = 0,
    probe_of: Callable[[Run], Probed | None] | None = None,
    gpu_of: Callable[[Run], float] | None = None,
    packed: tuple[str, ...] = (),
) -> Plan:
    """Compare a spec with what is done.

    Args:
        spec: the spec.
        finished: run id → record of the finished runs; None when no store was asked.
        shape_of: what decides a run's time; see `harness.tracking.shape_of`.
        workers: runs at once.
        limit: at most so many are to be done, runs before evaluations.
        lacking: finished runs that lack evaluations; see `harness.tracking.unevaluated`.
        probe_of: what is measured of a run's shape; asked where nothing finished has it.
        gpu_of: the share of a GPU that a run has; by default what the spec says.
        packed: lines that say how runs share a machine.
    """
    done = finished or {}
    to_do = [run for run in spec.runs if run.run_id not in done][:limit]
    axes: dict[str, dict[str, int]] = {name: dict.fromkeys(values, 0) for name, values in spec.axes.items()}
    for run in spec.runs:
        for name, value in run.labels.items():
            axes[name][value] = axes[name].get(value, 0) + 1
    like = estimates(to_do, done.values(), shape_of)
    probed = [probe_of(run) if probe_of and found is None else None for run, found in zip(to_do, like, strict=True)]
    each = [
        found if probe is None else probe.seconds(run) for run, found, probe in zip(to_do, like, probed, strict=True)
    ]
    known = [(run, seconds) for run, seconds in zip(to_do, each, strict=True) if seconds is not None]
    total = makespan([seconds for _, seconds in known], workers) if known else None
    given = 0.0 if spec.resources.gpu == "auto" else float(spec.resources.gpu)
    share, on_gpu = gpu_of or (lambda run: given), gpu_of is not None or given > 0
    return Plan(
        name=spec.name,
        digest=spec.digest,
        axes=axes,
        runs=len(spec.runs),
        finished=sum(run.run_id in done for run in spec.runs),
        to_do=len(to_do),
        to_evaluate=lacking if limit is None else min(lacking, limit - len(to_do)),
        finished_known=finished is not None,
        workers=workers,
        seconds=total if to_do else 0.0,
        hours=sum(seconds for _, seconds in known) / 3600 if known else None,
        gpu_hours=sum(seconds * share(run) for run, seconds in known) / 3600 if known and on_gpu else None,
        by_finished=sum(found is not None for found in like),
        by_probe=sum(found is not None for found in probed),
        unknown=len(to_do) - len(known),
        packed=packed,
    )


def estimates(
    runs: Collection[Run], finished: Iterable[Finished], shape_of: Callable[[Run], str]
) -> list[float | None]:
    """Median wall time of the finished runs of each run's shape."""
    if not runs:
        return []
    times: dict[str, list[float]] = {}
    for record in finished:
        if record.shape is not None and record.seconds is not None:
            times.setdefault(record.shape, []).append(record.seconds)
    typical = {shape: statistics.median(seconds) for shape, seconds in times.items()}
    if not typical:
        return [None] * len(runs)
    # Runs share their parts, so most shapes are asked for once.
    shapes: dict[tuple[int, ...], str] = {}
    found = []
    for run in runs:
        key = (id(run.data), id(run.backbone), id(run.objective), id(run.train))
        if key not in shapes:
            shapes[key] = shape_of(run)
        found.append(typical.get(shapes[key]))
    return found
