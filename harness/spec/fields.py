"""The dotted fields that an axis may vary, and what a value given to one is called.

A field belongs to one section of a run: its data, backbone, objective, training or seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness import own_backbones, registry
from harness.errors import UserError, unknown
from harness.objectives.schedule import KEYS
from harness.spec import recipes
from harness.spec.printing import printed as printed
from harness.spec.recipes import PUBLISHED, TrainSection
from harness.spec.run import Cameras, Data, Pretrain
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document, Path

SECTIONS = ("data", "backbone", "objective", "train", "seed")
SHORTHANDS = ("backbone", "objective", "train_occlusion", "seed")
ALIASES = {"train.occlusion": "train_occlusion"}
_NO_WEIGHTS = ("checkpoints", "test", "report", "claims", "tracking", "resources", "name", "retries", "seeds", "study")


@dataclass(frozen=True)
class Field:
    """A field of a run.

    Attributes:
        name: as printed and as reports refer to it, e.g. ``train.lr``.
        section: one of `SECTIONS`.
        path: where it stands within the spec, e.g. ``("train", "lr")``.
    """

    name: str
    section: str
    path: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """A value for a field, and where in the document it stands."""

    field: Field
    value: Any
    place: Path


def resolve(name: str, file: SpecFile, document: Document, place: Path) -> Field:
    """The field called ``name``.

    Args:
        name: shorthand (`SHORTHANDS`) or dotted.
        file: the spec, which declares objectives and backbones.
        document: for lines.
        place: where the name stands.
    Raises:
        UserError: no such field, or one that decides no weights; with the nearest name.
    """
    where = document.where(place)
    name = ALIASES.get(name, name)
    parts = tuple(name.split("."))
    if name in SHORTHANDS:
        section = "train" if name == "train_occlusion" else name
        path = ("train", "occlusion") if name == "train_occlusion" else (name,)
        return Field(name, section, path)
    if name in ("test_occlusion", "test.occlusion"):
        raise UserError("every run is evaluated at every test level: list them in test.occlusion", **where)
    if len(parts) > 1 and parts[0] in _NO_WEIGHTS:
        raise UserError(f"'{name}' doesn't decide a run's weights, so it can't vary between runs", **where)
    known = _known(file)
    if len(parts) > 2 and parts[:2] == ("data", "options"):
        entry = registry.get("datasets", file.data.dataset, **document.where(("data", "dataset")))
        known += [f"data.options.{option}" for option in registry.options(entry)]
    if len(parts) > 1 and parts[0] in ("objectives", "backbones", "backbone"):
        known += _declared(file, document)
        if len(parts) == 2 and parts[0] == "backbone":
            return Field(name, "backbone", parts)
    if name not in known:
        raise unknown("axis" if place and place[0] == "grid" else "field", name, known, **where)
    section = {"objectives": "objective", "backbones": "backbone"}.get(parts[0], parts[0])
    return Field(name, section, parts)


def _known(file: SpecFile) -> list[str]:
    names = list(SHORTHANDS)
    names += [f"data.{field}" for field in Data.model_fields if field not in ("cameras", "options")]
    names += [f"data.cameras.{field}" for field in Cameras.model_fields]
    names += ["data.noise.detector", "data.noise.scale"]
    names += [f"train.{field}" for field in TrainSection.model_fields]
    names += [f"train.pretrain.{field}" for field in Pretrain.model_fields]
    return names


def _declared(file: SpecFile, document: Document) -> list[str]:
    """Fields of the objectives and backbones that the spec declares, term options included."""
    losses = registry.entries("losses")
    terms: dict[str, set[str]] = {}
    # Which of these terms a run has, its backbone says.
    published = recipes.terms(_based(raw, document) for raw in file.backbones.values())

    def collect(name: str, seen: frozenset[str]) -> set[str]:
        raw = file.objectives.get(name, name)
        if isinstance(raw, dict):
            return set(raw)
        if raw == PUBLISHED:
            return published
        if isinstance(raw, list) and name not in seen:
            return {term for part in raw if isinstance(part, str) for term in collect(part, seen | {name})}
        return set()

    for name in file.objectives:
        terms[name] = collect(name, frozenset())
    names = []
    for objective, used in terms.items():
        for term in used & losses.keys():
            options = ["weight", "lambda", *KEYS, *registry.options(losses[term])]
            names += [f"objectives.{objective}.{term}.{option}" for option in options]
    for name, raw in file.backbones.items():
        entry = registry.get("backbones", _based(raw, document))
        names += [f"backbones.{name}.{option}" for option in registry.options(entry)]
    return names


def _based(raw: Mapping[str, Any], document: Document) -> str:
    """The registered name that a declared backbone is based on."""
    return own_backbones.absolute(str(raw.get("base")), document.folder)
