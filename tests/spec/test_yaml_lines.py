from __future__ import annotations

import math

import pytest

from harness.errors import UserError
from harness.spec.yaml_lines import dotted, parse


def test_plain_scalars_are_those_of_yaml_1_2():
    text = "[1e-3, 1.5, .5, 12, 0x10, 1_000, on, no, 1:30, 010, true, null, ~, '3', 2021-01-01, -.inf]"
    values = parse(text, "f").data
    assert values == [
        0.001,
        1.5,
        0.5,
        12,
        16,
        1000,
        "on",
        "no",
        "1:30",
        10,
        True,
        None,
        None,
        "3",
        "2021-01-01",
        -math.inf,
    ]
    assert isinstance(values[0], float)
    assert math.isnan(parse(".nan", "f").data)


def test_every_value_knows_its_line():
    document = parse("a: 1\nb:\n  c: [2,\n    3]\n  'd.e': {f: 4}\n", "f.yaml")
    assert document.lines[("b", "c", 1)] == 4
    assert document.where(("b", "d.e", "f")) == {"file": "f.yaml", "line": 5, "key": "b.d.e.f"}
    assert document.where(("b", "c", 7, "x"))["line"] == 3, "an unknown path is located at its nearest parent"
    assert dotted(("grid", "seed", 0)) == "grid.seed[0]"


def test_variables_are_expanded_in_values_only():
    text = "# ${UNSET}\na: {path: ${DATA}/x.npz, n: ${N:-5}, quoted: '${N:-5}', other: ${EMPTY:-d}}\n"
    values = parse(text, "f", {"DATA": "/data, with: odd#signs", "EMPTY": ""}).data
    assert values == {"a": {"path": "/data, with: odd#signs/x.npz", "n": 5, "quoted": "5", "other": "d"}}


def test_merge_keys_and_anchors():
    values = parse("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "f").data
    assert values["b"] == {"p": 1, "q": 3}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a' (first on line 1)"),
        ("a:\n  path: ${NOT_SET}/x\n", 2, "the environment variable NOT_SET isn't set"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
        ("a: 1\n\t- b\n", 2, "not YAML"),
        ("a: &x [1, *x]\n", 1, "an alias that contains itself"),
        ("a: !!python/object:os.system {}\n", 1, "isn't supported"),
        ("a: !!python/name:os.system x\n", 1, "isn't supported"),
        ("a: 1\nb: \x07\n", 2, "not YAML"),
        ("? [1, 2]\n: 3\n", 1, "a key must be a word"),
        ("--- 1\n--- 2\n", 2, "not YAML"),
    ],
)
def test_bad_yaml_is_told_with_its_line(text, line, message):
    with pytest.raises(UserError) as caught:
        parse(text, "f.yaml", {})
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == ("f.yaml", line)
