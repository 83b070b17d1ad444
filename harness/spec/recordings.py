"""What can't be asked of data that bring their own cameras or detections."""

from __future__ import annotations

from collections.abc import Collection

from harness.errors import UserError
from harness.spec.run import Cameras, Data, Test, Train

NO_UNSEEN = (
    "the data have cameras of their own, which are all seen in training: there are no 'unseen' ones; set "
    "test.cameras to [seen]"
)


def fits(data: Data, held: Collection[str], train: Train | None = None, test: Test | None = None) -> None:
    """Refuse settings that recorded cameras or detections leave without effect or sense.

    Args:
        held: what the data hold of ``cameras``, ``detections`` and ``scores`` (`harness.data.recorded`).
        train, test: what else is asked for, where it is known.
    Raises:
        UserError: such a setting, with its key.
    """
    if "cameras" in held and data.cameras != Cameras():
        message = "'cameras' has no effect: the data have cameras of their own, and all of them are used"
        raise UserError(message, key="data.cameras")
    if "cameras" in held and test is not None and "unseen" in test.cameras:
        raise UserError(NO_UNSEEN, key="test.cameras")
    if "detections" in held and data.noise:
        added = (
            f"noise of {data.noise:g} pixels" if isinstance(data.noise, (int, float)) else f"errors of '{data.noise}'"
        )
        message = f"{added} would be added to what a detector really reported: set data.noise"
        raise UserError(f"{message} to 0, or data.options.detections to truth", key="data.noise")
    if "detections" in held and train is not None and train.body_shape:
        message = "other bodies can't be put before a detector that has reported already: set train.body_shape to 0,"
        raise UserError(f"{message} or data.options.detections to truth", key="train.body_shape")
    if "scores" not in held and data.confidence == "detector":
        message = "no scores of a detector are recorded in the data: set data.confidence to none, oracle or calibrated"
        raise UserError(message, key="data.confidence")
