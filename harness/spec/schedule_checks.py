"""Whether the λ of an objective's terms can run their course in a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UserError
from harness.spec.run import Train, split_term
from harness.spec.weighting import Weighting, misfits, split_weighting
from harness.spec.yaml_lines import Document, Path


def schedules_fit_training(objective: Mapping[str, Any], name: str, train: Train, document: Document) -> None:
    """Refuse λ that begins or is full only after the last epoch, or is measured by what isn't there.

    Args:
        name: what the spec calls the objective.
    Raises:
        UserError: such a term, located where the spec says when it begins.
    """
    schedules = {term: Weighting(**split_weighting(given)[1]).schedule for term, given in objective.items()}
    if all(schedule.constant for schedule in schedules.values()):
        return
    weights = {term: split_term(given)[0] for term, given in objective.items()}
    steps = train.steps if train.passes is None else None
    for term, key, message in misfits(schedules, weights, train.epochs, steps):
        raise UserError(message, **document.where(term_written(document, name, term, key)))


def term_written(document: Document, name: str, term: str, key: str) -> Path:
    """Where ``key`` of a term of an objective is written: on an axis, there, or in an objective that it contains."""
    ends = f".{term}.{key}"
    for path in document.lines:
        axes = str(path[1]).split(",") if len(path) == 2 and path[0] == "grid" else []
        if any(axis.strip().startswith("objectives.") and axis.strip().endswith(ends) for axis in axes):
            return path
    found = [path for path in document.lines if path[:1] == ("objectives",) and path[2:] == (term, key)]
    return next(iter(sorted(found, key=lambda path: path[1] != name)), ("objectives", name, term))
