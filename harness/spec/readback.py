"""What a run has on an axis that its own spec doesn't vary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import registry
from harness.objectives.schedule import KEYS
from harness.spec.fields import printed
from harness.spec.partners import NOTHING
from harness.spec.run import Run
from harness.spec.weighting import Weighting, split_weighting


def read(run: Run, axis: str) -> str:
    """The value of an axis, printed as labels are; ``-`` where the run has none.

    Args:
        run: of any spec; an axis of ``objectives`` or ``backbones`` speaks of the run if its label names the same.
        axis: a field's name, such as ``train.lr`` or ``objectives.spatial.spatial_rdc.weight``.
    """
    head, *path = axis.split(".")
    if run.checkpoint is not None and head == "train":
        return NOTHING
    if axis == "train.steps":
        return run.train.length
    if head in ("data", "train"):
        return _field(run.data if head == "data" else run.train, path, run)
    if head == "backbone" and len(path) == 1:
        return _option("backbones", run.backbone.name, run.backbone.options, path[0])
    if head == "backbones" and len(path) == 2 and run.labels.get("backbone") == path[0]:
        return _option("backbones", run.backbone.name, run.backbone.options, path[1])
    if head == "objectives" and len(path) == 3 and path[1] in run.objective:
        weight, options = run.terms[path[1]]
        if path[2] in ("weight", "lambda") and path[2] not in options:
            return printed(weight)
        if path[2] in KEYS:
            return beside(run.objective[path[1]], path[2])
        return _option("losses", path[1], options, path[2])
    return NOTHING


def beside(term: Mapping[str, Any], key: str) -> str:
    """What stands beside a term's λ under ``key`` (one of `KEYS`), or is meant without it, printed."""
    read = Weighting(**split_weighting(term)[1])
    if key == "warmup":
        return printed(None if read.ramp else read.schedule.begin)
    return printed(getattr(read, key))


def _field(part: Any, path: list[str], run: Run) -> str:
    value: Any = part
    for step in path:
        if isinstance(value, Mapping):
            return _option("datasets", run.data.dataset, run.data.options, step)
        value = getattr(value, step, None)
    return NOTHING if value is None else printed(value)


def _option(kind: str, name: str, given: Mapping[str, Any], option: str) -> str:
    if option in given:
        return printed(given[option])
    known = registry.options(registry.get(kind, name)).get(option)
    return NOTHING if known is None or known.required else printed(known.default)
