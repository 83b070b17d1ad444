"""A detector's file: what it holds, and what it can't."""

import json

import pytest

from harness.data.detector_file import JointError, parsed, read, shipped
from harness.errors import UserError

GOOD = {"format": 1, "name": "mine", "joints": {"*": {"spread": 0.03, "tail": 5}}}


def test_what_a_file_holds(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**GOOD, "provenance": {"any": "thing"}, "reach": 1}))
    found = read(str(path))
    assert found.joints == (("*", JointError(0.03, 5.0, 0.0, 0.0)),) and (found.reach, found.right) == (1.0, 0.25)
    path.write_text(json.dumps({**GOOD, "joints": {"*": {"spread": 0.03, "tail": None, "memory": 0.1}}}))
    assert read(str(path)).joints[0][1] == JointError(0.03, None, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format: is no detector's file of format 1"),
        ({"name": None}, "name: 'name' is missing or no text"),
        ({"joints": {}}, "joints: expected pattern of joints"),
        ({"joints": {"*": 3}}, r"joints\.\*: expected spread, tail, memory and lasting"),
        ({"joints": {"*": {"tail": 3}}}, r"joints\.\*\.spread: 'spread' is missing"),
        ({"joints": {"*": {"spread": 0.1, "tial": 3}}}, r"joints\.\*\.tial: unknown key 'tial'; did you mean 'tail'"),
        ({"joints": {"*": {"spread": 0.1, "tail": 1}}}, r"joints\.\*\.tail: a number from 2 is needed; got 1"),
        ({"joints": {"*": {"spread": -1}}}, r"joints\.\*\.spread: a number from 0 to 10 is needed; got -1"),
        ({"joints": {"*": {"spread": float("nan")}}}, "a number from 0 to 10 is needed; got nan"),
        ({"joints": {"*": {"spread": 0.1, "memory": True}}}, "a number from 0 to 2 is needed; got True"),
        ({"joints": {"*": {"spread": 0.1, "lasting": 1.5}}}, "a number from 0 to 1 is needed; got 1.5"),
        ({"right": "far"}, "right: a number from 0 to 10 is needed; got 'far'"),
    ],
)
def test_what_it_cannot(change, message):
    with pytest.raises(UserError, match=message):
        parsed({**GOOD, **change})


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match="unknown detector 'plausble'; did you mean 'plausible'"):
        read("plausble")
    with pytest.raises(UserError, match=r"nowhere.json: the detector's file can't be read \(No such file"):
        read(str(tmp_path / "nowhere.json"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(UserError, match=r"broken.json: no JSON file"):
        read(str(broken))
    assert shipped() == ("plausible",)
