"""What this driver's trials are up to, between Ray Tune, which runs them, and Optuna, which remembers them."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import TrialState

from harness import tracking
from harness.errors import UserError
from harness.sweep import faults
from harness.sweep.display import clock
from harness.tune.actor import PRUNED
from harness.tune.display import Display, Tally
from harness.tune.search import Proposal, Search, standing, took
from harness.tune.stopping import hopeless
from harness.tune.storage import lost
from harness.tune.work import FAILED, HALTED, Told

_BEAT, _LOOK = 15.0, 1.0


@dataclass
class Held:
    """A trial of this driver.

    Attributes:
        search: whose it is.
        given: what was proposed.
        began: on this machine's monotonic clock.
        steps: of a whole trial.
        pruned: whether the scheduler stopped it.
    """

    search: Search
    given: Proposal
    steps: int
    began: float = field(default_factory=time.monotonic)
    pruned: bool = False
    step: int = 0
    value: float | None = None

    @property
    def number(self) -> int:
        """Optuna's, within the arm."""
        return self.given.trial.number

    @property
    def default(self) -> bool:
        """Whether its values are the spec's own."""
        return self.given.params == self.search.default

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.search.arm.label} #{self.number}"


class Book:
    """All trials of a driver.

    Args:
        searches: one an arm.
        workers: trials at once.
        display: told of all that happens.
        fault: see `faults`.
        where: the studies' storage.
        grace: seconds that a study which ends gives its trials to keep checkpoints.
        elsewhere: whether workers may be on other machines.

    Attributes:
        held: trials at work, by Ray Tune's name.
        stopped: runs of trials that the scheduler stopped.
        fatal: why nothing can go on.
        halted: whether somebody asked to stop.
        leaving: whether trials at work were asked to keep checkpoints.
    """

    def __init__(
        self,
        searches: list[Search],
        workers: int,
        display: Display,
        fault: str | None,
        where: str = "",
        *,
        grace: float = 0.0,
        elsewhere: bool = False,
    ) -> None:
        self.searches, self.workers, self.display, self._fault = searches, workers, display, fault
        self.where, self.elsewhere, self._grace = where, elsewhere, grace
        self.held: dict[str, Held] = {}
        self.stopped: list[str] = []
        self.fatal: UserError | None = None
        self.halted = self.leaving = False
        self._leavers: set[str] = set()
        self._until = 0.0
        self._beat, self._looked = time.monotonic(), 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around calls that ask the storage: one that stopped answering ends the study in order."""
        try:
            yield
        except Exception as error:
            gone = lost(error, self.where)
            if gone is None:
                raise
            self.fatal = self.fatal or gone

    @property
    def ending(self) -> bool:
        """Whether the study is to end, by a signal or for what keeps it from going on."""
        return self.halted or self.fatal is not None

    def leave(self, at_work: Mapping[str, Any]) -> None:
        """Have the trials at work keep checkpoints.

        Args:
            at_work: Ray Tune's name → the trial's actor.
        """
        self.leaving = True
        asked = {name: actor for name, actor in at_work.items() if name in self.held} if self._grace else {}
        if not asked:
            if self.halted:
                self.display.say("stopping; what is finished is kept (once more ends all at once)")
            return
        count = f"{len(asked)} trial{'s' * (len(asked) != 1)}"
        self.display.say(
            f"stopping: {count} at work may keep a checkpoint, for {clock(self._grace)} (once more ends all at once)"
        )
        self._leavers, self._until = set(asked), time.monotonic() + self._grace
        for actor in asked.values():
            actor.leave.remote("the study was stopped")

    @property
    def settled(self) -> bool:
        """Whether no trial that was asked for a checkpoint may still keep one."""
        return self.leaving and (not self._leavers or time.monotonic() > self._until)

    def propose(self, tune_id: str) -> Held | None:
        """A trial for a free worker, of the arm that has had the fewest; None when there is none now."""
        if len(self.held) >= self.workers:
            return None
        order = sorted(self.searches, key=lambda search: self.display.tally(search.arm.label).begun)
        for search in order:
            proposal = self._asked(search)
            if proposal is not None:
                faults.reach("after-ask", self._fault)
                steps = sum(run.train.epochs for run in proposal.runs)
                held = self.held[tune_id] = Held(search, proposal, steps)
                self.display.tally(search.arm.label).begun += 1
                return held
        return None

    def _asked(self, search: Search) -> Proposal | None:
        while True:
            try:
                return search.next()
            except UserError as error:
                self.display.say(f"failed: {search.arm.label}: {error.message}", "red")
                self._count(search)

    @property
    def over(self) -> bool:
        """Whether this driver has nothing more to propose, and no other driver has a trial it may lose."""
        if self.ending:
            return True
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return False
        self._looked = now
        left = 0
        for search in self.searches:
            left += search.reap()
            others = self.display.tally(search.arm.label).elsewhere = search.elsewhere(search.trials())
            left += others
        return not left

    def upkeep(self) -> None:
        """Signs of life, now and then."""
        if time.monotonic() - self._beat > _BEAT:
            self._beat = time.monotonic()
            with self.asking():
                for search in self.searches:
                    search.beat([held.number for held in self.held.values() if held.search is search])
        self.display.update(self.held.values())

    def reported(self, tune_id: str, result: Mapping[str, Any]) -> bool:
        """Keep what a trial told; True if it is to be stopped."""
        held, told = self.held[tune_id], _told(result)
        for line in told.said:
            self.display.say(line)
        if not told.points or told.state == HALTED:
            return False
        self._keep(held, told)
        faults.reach("after-report", self._fault)
        search, study = held.search, held.search.spec.study
        assert study is not None
        if len(study.metric) > 1 or study.pruner.name == "none":
            return False
        if held.default:  # what all is compared with is done to its end
            return False
        trials = standing(search.trials())
        own = next(t.intermediate_values for t in trials if t.number == held.number)
        others = [t.intermediate_values for t in trials if t.number != held.number]
        ended = [t.intermediate_values for t in trials if t.state == TrialState.COMPLETE]
        maximize = study.metric[0].direction == "maximize"
        held.pruned = hopeless(study.pruner, own, others, ended, held.steps, maximize=maximize)
        return held.pruned

    def ended(self, tune_id: str, result: Mapping[str, Any] | None, *, error: bool) -> None:
        """Close a trial that is over: done, failed, or stopped."""
        held = self.held.get(tune_id)
        self._leavers.discard(tune_id)
        if held is None or (self.halted and not (result or {}).get("done")):
            return
        told = _told(result) if result and not error else None
        if told is not None and told.state == HALTED:  # it stays among those that the next driver goes on with
            self.display.say(f"stopped: {held.label}: {told.reason}")
            return
        del self.held[tune_id]
        seconds = round(time.monotonic() - held.began, 3)
        faults.reach("before-tell", self._fault)
        if held.pruned:
            self.stopped += [run.run_id for run in held.given.runs]
            state = held.search.end(held.number, None, pruned=True, seconds=seconds, reason=PRUNED)
        elif told is None or told.state == FAILED:
            reason = told.reason if told is not None else "its worker died: killed, out of memory, or crashed"
            if told is not None and told.user:
                self.fatal = UserError(told.reason)
            mark = {"passing": True} if told is None or not told.final else {}
            state = held.search.end(held.number, None, seconds=seconds, reason=reason, **mark)
            self.display.say(f"failed: {held.label}: {reason}", "red")
        else:
            self._keep(held, told)
            about: dict[str, Any] = {"seconds": seconds, "trained": told.trained}
            state = held.search.end(held.number, told.values, **about)
        faults.reach("after-tell", self._fault)
        self._count(held.search)
        values = told.values if told is not None and state == TrialState.COMPLETE else None
        self.display.finished(held.label, state.name, seconds, values if values else held.value)

    def _keep(self, held: Held, told: Told) -> None:
        for step, values in told.points:
            held.search.report(held.number, step, values[0])
            held.step, held.value = step, values[0]

    def _count(self, search: Search) -> None:
        count(self.display.tally(search.arm.label), search)


def count(tally: Tally, search: Search) -> None:
    """Bring what is shown of an arm up to date with its storage."""
    trials = standing(search.trials())
    tally.states = {state.name: sum(t.state == state for t in trials) for state in TrialState}
    tally.begun = sum(t.state != TrialState.WAITING and not t.user_attrs.get("reused") for t in trials)
    tally.seconds = [took(t) for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    if complete and len(search.study.directions) == 1:
        sign = -1 if search.study.direction == search.study.directions[0].MAXIMIZE else 1
        best = min(complete, key=lambda t: sign * (t.values or [0.0])[0])
        tally.best = (best.number, (best.values or [0.0])[0])


def close(book: Book, uri: str, me: tracking.Owner, reason: str) -> None:
    """Leave both stores consistent: no trial and no record of this driver says RUNNING."""
    unfinished = [run.run_id for held in book.held.values() for run in held.given.runs]
    tracking.reap(uri, book.stopped, of=me, reason=PRUNED, pruned=True)
    tracking.reap(uri, unfinished, of=me, reason=reason)
    with book.asking():  # else the next driver finds this one dead
        for search in book.searches:
            search.reap(mine=True, reason=reason)


def _told(result: Mapping[str, Any]) -> Told:
    return pickle.loads(result["told"])
