"""The search of one arm: its Optuna study, whose trials say who works on them, so that several drivers share it.

What a trial's user attributes hold: ``owner`` and ``heartbeat`` of its driver, ``runs`` (ids), ``seconds``, ``reason``;
``default`` of the one with the spec's own values; ``reused`` of one made from finished runs; ``lost`` of one whose
owner died and ``passing`` of one that failed for a reason that may pass, ``again`` (a number) of the one that repeats
it; ``surplus`` of one beyond the budget.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness import tracking
from harness.errors import UserError
from harness.spec import identity
from harness.spec.loading import Spec
from harness.spec.run import Run
from harness.spec.study import Budget
from harness.spec.trial import Arm, point
from harness.tune.sampling import Keyed, held, key, suggest, untried
from harness.tune.storage import KEY

UNOWNED = 10.0
"""Seconds of watching until a trial that nobody signed counts as lost: its driver signs it within milliseconds."""


@dataclass(frozen=True)
class Proposal:
    """A trial to be done: its number, its values and its runs."""

    trial: optuna.Trial
    params: dict[str, Any]
    runs: list[Run]


class Search:
    """One arm's search.

    Args:
        spec: with a study.
        arm: of it.
        storage: Optuna's.
        budget: of this arm.
        me: this driver.
        workers: how many share the work; an hour of the arm is an hour of all of them.

    Raises:
        UserError: the storage holds a study of this name over another space.
    """

    def __init__(
        self, spec: Spec, arm: Arm, storage: Any, budget: Budget, me: tracking.Owner, workers: int = 1
    ) -> None:
        assert spec.study is not None
        self.spec, self.arm, self.budget, self._me, self._workers = spec, arm, budget, me, workers
        self.seeds = spec.study.seeds
        self.study = optuna.create_study(
            study_name=name(spec, arm),
            storage=storage,
            sampler=Keyed(spec.study.sampler, arm.label),
            pruner=optuna.pruners.NopPruner(),  # `stopping` decides, from what all drivers reported
            directions=[metric.direction or "minimize" for metric in spec.study.metric],
            load_if_exists=True,
        )
        _same(self.study, spec, arm)

    def set_workers(self, workers: int) -> None:
        """How many share the work."""
        self._workers = workers

    @property
    def default(self) -> dict[str, Any] | None:
        """The spec's own values, where they are a point of the space."""
        return held(self.arm.space, self.arm.default)

    def runs(self, params: dict[str, Any]) -> list[Run]:
        """The runs of a trial, one for each seed."""
        return [point(self.spec, params, self.arm, seed) for seed in self.seeds]

    def trials(self) -> list[FrozenTrial]:
        """All trials, by number."""
        return self.study.get_trials(deepcopy=False)

    def first(self) -> None:
        """Have the spec's own values tried before anything else, once."""
        default, trials = self.default, self.trials()
        if default is not None and not any(t.user_attrs.get("default") for t in trials):
            self.study.enqueue_trial(default, user_attrs={"default": True})

    def next(self) -> Proposal | None:
        """Ask for a trial; None where the budget is spent or nothing is left to try.

        Raises:
            UserError: values that can't be run; the trial is FAIL.
        """
        trials = self.trials()
        if not self.open(trials):
            return None
        if self._grid and not _waiting(trials):
            self.study.enqueue_trial(self._untried(trials) or {})
        trial = self.study.ask()
        trial.set_user_attr("owner", self._me.dumps())
        if _double(trial.number, trial.user_attrs, self.trials()):
            trial.set_user_attr("surplus", True)
            self.study.tell(trial, state=TrialState.FAIL)
            return self.next()
        limit = self.budget.trials
        before = [t for t in spending(self.trials()) if t.number < trial.number]
        if limit is not None and len(before) >= limit:  # another driver asked at the same moment
            trial.set_user_attr("surplus", True)
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        params = suggest(trial, self.arm.space)
        try:
            runs = self.runs(params)
        except UserError as error:
            trial.set_user_attr("reason", error.message)
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr("runs", [run.run_id for run in runs])
        return Proposal(trial, params, runs)

    def spent(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether the budget allows no further trial."""
        budget, seconds = self.budget, sum(took(t) for t in trials if not t.user_attrs.get("reused"))
        if budget.trials is not None and len(spending(trials)) >= budget.trials:
            return True
        if budget.hours is not None and seconds / self._workers >= 3600 * budget.hours:
            return True
        return budget.gpu_hours is not None and seconds * float(self.spec.resources.gpu) >= 3600 * budget.gpu_hours

    def open(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether there's something to propose."""
        if self.spent(trials):
            return False
        if _waiting(trials) or not self.arm.space:  # nothing to tune: its one trial is the spec's own
            return _waiting(trials)
        return not self._grid or self._untried(trials) is not None

    @property
    def _grid(self) -> bool:
        assert self.spec.study is not None
        return self.spec.study.sampler.name == "grid"

    def _untried(self, trials: Sequence[FrozenTrial]) -> dict[str, Any] | None:
        """A grid's next combination."""
        assert self.spec.study is not None
        tried = {key(_wanted(trial)) for trial in standing(trials)}
        return untried(self.arm.space, self.spec.study.sampler.seed, tried)

    def end(self, trial: int, values: Sequence[float] | None, *, pruned: bool = False, **about: Any) -> TrialState:
        """Close a trial: PRUNED, COMPLETE with ``values``, or FAIL; what it became. ``about``: attributes to add."""
        number = self._id(trial)
        for field, value in about.items():
            self.study._storage.set_trial_user_attr(number, field, value)
        if pruned:
            state = TrialState.PRUNED
        else:
            finite = values is not None and all(value == value and abs(value) != float("inf") for value in values)
            state = TrialState.COMPLETE if finite else TrialState.FAIL
        self.study.tell(trial, list(values) if state == TrialState.COMPLETE and values else None, state=state)
        return state

    def report(self, trial: int, step: int, value: float) -> None:
        """Keep what a trial had reached at a step; several objectives are judged at the end alone."""
        if len(self.study.directions) == 1:
            self.study._storage.set_trial_intermediate_value(self._id(trial), step, value)

    def beat(self, trials: Sequence[int]) -> None:
        """Sign of life of this driver, for those on other hosts."""
        for trial in trials:
            self.study._storage.set_trial_user_attr(self._id(trial), "heartbeat", round(time.time()))

    def reap(self, *, mine: bool = False, reason: str = "its owner died") -> int:
        """Close the trials of dead drivers and put them in line again; how many there were.

        Args:
            mine: those of this driver too, which ends.
        """
        lost = 0
        for trial in self.trials():
            if trial.state == TrialState.RUNNING and (_dead(trial) or (mine and _owner(trial) == self._me)):
                try:
                    self.study._storage.set_trial_user_attr(trial._trial_id, "lost", reason)
                    self.study.tell(trial.number, state=TrialState.FAIL)
                    lost += 1
                except (ValueError, RuntimeError):  # somebody else was quicker
                    continue
        self._repeat("lost")
        return lost

    def retry(self) -> None:
        """Put trials in line again that failed for a reason that may have passed."""
        self._repeat("passing")

    def _repeat(self, mark: str) -> None:
        trials = self.trials()
        repeated = {t.user_attrs.get("again") for t in trials}
        for trial in trials:
            if trial.state == TrialState.FAIL and trial.user_attrs.get(mark) and trial.number not in repeated:
                about = {"again": trial.number, **({"default": True} if trial.user_attrs.get("default") else {})}
                self.study.enqueue_trial(_wanted(trial), user_attrs=about)

    def elsewhere(self, trials: Sequence[FrozenTrial]) -> int:
        """How many trials another driver is doing."""
        return sum(t.state == TrialState.RUNNING and _owner(t) != self._me for t in trials)

    def _id(self, number: int) -> int:
        return self.study._storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)


