"""What a sweep shows: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from harness.sweep.worker import Progress

_EVERY = 1.0
"""Seconds between plain lines, failures excepted."""


@dataclass
class Counts:
    """The state of a sweep, as shown.

    Attributes:
        total: runs of the spec.
        skipped: finished before.
        todo: to be done in this sweep, those at work included.
        finished, failed: of these.
        falling: finished here while their validation error was still falling (see `harness.convergence`).
        elsewhere: at work for another driver.
        evaluations: finished runs to be tested on what they lack; of these evaluated and unevaluated (failed).
        workers: how many work.
        best: label and validation MPJPE (mm) of the best run so far.
        seconds: time of each run finished here.
        evaluation_seconds: time of each evaluation added here.
    """

    total: int
    skipped: int
    todo: int
    workers: int
    finished: int = 0
    failed: int = 0
    falling: int = 0
    elsewhere: int = 0
    best: tuple[str, float] | None = None
    seconds: list[float] = field(default_factory=list)
    evaluations: int = 0
    evaluated: int = 0
    unevaluated: int = 0
    evaluation_seconds: list[float] = field(default_factory=list)

    def line(self) -> str:
        """All counts in a line."""
        parts = [f"{self.skipped + self.finished}/{self.total} finished"]
        parts += [f"{self.falling} still falling"] if self.falling else []
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.elsewhere} elsewhere"] if self.elsewhere else []
        parts += [f"{self.evaluated}/{self.evaluations} evaluated"] if self.evaluations else []
        parts += [f"{self.unevaluated} evaluation{'s' * (self.unevaluated != 1)} failed"] if self.unevaluated else []
        return ", ".join(parts)

    def eta(self, current: Mapping[str, tuple[float, Progress]]) -> float | None:
        """Seconds left, from the runs finished here, or from how far the current ones are; None if unknown.

        Evaluations count once one has been added: beside runs they are short.

        Args:
            current: label → seconds at work and progress.
        """
        shares = {label: p.step / p.steps if p.steps else 0.0 for label, (_, p) in current.items()}
        known = self.seconds or [current[label][0] / share for label, share in shares.items() if share > 0]
        runs = self.todo - self.finished - self.failed
        evaluations = self.evaluations - self.evaluated - self.unevaluated
        if not (known if runs else self.evaluation_seconds):
            return None
        work = max(0.0, runs - sum(shares.values())) * _mean(known) + evaluations * _mean(self.evaluation_seconds)
        return work / max(1, self.workers)


class Display:
    """Shows `Counts` and the current runs; a context manager.

    Args:
        counts: kept up to date by the sweep.
        console: where to show it; standard output by default.
    """

    def __init__(self, counts: Counts, console: Console | None = None) -> None:
        self.counts, self._console = counts, console or Console(highlight=False)
        self._live: Live | None = None
        self._last = 0.0

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        counts = self.counts
        done = f", {counts.skipped} finished before" if counts.skipped else ""
        more = f", {counts.evaluations} to evaluate" if counts.evaluations else ""
        workers = f"{counts.workers} worker{'s' * (counts.workers != 1)}"
        self.say(f"{counts.todo} of {counts.total} runs to do{done}{more}, {workers}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def live(self) -> bool:
        """Whether there's a panel to be kept up to date."""
        return self._live is not None

    def say(self, text: str, style: str | None = None) -> None:
        """A line that stays."""
        self._console.print(Text(text, style=style or ""), soft_wrap=True)

    def finished(self, label: str, seconds: float, val_mpjpe: float | None) -> None:
        """A run is done. Plain lines are thinned out when runs are many and short."""
        now = time.monotonic()
        if self._live is None and now - self._last >= _EVERY:
            self._last = now
            score = f", {val_mpjpe:.1f} mm" if val_mpjpe is not None else ""
            left = self.counts.eta({})
            eta = f", about {clock(left)} left" if left else ""
            self.say(f"{self.counts.line()}: {label} in {clock(seconds)}{score}{eta}")

    def update(self, current: Mapping[str, tuple[float, Progress]]) -> None:
        """Redraw the panel. ``current``: label → seconds at work and progress."""
        if self._live is None:
            return
        left = self.counts.eta(current)
        head = self.counts.line() + (f", about {clock(left)} left" if left is not None else "")
        lines = [Text(head, style="bold")]
        for label, (seconds, progress) in current.items():
            steps = f"{progress.step}/{progress.steps}" if progress.steps else progress.doing
            score = f"  {progress.val_mpjpe:.1f} mm" if progress.val_mpjpe is not None else ""
            lines.append(Text(f"  {label}  {steps}  {clock(seconds)}{score}"))
        if self.counts.best is not None:
            label, best = self.counts.best
            lines.append(Text(f"best so far: {best:.1f} mm validation MPJPE, {label}", style="green"))
        self._live.update(Group(*lines))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def clock(seconds: float) -> str:
    """A time to be read: 0.4 s, 42 s, 3 min 05 s, 2 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
