"""The JSON Schema of spec files, for editors: completion, hints and red lines while typing.

Made from the file's model and the registry; committed as experiments/spec.schema.json, which a test
keeps up to date.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from pydantic import TypeAdapter

from harness import level_names, registry
from harness.spec import published
from harness.spec.fields import SHORTHANDS
from harness.spec.recipes import PUBLISHED, TrainSection
from harness.spec.report_section import FIGURES, Published
from harness.spec.run import Cameras, Data, Pretrain, Train
from harness.spec.schema import SpecFile
from harness.spec.weighting import Weighting

_ATTRIBUTE = re.compile(r"^    ([\w, ]+): (.*(?:\n        .*)*)", re.MULTILINE)
_DEEPER = r",|^backbone\.\w|^data\.options\.\w|^backbones\.[^.]+\.\w|^objectives\.[^.]+\.\w+\.\w"
"""Axes whose names the spec itself decides, and tied ones: `repose validate` knows them."""
_NUMBER_OR_TEXT = {"type": ["string", "number", "boolean", "null", "array"]}


def schema() -> dict[str, Any]:
    """The schema as plain data."""
    made = SpecFile.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    _drop_titles(made)
    made["title"] = "A spec of the repose harness"
    definitions = made["$defs"]
    inherited, own = inspect.getdoc(Train) or "", inspect.getdoc(TrainSection) or ""
    definitions["TrainSection"]["description"] = f"{inherited}\n{own.partition('Attributes:')[2].strip(chr(10))}"
    for definition in (made, *definitions.values()):
        _describe(definition)
    definitions["objective"] = _objective()
    properties = made["properties"]
    backbones = list(registry.entries("backbones"))
    properties["objectives"] = {
        "description": "Named objectives: loss terms with weights, or a list of objectives to compose.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/objective"},
    }
    properties["backbone"] = {
        "description": "The backbone of every run, unless the grid varies it: a name, or a name with options.",
        "anyOf": [
            {"type": "string", "examples": backbones},
            {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string", "examples": backbones}, **_backbone_options()["properties"]},
            },
        ],
    }
    properties["backbones"] = {
        "description": "Backbones named here: a registered base with other options.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["base"],
            "properties": {"base": {"type": "string", "examples": backbones}, **_backbone_options()["properties"]},
        },
    }
    definitions["point"] = _point(backbones)
    point = {"$ref": "#/$defs/point"}
    properties["grid"] = {**point, "description": "Axis → values; 'a, b' ties two axes: [[a1, b1], [a2, b2]]."}
    for name in ("include", "exclude"):
        properties[name] = {"type": "array", "items": point}
    properties["include"]["description"] = "Further points; what an entry doesn't name runs over the grid."
    properties["exclude"]["description"] = "Points of the grid to leave out; all named axes must match."
    composed = {"type": "string", "pattern": level_names.pattern(registry.entries("processes"))}
    levels = {"anyOf": [{"enum": list(registry.entries("occlusions"))}, composed]}
    definitions["TrainSection"]["properties"]["occlusion"] |= levels
    definitions["TrainSection"]["properties"]["validate_on"]["items"] = levels
    definitions["Test"]["properties"]["occlusion"]["items"] = levels
    definitions["Test"]["properties"]["protocol"] |= {"enum": list(registry.entries("protocols"))}
    definitions["Data"]["properties"]["dataset"] |= {"enum": list(registry.entries("datasets"))}
    metrics = {"enum": list(registry.entries("metrics"))}
    definitions["Claim"]["properties"]["metric"] |= metrics
    definitions["Table"]["properties"]["metric"] = {"anyOf": [metrics, {"type": "array", "items": metrics}]}
    _of_report(definitions, metrics)
    return made


def _of_report(definitions: dict[str, Any], metrics: dict[str, Any]) -> None:
    """What the report's model leaves open: names of figures and of published numbers, or numbers given in the spec."""
    number = Published.model_json_schema()
    _drop_titles(number)
    _describe(number)
    number["properties"]["metric"] |= metrics
    definitions["Published"] = number
    names = {"anyOf": [{"enum": list(published.shipped())}, {"type": "string", "pattern": r"\*"}]}
    properties = definitions["Report"]["properties"]
    properties["reference"]["items"] = {"anyOf": [*names["anyOf"], {"$ref": "#/$defs/Published"}]}
    options = {"type": ["object", "null"]}
    chosen = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: options for name in FIGURES},
    }
    figures = {"enum": list(FIGURES)}
    properties["figures"].pop("title", None)
    properties["figures"] |= {
        "anyOf": [{"enum": ["all", *FIGURES]}, {"type": "array", "items": {"anyOf": [figures, chosen]}}]
    }


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _objective() -> dict[str, Any]:
    weight = {"type": "number", "minimum": 0, "description": "λ"}
    shown = Weighting.model_json_schema()
    _drop_titles(shown)
    _describe(shown)
    beside = shown["properties"]
    terms = {}
    for name, entry in registry.entries("losses").items():
        options = {option: _option(item) for option, item in registry.options(entry).items()}
        long_form: dict[str, Any] = {"type": "object", "additionalProperties": False, "required": ["weight"]}
        long_form["properties"] = {"weight": weight, **beside, **options}
        if "weight" in options:
            # λ is spelt lambda where weight is the term's own option (see `harness.spec.run.split_term`).
            long_form["properties"] |= {"weight": {"anyOf": [weight, options["weight"]]}, "lambda": weight}
            del long_form["required"]
            long_form["anyOf"] = [{"required": ["lambda"]}, {"properties": {"weight": weight}, "required": ["weight"]}]
        terms[name] = {"description": entry.summary, "anyOf": [weight, long_form]}
    return {
        "anyOf": [
            {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": terms},
            {"type": "array", "minItems": 1, "items": {"type": "string"}},
            {"const": PUBLISHED, "description": "the loss of each backbone's published recipe"},
        ]
    }


def _backbone_options() -> dict[str, Any]:
    """Every option that any backbone has; which of them go together is checked by `repose validate`."""
    found: dict[str, Any] = {}
    for entry in registry.entries("backbones").values():
        if entry.base is None:
            for name in registry.options(entry):
                found.setdefault(name, {"description": f"option of {entry.name}"})
    return {"type": "object", "properties": found}


def _option(option: registry.Option) -> dict[str, Any]:
    made = TypeAdapter(option.annotation).json_schema()
    return made if option.required else {**made, "default": option.default}


def _point(backbones: list[str]) -> dict[str, Any]:
    fields = [f"data.{name}" for name in Data.model_fields if name not in ("cameras", "options")]
    fields += [f"data.cameras.{name}" for name in Cameras.model_fields]
    fields += ["data.noise.detector", "data.noise.scale"]
    fields += [f"train.{name}" for name in TrainSection.model_fields]
    fields += [f"train.pretrain.{name}" for name in Pretrain.model_fields]
    shorthand: dict[str, Any] = dict.fromkeys(SHORTHANDS, _NUMBER_OR_TEXT)
    shorthand["backbone"] = {**_NUMBER_OR_TEXT, "examples": [backbones]}
    shorthand["train_occlusion"] = {**_NUMBER_OR_TEXT, "examples": [list(registry.entries("occlusions"))]}
    shorthand["seed"] = {
        "description": "A number of seeds, or the seeds.",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "integer", "minimum": 0}}],
    }
    return {
        "description": "Shorthand axes or any dotted field.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"anyOf": [{"enum": [*shorthand, *fields]}, {"pattern": _DEEPER}]},
        "properties": {**shorthand, **dict.fromkeys(fields, _NUMBER_OR_TEXT)},
    }


def _describe(definition: dict[str, Any]) -> None:
    """Give each property what the class's docstring says of it under ``Attributes:``."""
    text, _, attributes = definition.get("description", "").partition("\n\nAttributes:\n")
    if text:
        definition["description"] = " ".join(text.split())
    for names, meaning in _ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            if name in definition["properties"]:
                definition["properties"][name]["description"] = " ".join(meaning.split())


def _drop_titles(made: Any) -> None:
    """Remove the titles pydantic derives from field names: editors would show them instead of descriptions."""
    if isinstance(made, dict):
        for key, value in list(made.items()):
            if (key == "title" and isinstance(value, str) and "type" in made) or (key == "title" and "anyOf" in made):
                del made[key]
            else:
                _drop_titles(value)
    elif isinstance(made, list):
        for item in made:
            _drop_titles(item)
