"""What running a spec would mean: counts, what is done already, how long the rest may take."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from harness.spec.loading import Spec
from harness.spec.run import Run


class Finished(Protocol):
    """What a plan asks of the record of a finished run: its wall time and the shape that decides it."""

    @property
    def seconds(self) -> float | None: ...

    @property
    def shape(self) -> str | None: ...


@dataclass(frozen=True)
class Plan:
    """What `repose plan` says.

    Attributes:
        axes: axis → value → number of runs.
        runs, finished, to_do: numbers of runs; ``to_do`` after ``limit``.
        to_evaluate: finished runs to be tested on conditions that the spec gained since, without training.
        finished_known: whether a store was asked.
        seconds: estimated wall time of the runs to do; None when nothing like it has run.
        unknown: runs to do that nothing finished resembles.
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
    unknown: int

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
        return [head, *shown, f"  time: {time}, on {counted(self.workers, 'worker')}"]


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
) -> Plan:
    """Compare a spec with what is done.

    Args:
        spec: the spec.
        finished: run id → record of the finished runs; None when no store was asked.
        shape_of: what decides a run's time; see `harness.tracking.shape_of`.
        workers: runs at once.
        limit: at most so many are to be done, runs before evaluations.
        lacking: finished runs that lack evaluations; see `harness.tracking.unevaluated`.
    """
    done = finished or {}
    to_do = [run for run in spec.runs if run.run_id not in done][:limit]
    axes: dict[str, dict[str, int]] = {name: dict.fromkeys(values, 0) for name, values in spec.axes.items()}
    for run in spec.runs:
        for name, value in run.labels.items():
            axes[name][value] = axes[name].get(value, 0) + 1
    known = [seconds for seconds in estimates(to_do, done.values(), shape_of) if seconds is not None]
    # The longest run can't be shared between workers.
    total = max(sum(known) / max(1, min(workers, len(to_do))), max(known)) if known else None
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
        unknown=len(to_do) - len(known),
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
