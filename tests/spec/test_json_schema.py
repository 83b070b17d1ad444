from __future__ import annotations

import json

import jsonschema
import pytest

from harness import registry
from harness.spec import json_schema, shipped
from harness.spec.yaml_lines import parse


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(json_schema.text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_committed_schema_is_up_to_date():
    committed = (shipped.folder() / "spec.schema.json").read_text(encoding="utf-8")
    assert committed == json_schema.text(), "run: repose schema experiments/spec.schema.json"


@pytest.mark.parametrize("name", shipped.names())
def test_shipped_specs_satisfy_it_and_name_it_in_their_first_line(validator, name):
    text = shipped.names()[name].read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=spec.schema.json"
    assert list(validator.iter_errors(parse(text, name, {}).data)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps: 10", "stps: 10"),
        ("steps: 10", "steps: 0"),
        ("steps: 10", "lr: -1"),
        ("moderate", "moderat"),
        ("synthetic", "synthetc"),
        ("spatial_rdc", "spacial_rdc"),
        ("form: margin", "form: marginal"),
        ("form: margin", "frm: margin"),
        ("{mpjpe: 1}", "{mpjpe: -1}"),
        ("{weight: 0.1, form: margin}", "{form: margin}"),
        ("name: trial", "nam: trial"),
        ("objectives:", "retries: -1\nobjectives:"),
        ("seed: 2", "sead: 2"),
        ("seed: 2", "train.stps: [1]"),
        ("seed: 2", "data.cameras.trian: [1]"),
        ("seed: 2", "objectives.spatial.wieght: [1]"),
    ],
)
def test_it_refuses_what_validate_refuses(validator, base, old, new):
    assert validator.is_valid(parse(base, "f").data)
    assert old in base
    assert not validator.is_valid(parse(base.replace(old, new, 1), "f").data)


@pytest.mark.parametrize(
    "axis",
    ["train.steps: [1]", "data.cameras.train: [1]", "data.options.subjects: [4]", "backbone.channels: [8]",
     "objectives.spatial.spatial_rdc.weight: [0.1]", '"data.window, train.batch": [[9, 64]]'],
)  # fmt: skip
def test_it_takes_every_axis(validator, base, axis):
    assert list(validator.iter_errors(parse(base.replace("seed: 2", axis), "f").data)) == []


def test_both_spellings_of_a_weight(validator, base):
    term = "{weight: 0.1, form: margin}"
    assert validator.is_valid(parse(base.replace(term, "{lambda: 0.1, weight: occluded}"), "f").data)
    assert not validator.is_valid(parse(base.replace(term, "{weight: occluded}"), "f").data)


def test_it_knows_every_name(validator):
    text = json_schema.text()
    for kind in {*registry.KINDS} - {"processes"}:
        assert all(f'"{name}"' in text for name in registry.entries(kind)), kind


@pytest.mark.parametrize("level", ["limbs@0.5", "joints+stretches:length=60:of=joints@0.25:mean", "frames@1"])
def test_it_knows_levels_that_are_put_together(validator, base, level):
    assert validator.is_valid(parse(base.replace("moderate", level), "f").data)
    for wrong in (level.replace("s", "z", 1), level.split("@")[0], level + "1:zeros", "severe@0.5"):
        assert not validator.is_valid(parse(base.replace("moderate", wrong), "f").data), wrong


def test_editors_get_descriptions(validator):
    steps = validator.schema["$defs"]["TrainSection"]["properties"]["steps"]
    assert steps == {"default": 3000, "minimum": 1, "type": "integer", "description": "optimiser steps."}
