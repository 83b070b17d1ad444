"""What a study shows while it goes on: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from harness.sweep.display import clock

_EVERY, _REDRAW = 1.0, 0.5
"""Seconds between plain lines of trials that end, and between drawings of the panel."""
_SAID = {"COMPLETE": "complete", "PRUNED": "stopped early", "FAIL": "failed"}


@dataclass
class Tally:
    """How far an arm is.

    Attributes:
        label: of the arm.
        limit: trials of its budget; None where it is one of time.
        begun: trials taken from the budget.
        states: of its trials.
        best: number and value of the best trial.
        seconds: of each trial that ended.
        elsewhere: trials of other drivers.
    """

    label: str
    limit: int | None
    begun: int = 0
    states: dict[str, int] = field(default_factory=dict)
    best: tuple[int, float] | None = None
    seconds: list[float] = field(default_factory=list)
    elsewhere: int = 0

    def line(self) -> str:
        """All of it in a line."""
        ended = sum(self.states.get(state, 0) for state in _SAID)
        parts = [f"{ended}{'' if self.limit is None else f'/{self.limit}'} trials"]
        parts += [f"{self.states[state]} {said}" for state, said in _SAID.items() if self.states.get(state)]
        parts += [f"{self.elsewhere} elsewhere"] if self.elsewhere else []
        parts += [f"best {self.best[1]:.6g} (#{self.best[0]})"] if self.best is not None else []
        return f"{self.label}: {', '.join(parts)}"


class Display:
    """Shows tallies and the trials at work; a context manager.

    Args:
        tallies: one an arm, kept up to date by the study.
        workers: trials at once.
        console: where to show it; standard output by default.
    """

    def __init__(self, tallies: Sequence[Tally], workers: int, console: Console | None = None) -> None:
        self.tallies = {tally.label: tally for tally in tallies}
        self._workers, self._console = workers, console or Console(highlight=False)
        self._live: Live | None = None
        self._last = self._drawn = 0.0

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tally(self, arm: str) -> Tally:
        """Of an arm."""
        return self.tallies[arm]

    def say(self, text: str, style: str | None = None) -> None:
        """A line that stays."""
        self._console.print(Text(text, style=style or ""), soft_wrap=True)

    def finished(self, label: str, state: str, seconds: float, reached: Sequence[float] | float | None) -> None:
        """A trial is over. Plain lines are thinned out when trials are many and short."""
        now = time.monotonic()
        if self._live is None and now - self._last < _EVERY:
            return
        self._last = now
        numbers = [] if reached is None else [reached] if isinstance(reached, (int, float)) else list(reached)
        said = "".join(f", {number:.6g}" for number in numbers)
        left = self.left()
        eta = f", about {clock(left)} left" if left else ""
        arm = self.tallies[label.rpartition(" #")[0]]
        self.say(f"{arm.line()}: #{label.rpartition(' #')[2]} {_SAID[state]} in {clock(seconds)}{said}{eta}")

    def left(self) -> float | None:
        """Seconds until the budgets of trials are spent, by the mean of those that ended; None if unknown."""
        known = [seconds for tally in self.tallies.values() for seconds in tally.seconds]
        if not known or any(tally.limit is None for tally in self.tallies.values()):
            return None
        ended = [sum(tally.states.get(state, 0) for state in _SAID) for tally in self.tallies.values()]
        rest = sum(max(0, (t.limit or 0) - n) for t, n in zip(self.tallies.values(), ended, strict=True))
        return rest * sum(known) / len(known) / max(1, self._workers)

    def update(self, held: Iterable[Any]) -> None:
        """Redraw the panel. ``held``: the trials at work, see `harness.tune.book.Held`."""
        now = time.monotonic()
        if self._live is None or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        left = self.left()
        lines = [Text(tally.line(), style="bold") for tally in self.tallies.values()]
        for trial in held:
            score = "" if trial.value is None else f"  {trial.value:.6g}"
            lines.append(Text(f"  {trial.label}  {trial.step}/{trial.steps}  {clock(now - trial.began)}{score}"))
        if left is not None:
            lines.append(Text(f"about {clock(left)} left"))
        self._live.update(Group(*lines))
