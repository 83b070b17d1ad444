"""What of a run the records carry for a list: a few parameters, its labels, and the shape that decides its time."""

from __future__ import annotations

import json
from typing import Any

_TRAIN = ("steps", "batch", "epochs", "threads")
_RARELY = {"precision": "float32", "compile": False, "passes": None, "pretrain": None}
_DATA = ("dataset", "window", "frames_out")


def shape_of(run: Any) -> str:
    """What decides how long a run takes, as a short text: finished runs of the same shape predict its time."""
    resolved = run.model_dump(mode="json")
    data, train = resolved.get("data", {}), resolved.get("train", {})
    shape = {
        "backbone": resolved.get("backbone"),
        "objective": sorted(resolved.get("objective") or {}),
        **{key: data.get(key) for key in _DATA},
        **{key: train.get(key) for key in _TRAIN},
        # Only where they are asked for: records older than these go on predicting.
        **{key: train[key] for key, usual in _RARELY.items() if train.get(key, usual) != usual},
    }
    return json.dumps(shape, sort_keys=True, separators=(",", ":"))


def params_of(run: Any) -> dict[str, str]:
    """At most nine parameters, enough to tell runs apart in MLflow's list; all of them are in ``config.json``."""
    resolved, labels = run.model_dump(mode="json"), dict(run.labels)
    data, train = resolved.get("data", {}), resolved.get("train", {})
    terms = resolved.get("objective") or {}
    weights = {name: term.get("lambda", term.get("weight")) for name, term in terms.items()}
    found = {
        "backbone": (resolved.get("backbone") or {}).get("name"),
        "objective": labels.get("objective") or "+".join(sorted(weights)),
        "lambdas": json.dumps(weights, sort_keys=True),
        "train_occlusion": train.get("occlusion"),
        "seed": resolved.get("seed"),
        "steps": train.get("steps") if train.get("passes") is None else f"passes: {train['passes']:g}",
        "batch": train.get("batch"),
        "window": data.get("window"),
        "dataset": data.get("dataset"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}
