"""What can be wrong with a claim although each value in it is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import registry
from harness.errors import UserError, unknown
from harness.spec.claims import CURVE, Claim, Labels, areas, compared
from harness.spec.fields import printed
from harness.spec.from_study import AXIS, DEFAULT, TUNED
from harness.spec.run import Run
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document
from harness.spec.yaml_lines import Path as Place

WEIGHTS = ["best", "last"]


def claims(
    file: SpecFile,
    axes: Mapping[str, list[str]],
    runs: Sequence[Run],
    document: Document,
    foreseen: Sequence[Run] = (),
) -> tuple[list[Claim], list[Claim]]:
    """The claims with arms as axis → value and every value as labels print it, checked.

    Args:
        axes: axis → printed values of the runs.
        runs: of the spec.
        foreseen: runs that the spec's own study could give it, and hasn't.
    Returns:
        those about arms that are there, and those about arms that are foreseen.
    Raises:
        UserError: an arm, axis, value or metric that isn't there, a claim about no two arms or about several,
            or one that is stated twice.
    """
    arms, further = _arms(runs), _arms([*runs, *foreseen])
    known = dict(axes)
    if foreseen:
        known[AXIS] = list(dict.fromkeys([*axes[AXIS], DEFAULT, TUNED]))
    found: list[Claim] = []
    awaited: list[Claim] = []
    for index, claim in enumerate(file.claims):
        place: Place = ("claims", index)
        checked = _claim(claim, place, known, file, document)
        there = not foreseen or bool(compared(checked, arms))
        _two_arms(checked, arms if there else further, document.where(place))
        stated = [*found, *awaited]
        if checked in stated:
            raise UserError(f"the same claim as claims[{stated.index(checked)}]", **document.where(place))
        (found if there else awaited).append(checked)
    return found, awaited


def _arms(runs: Sequence[Run]) -> list[dict[str, str]]:
    return [dict(found) for found in dict.fromkeys(_without_seed(run.labels) for run in runs)]


def _claim(claim: Claim, place: Place, axes: Mapping[str, list[str]], file: SpecFile, document: Document) -> Claim:
    registry.get("metrics", claim.metric, **document.where((*place, "metric")))
    sides = {name: _side(getattr(claim, name), (*place, name), axes, document) for name in ("arm", "versus")}
    if sides["arm"] == sides["versus"]:
        raise UserError("an arm is compared with itself", **document.where((*place, "versus")))
    levels = list(file.test.occlusion)
    known = {
        **{axis: values for axis, values in axes.items() if axis != "seed"},
        "test_occlusion": [*levels, *areas(levels)],
        "cameras": [str(cameras) for cameras in file.test.cameras],
        "weights": WEIGHTS,
        "group": None,
    }
    where = {}
    for axis, wanted in claim.where.items():
        here = document.where((*place, "where", axis))
        if axis == "seed":
            raise UserError("a claim is decided over all seeds: it names none", **here)
        if axis not in known:
            raise unknown("axis", axis, known, **here)
        if axis in sides["arm"] or axis in sides["versus"]:
            raise UserError(f"'{axis}' tells the two arms apart already", **here)
        where[axis] = named_values(wanted, axis, known[axis], here)
    return claim.model_copy(update={**sides, "where": dict(sorted(where.items()))})


def _side(side: Any, place: Place, axes: Mapping[str, list[str]], document: Document) -> dict[str, str]:
    if isinstance(side, str):
        if side not in axes["objective"]:
            raise unknown("objective", side, axes["objective"], **document.where(place))
        return {"objective": side}
    if not side:
        raise UserError("an arm is named by an objective, or by axis: value", **document.where(place))
    named = {}
    for axis, value in side.items():
        here = document.where((*place, axis))
        if axis == "seed":
            raise UserError("an arm is all its seeds: it names none", **here)
        if axis not in axes:
            raise unknown("axis", axis, [name for name in axes if name != "seed"], **here)
        if printed(value) not in axes[axis]:
            raise unknown(f"value of {axis}", printed(value), axes[axis], **here)
        named[axis] = printed(value)
    return dict(sorted(named.items()))


def named_values(wanted: Any, axis: str, known: Sequence[str] | None, here: Mapping[str, Any]) -> str | list[str]:
    """One printed value, or several in the order they are known in."""
    values = list(dict.fromkeys(printed(value) for value in (wanted if isinstance(wanted, list) else [wanted])))
    if not values:
        raise UserError(f"no value of {axis}", **here)
    for value in values:
        if known is not None and value not in known:
            raise unknown(f"value of {axis}", value, known, **here)
    if axis == "test_occlusion" and len(values) > 1 and any(one.split("/")[0] == CURVE for one in values):
        raise UserError("the area under the curve is of all levels: it stands alone", **here)
    return values[0] if len(values) == 1 else sorted(values)


def _two_arms(claim: Claim, arms: Sequence[Labels], here: Mapping[str, Any]) -> None:
    pairs = compared(claim, arms)
    if not pairs:
        sides = f"{_shown(claim.arm)} and {_shown(claim.versus)}"
        raise UserError(f"no two arms differ as {sides} do, all else equal", **here)
    if len(pairs) > 1:
        names = [axis for axis in arms[0] if any(len({pair[i][axis] for pair in pairs}) > 1 for i in (0, 1))]
        raise UserError(
            f"it compares {len(pairs)} pairs of arms; name one value of {', '.join(names)}, "
            "under 'where' or in both 'arm' and 'versus'",
            **here,
        )


def _without_seed(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple((axis, value) for axis, value in labels.items() if axis != "seed")


def _shown(side: Any) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in side.items())