def name(spec: Any, arm: Arm) -> str:
    """What an arm's study is called in the storage."""
    return f"{spec.name}: {arm.label}"


def standing(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that are neither lost, beyond the budget, the same as another one, nor repeated by another one."""
    repeated = {trial.user_attrs.get("again") for trial in trials}
    marks = ("lost", "surplus")
    kept = [t for t in trials if not any(t.user_attrs.get(mark) for mark in marks) and t.number not in repeated]
    return [t for t in kept if not _double(t.number, t.user_attrs, trials)]


def spending(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that are taken from the budget: begun, and not made from finished runs."""
    return [t for t in standing(trials) if t.state != TrialState.WAITING and not t.user_attrs.get("reused")]


def took(trial: FrozenTrial) -> float:
    """Seconds spent on a trial so far; of a lost one none, as its end isn't known."""
    if "seconds" in trial.user_attrs:
        return float(trial.user_attrs["seconds"])
    if trial.state != TrialState.RUNNING or trial.datetime_start is None:
        return 0.0
    return max(0.0, time.time() - trial.datetime_start.timestamp())


def _double(number: int, about: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> bool:
    """Whether an earlier trial is the same: two drivers put it in line at the same moment, and its number decides."""
    again = about.get("again")
    if again is None and not about.get("default"):
        return False
    return any(
        t.user_attrs.get("again") == again and (again is not None or t.user_attrs.get("default"))
        for t in trials
        if t.number < number
    )


def _waiting(trials: Sequence[FrozenTrial]) -> bool:
    return any(trial.state == TrialState.WAITING for trial in trials)


def _wanted(trial: FrozenTrial) -> dict[str, Any]:
    """A trial's values: suggested ones, and those it was put in line with."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _owner(trial: FrozenTrial) -> tracking.Owner | None:
    return tracking.Owner.loads(trial.user_attrs.get("owner"))


def _dead(trial: FrozenTrial) -> bool:
    """Whether a trial's driver is gone. Its clock may not be this one's: elsewhere only the changing sign counts."""
    owner, what = _owner(trial), ("trial", trial._trial_id, trial.datetime_start)
    if owner is None:
        return tracking.WATCH.silence(what, None) > UNOWNED
    return not tracking.is_alive(owner, what, trial.user_attrs.get("heartbeat"))


def definition(spec: Spec, arm: Arm) -> dict[str, Any]:
    """What makes an arm's trials comparable: its space, the metrics, and the runs that its values are put into."""
    assert spec.study is not None
    space = {field: parameter.model_dump(exclude_defaults=True, mode="json") for field, parameter in arm.space.items()}
    metrics = [metric.model_dump(mode="json") for metric in spec.study.metric]
    runs = [point(spec, {}, arm, seed).run_id for seed in spec.study.seeds]
    return json.loads(identity.dumps({"space": space, "metric": metrics, "over.seeds": spec.study.seeds, "runs": runs}))


def _same(study: optuna.Study, spec: Spec, arm: Arm) -> None:
    now, before = definition(spec, arm), study.user_attrs.get("definition")
    if before is None:
        study.set_user_attr("definition", now)
        study.set_user_attr("arm", arm.labels)
        return
    if before == now:
        return
    raise UserError(
        f"the study '{spec.name}' was begun otherwise: {_difference(before, now)}. Its trials can't be compared with"
        " new ones: give the spec another name (--reuse takes over what is finished and fits), or another --storage",
        key=KEY,
    )


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    for field in dict.fromkeys([*before["space"], *now["space"]]):
        was, is_now = before["space"].get(field), now["space"].get(field)
        if was != is_now:
            return f"{field} was {_said(was)} and is {_said(is_now)}"
    for part, said in (("metric", "the metric"), ("over.seeds", "the seeds")):
        if before[part] != now[part]:
            return f"{said} was {_said(before[part])} and is {_said(now[part])}"
    return "its runs were others (data, training or network changed)"


def _said(value: Any) -> str:
    return "not in the space" if value is None else json.dumps(value)
