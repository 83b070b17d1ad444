"""`repose check backbone`: a line a check, and an exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-backbone.md"


@pytest.fixture
def example(tmp_path):
    """The network of the guide, where the guide puts it."""
    source = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert source
    (tmp_path / "joint_gru.py").write_text(source.group(1))
    return "joint_gru.py:JointGru"


def test_the_guides_network_keeps_the_contract(repose, example):
    answer = repose("check", "backbone", example, "-o", "channels=8", "--joints", "15", "--window", "9")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert "15 joints of 2 numbers, windows of 9 frames" in lines[0]
    assert all(line.startswith("ok ") for line in lines[:-1]) and lines[-1] == f"{example}: keeps the contract"


def test_a_broken_one_is_told_and_fails(repose, example, tmp_path):
    path = tmp_path / "joint_gru.py"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.lstrip().startswith("check_input(")))
    answer = repose("check", "backbone", example)
    assert answer.code == 1
    assert "FAILED  refuses other shapes" in answer.out and "backbones.shapes.check_input" in answer.out
    assert answer.out.splitlines()[-1].endswith("1 of the checks failed")


def test_closed_forms_are_checked_but_for_gradients(repose):
    answer = repose("check", "backbone", "ridge")
    assert answer.code == 0
    assert re.search(r"^- +gradient +skipped: it is solved in closed form$", answer.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("ridg",), "unknown backbone 'ridg'; did you mean 'ridge'?"),
        (("nothing.py:Net",), "nothing.py: no such file"),
        (("videopose3d", "--window", "9"), "--window: videopose3d reads 27 frames at a time"),
        (("ridge", "--joints", "0"), "a whole number from 1 is needed"),
        (("ridge", "--features", "4"), "argument --features"),
        (("videopose3d", "-o", "chanels=3"), "did you mean 'channels'?"),
        (("videopose3d", "-o", "channels"), "an option is name=value"),
    ],
)
def test_bad_input(repose, given, said):
    answer = repose("check", "backbone", *given)
    assert answer.code == 2 and answer.out == ""
    assert said in answer.err and answer.err.count("\n") == 1
