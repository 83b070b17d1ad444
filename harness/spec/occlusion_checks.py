"""Whether a training's occlusion can be scheduled as it says, and what is predicted of it is predicted by something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UserError
from harness.occlusion import ladder
from harness.spec.run import Train, split_term
from harness.spec.schedule_checks import term_written
from harness.spec.yaml_lines import Document, Path


def schedule_fits_level(train: Train, document: Document) -> None:
    """Refuse a schedule of training occlusion without effect: it would be hashed all the same.

    Raises:
        UserError: nothing is hidden, the level is on no ladder, or nothing can rise; located at the schedule.
    """
    if train.occlusion_schedule == "fixed":
        return
    rungs = ladder.rungs(train.occlusion)
    hiding = [name for name, severity in rungs.items() if severity > 0]
    if not rungs:
        why = f"the severity of '{train.occlusion}' can't be read from its source"
    elif not hiding:
        why = f"train.occlusion is '{train.occlusion}', which hides nothing"
    elif train.occlusion_schedule == "mixed":
        return
    elif rungs[hiding[0]] == rungs[train.occlusion]:
        why = f"no level of its ladder hides less than '{train.occlusion}'"
    elif train.epochs == 1:
        why = "it rises from epoch to epoch, and train.epochs is 1"
    else:
        return
    message = f"occlusion_schedule: {train.occlusion_schedule} has no effect: {why}"
    raise UserError(message, **document.where(written(document, "occlusion_schedule")))


def gate_has_head(objective: Mapping[str, Any], name: str, document: Document) -> None:
    """Refuse terms weighted by predicted visibility where no head is trained to predict it.

    Args:
        name: what the spec calls the objective.
    Raises:
        UserError: such a term, located where the spec asks for the gate, or at the objective.
    """
    if any(split_term(term)[0] for head, term in objective.items() if head == "visibility"):
        return
    for term, given in objective.items():
        if split_term(given)[1].get("weight") == "predicted":
            message = f"{term} is gated by what a head predicts: add the term 'visibility' with a positive weight"
            raise UserError(message, **document.where(term_written(document, name, term, "weight")))


def written(document: Document, field: str) -> Path:
    """Where a field of the training is written: on the axis of the grid that varies it, else under ``train``."""
    for path in document.lines:
        if len(path) == 2 and path[0] == "grid" and f"train.{field}" in [x.strip() for x in str(path[1]).split(",")]:
            return path
    return ("train", field)
