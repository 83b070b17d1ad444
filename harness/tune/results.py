"""``study.json``: what a study found, for the report and for specs that go on from it. No path, no time of day."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from harness import tracking
from harness.spec.loading import Spec
from harness.tune.measures import Measures
from harness.tune.search import Search, standing, took
from harness.tune.storage import open_storage, place

SCHEMA, FILE = 1, "study.json"
_DIGITS = 6
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def content(spec: Spec, uri: str, searches: Sequence[Search]) -> dict[str, Any]:
    """What the searches have found so far."""
    study = spec.study
    assert study is not None
    arms = [_arm(search, uri) for search in searches]
    about: dict[str, Any] = {
        "sampler": study.sampler.model_dump(mode="json"),
        "pruner": study.pruner.model_dump(mode="json"),
        "budget": searches[0].budget.model_dump(mode="json", exclude_none=True) if searches else {},
        "metrics": [metric.model_dump(mode="json", exclude_none=True) for metric in study.metric],
        "space": {name: it.model_dump(mode="json", exclude_defaults=True) for name, it in study.space.items()},
        "per": list(study.per or []),
        "seeds": study.seeds,
        "digest": study.digest,
    }
    default = arms[0]["default"] if len(arms) == 1 else None
    return {"schema": SCHEMA, "spec": spec.name, "study": about, "arms": arms, "default": default}


def read(spec: Spec, uri: str | None = None, storage: str | None = None) -> dict[str, Any]:
    """`content` of a study as its storage and store are now.

    Raises:
        UserError: there's no such study, or it was begun over another space.
    """
    assert spec.study is not None and spec.tuning is not None
    uri = tracking.resolve(uri or spec.tracking.uri)
    kept, me = open_storage(place(spec.name, uri, storage), read_only=True), tracking.myself()
    return content(spec, uri, [Search(spec, arm, kept, spec.study.budget, me) for arm in spec.tuning.arms])


def write(found: dict[str, Any], folder: str | Path) -> Path:
    """Write ``study.json`` into a folder, whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    part = folder / f".{FILE}.{os.getpid()}"
    part.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(file)
    return file


def _arm(search: Search, uri: str) -> dict[str, Any]:
    trials = [t for t in standing(search.trials()) if t.state in _ENDED]
    seconds = sum(took(t) for t in trials if not t.user_attrs.get("reused"))
    states = {state.name: sum(t.state == state for t in trials) for state in TrialState}
    default = next((t for t in trials if t.user_attrs.get("default")), None)
    return {
        "arm": dict(search.arm.labels),
        "label": search.arm.label,
        "space": list(search.arm.space),
        "trials": [_trial(t) for t in trials],
        "best": [t.number for t in _best(search)],
        "importance": _importance(search),
        "states": {name: count for name, count in states.items() if count},
        "seconds": round(seconds, 3),
        "gpu_hours": round(seconds * float(search.spec.resources.gpu) / 3600, _DIGITS),
        "default": _trial(default) if default is not None else _beside(search, uri),
    }


def _trial(trial: FrozenTrial) -> dict[str, Any]:
    about = trial.user_attrs
    complete = trial.state == TrialState.COMPLETE
    found = {
        "number": trial.number,
        "state": trial.state.name,
        "params": dict(trial.params),
        "values": [float(value) for value in trial.values] if complete else None,
        "intermediate": [[step, value] for step, value in sorted(trial.intermediate_values.items())],
        "runs": list(about.get("runs", [])),
        "seconds": round(took(trial), 3),
        "reused": bool(about.get("reused", False)),
        "enqueued": "default" if about.get("default") else None,
    }
    return {**found, "reason": about["reason"]} if about.get("reason") else found


def _best(search: Search) -> list[FrozenTrial]:
    """The best trial, the first of equals; of several objectives, those that none beats in all."""
    if not any(t.state == TrialState.COMPLETE for t in search.trials()):
        return []
    if len(search.study.directions) == 1:
        return [search.study.best_trial]
    return sorted(search.study.best_trials, key=lambda t: t.number)


def _importance(search: Search) -> dict[str, float]:
    """Share of each field in what sets the best tenth apart, or the best five (PED-ANOVA, Watanabe et al., 2023).

    By the first metric. The method looks at the order of trials only, so that stopped ones count too: who got further
    is better, and among those that were stopped at one step, who had the better value there. Empty where the trials
    are too few or too alike to tell.
    """
    sign = -1.0 if search.study.directions[0].name == "MAXIMIZE" else 1.0
    reached: list[tuple[FrozenTrial, tuple[float, float]]] = []
    for trial in standing(search.trials()):
        if trial.state == TrialState.COMPLETE:
            reached.append((trial, (-math.inf, sign * trial.values[0])))
        elif trial.state == TrialState.PRUNED and trial.intermediate_values:
            step, value = max(trial.intermediate_values.items())
            reached.append((trial, (-step, sign * value)))
    order = sorted({at for _, at in reached})
    if len(reached) < 4 or len(order) < 2:
        return {}
    # Here, since it loads scikit-learn, which takes seconds.
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    ranked = optuna.create_study()
    for trial, at in reached:
        value = float(order.index(at))
        ranked.add_trial(create_trial(params=trial.params, distributions=trial.distributions, value=value))
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.1, 5 / len(reached))))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = get_param_importances(ranked, evaluator=evaluator)
    except (ValueError, RuntimeError):
        return {}
    return {name: round(float(share), _DIGITS) for name, share in found.items() if share == share}


def _beside(search: Search, uri: str) -> dict[str, Any] | None:
    """The spec's own values as a trial without a number, where they are no point of the space."""
    assert search.spec.study is not None
    runs = search.runs({})
    done = tracking.finished(uri, [run.run_id for run in runs])
    if any(run.run_id not in done for run in runs):
        return None
    measures = Measures(search.spec.study.metric)
    rows = [measures.of_record(uri, run, done[run.run_id]) for run in runs]
    return {
        "number": None,
        "state": "COMPLETE",
        "params": dict(search.arm.default),
        "values": [sum(column) / len(rows) for column in zip(*rows, strict=True)],
        "intermediate": [],
        "runs": [run.run_id for run in runs],
        "seconds": round(sum(done[run.run_id].seconds or 0.0 for run in runs), 3),
        "reused": False,
        "enqueued": "default",
    }
