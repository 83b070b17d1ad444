"""Recipes: the optimiser, schedule, batch, length and loss that a network was published with.

A backbone's recipe is a literal class attribute, read without torch:
``recipe = {"train": {field: value, …}, "objective": {loss term: λ, …}}`` in the words of specs. A run holds
only what comes of it, so a recipe and its spelt-out form are one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from harness import registry
from harness.errors import UserError
from harness.spec.run import Part, Train

PUBLISHED = "published"
"""The word for a backbone's own recipe, as ``train.recipe`` and as an objective."""


class TrainSection(Train):
    """The ``train`` of a spec file: a run's, and the recipe that fills what it leaves unsaid.

    Attributes:
        recipe: common, the defaults of this file, equal for all backbones; or published, each backbone's own.
    """

    recipe: Literal["common", "published"] = "common"


def of(backbone: str, **where: Any) -> Mapping[str, Any]:
    """The published recipe of a registered backbone: ``train`` and ``objective``.

    Raises:
        UserError: it has none; the message names those that have.
    """
    found = registry.attribute(registry.get("backbones", backbone), "recipe", None)
    if found is None:
        message = f"no recipe was published for {backbone}: write out its training, or train it by train.recipe: common"
        raise UserError(f"{message} (published: {', '.join(known())})", **where)
    return found


def known() -> list[str]:
    """The registered backbones that have a published recipe, presets left out."""
    entries = registry.entries("backbones").items()
    return [name for name, entry in entries if not entry.base and registry.attribute(entry, "recipe", None)]


def terms(further: Iterable[str] = ()) -> set[str]:
    """The loss terms of all published objectives: of what is shipped or installed, and of ``further`` backbones."""
    found: set[str] = set()
    for name in {*known(), *further}:
        found |= set((registry.attribute(registry.get("backbones", name), "recipe", None) or {}).get("objective", ()))
    return found


def filled(section: TrainSection, backbone: str | None, **where: Any) -> Train:
    """The training of a run.

    Args:
        section: what the spec says; fields that it doesn't mention are the recipe's, or else the defaults.
        backbone: the run's, a registered name.
        where: locates the recipe.
    Raises:
        UserError: the recipe isn't there, or isn't one.
    """
    said = {name: getattr(section, name) for name in section.model_fields_set - {"recipe"}}
    usual: dict[str, Any] = {}
    if section.recipe == PUBLISHED and backbone is not None:
        usual = dict(of(backbone, **where)["train"])
        if "steps" in said:
            usual.pop("passes", None)
        if "schedule" in said:
            usual.pop("decay", None)
        if section.pretrain is not None and "pretrain" in usual:
            own = section.pretrain
            said["pretrain"] = {**usual["pretrain"], **{name: getattr(own, name) for name in own.model_fields_set}}
    plain = {
        name: value.model_dump(exclude_unset=True) if isinstance(value, Part) else value for name, value in said.items()
    }
    try:
        return Train.model_validate({**usual, **plain})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise UserError(f"the recipe of {backbone} is none: {field}: {first['msg']}", **where) from None
