"""Some of a spec's runs, by the values that their axes print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.errors import UserError, unknown

if TYPE_CHECKING:
    from harness.spec.loading import Spec
    from harness.spec.run import Run

ABSENT = "-"


def chosen(spec: Spec, where: Mapping[str, str]) -> list[Run]:
    """The runs that have these values.

    Args:
        where: axis → value as tables print it; several are separated by commas. ``-``: a run without the axis.
    Raises:
        UserError: no such axis or value, with the nearest one; or no run has all of them.
    """
    axes = dict.fromkeys(axis for run in spec.runs for axis in run.labels)
    found = list(spec.runs)
    for axis, text in where.items():
        if axis not in axes:
            raise unknown("axis", axis, axes, key="--where")
        held = dict.fromkeys(run.labels.get(axis, ABSENT) for run in spec.runs)
        wanted = [text] if text in held else text.split(",")
        for value in wanted:
            if value not in held:
                raise unknown(f"value of {axis}", value, held, key="--where")
        found = [run for run in found if run.labels.get(axis, ABSENT) in wanted]
    if not found:
        asked = " ".join(f"{axis}={value}" for axis, value in where.items())
        raise UserError(f"no run of '{spec.name}' has {asked} together", key="--where")
    return found
