"""A study written by hand, and a spec that uses it on fresh seeds."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pytest

from tests.report.conftest import evaluation, run

SPATIAL, TEMPORAL = "objectives.spatial.spatial_rdc.weight", "objectives.temporal.temporal_rdc.weight"
FORM = "objectives.spatial.spatial_rdc.form"
SPACE = {SPATIAL: {"log": [0.001, 1]}, TEMPORAL: {"log": [0.001, 1]}, FORM: {"categorical": ["hinge", "logistic"]}}
PROMISED = {"spatial": 96.25, "both": 95.5}


def trial(number, params, value, *, state="COMPLETE", course=(), **more):
    values = None if value is None else list(value) if isinstance(value, tuple) else [value]
    about = {"runs": [f"run{number}"], "seconds": 36.0, "reused": False, "enqueued": None}
    steps = [[i + 1, v] for i, v in enumerate(course)]
    return {
        "number": number,
        "state": state,
        "params": params,
        "values": values,
        "intermediate": steps,
        **about,
        **more,
    }


def searched(objective, fields, own, best, count=12):
    """An arm whose values fall towards the ``best`` of its last trial but one; every fourth trial is stopped."""
    trials = [trial(0, dict.fromkeys(fields, 0.1) | ({FORM: "hinge"} if SPATIAL in fields else {}), own)]
    for i in range(1, count):
        params = {name: round(0.001 * 10 ** ((5 * i + 3 * k) % 12 / 4), 6) for k, name in enumerate(fields)}
        params |= {FORM: ("hinge", "logistic")[i % 2]} if SPATIAL in fields else {}
        value = best + 0.35 * abs(i - count + 2) + 0.2 * math.sin(i)
        if i == count - 2:
            value = best
        stopped = i % 4 == 3
        state = "PRUNED" if stopped else "COMPLETE"
        trials.append(trial(i, params, None if stopped else value, state=state, course=(value + 4, value + 2)))
    done = [one for one in trials if one["values"]]
    return {
        "arm": {"backbone": "b", "objective": objective},
        "space": [name for name in SPACE if name in fields or (name == FORM and SPATIAL in fields)],
        "trials": trials,
        "best": [min(done, key=lambda one: one["values"][0])["number"]],
        "importance": {name: share for name, share in zip(fields, (0.7, 0.3), strict=False)},
        "states": {},
        "seconds": 36.0 * count,
        "gpu_hours": 0.0,
        "default": trials[0],
    }


def written(**more):
    """What ``study.json`` holds: a control with nothing to tune, and two tuned arms."""
    control = trial(0, {}, 100.0)
    arms = [
        {"arm": {"backbone": "b", "objective": "abs"}, "space": [], "trials": [control], "best": [0], "importance": {}}
        | {"states": {"COMPLETE": 1}, "seconds": 36.0, "gpu_hours": 0.0, "default": control},
        searched("spatial", [SPATIAL], 98.0, PROMISED["spatial"]),
        searched("both", [SPATIAL, TEMPORAL], 97.5, PROMISED["both"]),
    ]
    about = {
        "sampler": {"name": "tpe", "seed": 0},
        "pruner": {"name": "asha"},
        "budget": {"trials": 12},
        "metrics": [{"name": "val_mpjpe", "direction": "minimize"}],
        "space": SPACE,
        "per": ["backbone", "objective"],
        "seeds": [0],
        "digest": "",
    }
    return {"schema": 1, "spec": "made", "study": about | more, "arms": arms, "default": None}


@pytest.fixture
def content():
    return written()


@pytest.fixture
def tuned(make, tmp_path, monkeypatch, content):
    """tuned(content) → `Made` whose fresh seeds 1 to 3 are 0.4 mm worse than the study promised, seed by seed apart."""

    def build(content=content, *, save=True):
        monkeypatch.chdir(tmp_path)
        made = make({("abs", 1): 101.0})
        made.spec.runs, made.frames = [], {}
        for objective, before in {"abs": 100.0, "spatial": 98.0, "both": 97.5}.items():
            for side in ("-",) if objective == "abs" else ("default", "tuned"):
                for seed in (1, 2, 3):
                    one, better = run(objective, seed, tuned=side), side == "tuned"
                    made.spec.runs.append(one)
                    made.frames[one.run_id] = evaluation({"mpjpe": before + 2 + seed - (2 - 0.1 * seed) * better})
                    value = PROMISED[objective] + 0.4 if better else before
                    spread = (seed - 2) * (0.3 if better else 0.2)
                    made.figures[one.run_id] = {"val_mpjpe_best": value + spread, "late_gain": 0.1}
        made.spec.report.figures = ["tuning_history"]
        file = tmp_path / "results/made/study.json"
        if save:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))
        made.spec.path = tmp_path / "experiments/made.yaml"
        made.spec.study = SimpleNamespace(digest="")
        made.spec.tuned = SimpleNamespace(path=file if save else None, pick=None)
        return made

    return build
