"""Some of a spec's runs, by the values that their axes print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.errors import UserError, unknown

if TYPE_CHECKING:
    from harness.spec.loading import Spec
    from harness.spec.run import Run

ABSENT = "-"
_STEPS = "train.steps"  # printed as an axis where arms differ in it, though it's none


def chosen(spec: Spec, where: Mapping[str, str]) -> list[Run]:
    """The runs that have these values.

    Args:
        where: axis → value as tables print it; several are separated by commas. ``-``: a run without the axis.
    Raises:
        UserError: no such axis or value, with the nearest one; or no run has all of them.
    """
    labels = {run.run_id: {_STEPS: run.train.length, **run.labels} for run in spec.runs}
    axes = dict.fromkeys(axis for named in labels.values() for axis in named)
    found = list(spec.runs)
    for axis, text in where.items():
        if axis not in axes:
            raise unknown("axis", axis, axes, key="--where")
        held = dict.fromkeys(named.get(axis, ABSENT) for named in labels.values())
        wanted = [text] if text in held else text.split(",")
        for value in wanted:
            if value not in held:
                raise unknown(f"value of {axis}", value, held, key="--where")
        found = [run for run in found if labels[run.run_id].get(axis, ABSENT) in wanted]
    if not found:
        asked = " ".join(f"{axis}={value}" for axis, value in where.items())
        raise UserError(f"no run of '{spec.name}' has {asked} together", key="--where")
    return found
