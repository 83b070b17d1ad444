"""Whether a training's occlusion can be scheduled as it says."""

from __future__ import annotations

from harness.errors import UserError
from harness.occlusion import ladder
from harness.spec.run import Train
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


def written(document: Document, field: str) -> Path:
    """Where a field of the training is written: on the axis of the grid that varies it, else under ``train``."""
    for path in document.lines:
        if len(path) == 2 and path[0] == "grid" and f"train.{field}" in [x.strip() for x in str(path[1]).split(",")]:
            return path
    return ("train", field)
