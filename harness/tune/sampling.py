"""Who proposes: Optuna's samplers with every option pinned, their draws keyed by the number of the trial."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from harness.spec.printing import printed
from harness.spec.space import Parameter, Space, active, combinations
from harness.spec.study import Sampler

_MOST = 100_000


class Keyed(BaseSampler):
    """A sampler whose draws depend on the study's seed, the arm and the number of the trial, and on what it knows.

    A driver that goes on with a study proposes what it would have proposed without the break, and two drivers never
    draw the same numbers: a sampler seeded once would begin again from its first draw.

    Args:
        given: as the spec has it.
        arm: label of the arm.
    """

    def __init__(self, given: Sampler, arm: str) -> None:
        self._given, self._arm = given, arm
        self._inner = self._made(0)

    def _made(self, number: int) -> BaseSampler:
        given, seed = self._given, _seed(self._given.seed, self._arm, number)
        if given.name != "tpe":
            return RandomSampler(seed=seed)
        return TPESampler(
            n_startup_trials=given.startup,
            n_ei_candidates=given.candidates,
            multivariate=given.multivariate,
            group=given.multivariate,  # fields that only some trials have are modelled with those they occur with
            constant_liar=given.constant_liar,
            seed=seed,
        )

    def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        self._inner = self._made(trial.number)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        state: optuna.trial.TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._inner.after_trial(study, trial, state, values)


def distribution(parameter: Parameter) -> BaseDistribution:
    """What Optuna calls a field's range or choices."""
    if parameter.categorical is not None:
        return CategoricalDistribution(parameter.categorical)
    low, high, log = parameter.low, parameter.high, parameter.logarithmic
    if parameter.whole:
        return IntDistribution(int(low), int(high), log=log, step=int(parameter.step or 1))
    return FloatDistribution(float(low), float(high), log=log, step=parameter.step)


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """The trial's value of every field that means something beside the others."""
    found: dict[str, Any] = {}
    for name, parameter in space.items():
        if active(name, space, found):
            found[name] = _asked(trial, name, parameter)
    return found


def _asked(trial: optuna.Trial, name: str, parameter: Parameter) -> Any:
    if parameter.categorical is not None:
        return trial.suggest_categorical(name, parameter.categorical)
    low, high, log = parameter.low, parameter.high, parameter.logarithmic
    if parameter.whole:
        return trial.suggest_int(name, int(low), int(high), log=log, step=int(parameter.step or 1))
    return trial.suggest_float(name, float(low), float(high), log=log, step=parameter.step)


def held(space: Space, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """``values`` as a trial of ``space`` has them; None where they aren't one of its points."""
    found: dict[str, Any] = {}
    for name, parameter in space.items():
        if not active(name, space, found):
            continue
        if name not in values or not parameter.holds(values[name]):
            return None
        given = values[name]
        if parameter.categorical is not None:
            given = next(choice for choice in parameter.categorical if printed(choice) == printed(given))
        found[name] = given
    return found


def key(params: Mapping[str, Any]) -> str:
    """Equal for equal values of the same fields."""
    return json.dumps({name: printed(value) for name, value in sorted(params.items())})


def untried(space: Space, seed: int, tried: Collection[str]) -> dict[str, Any] | None:
    """The next combination of a grid, in an order drawn by the seed; None when none is left.

    Optuna's own grid sampler raises at its end under ask and tell, and knows no conditions.

    Args:
        tried: keys of those that have been.
    """
    return next((point for point in _shuffled(space, seed) if key(point) not in tried), None)


def _shuffled(space: Space, seed: int) -> Iterator[dict[str, Any]]:
    points = list(itertools.islice(combinations(space), _MOST))
    random.Random(seed).shuffle(points)
    return iter(points)


def _seed(*parts: Any) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
