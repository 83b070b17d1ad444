"""Protocols: every line can be loaded and says its source, keys name what decides rows, and data are checked."""

import hashlib
import json
import re
import sys
import types
from dataclasses import asdict
from pathlib import Path

import pytest

from harness import protocols, registry, registry_lines
from harness.data.importers.mpi3dhp_pstmo import JOINTS
from harness.errors import UserError
from harness.protocols import PLAIN
from harness.skeleton import H36M17, HUMANEVA15, SMPL24

NAMES = list(registry.entries("protocols"))
SHIFTED = protocols.of("h36m-unshifted").scoring
BY_NUMBER = [f"S9/{name}" for name in ("Greeting 1", "Greeting 2", "SittingDown 1", "SittingDown 2", "Waiting 1")]
BY_VIDEO = [f"S9/{name}" for name in ("Greeting", "Greeting 1", "SittingDown", "SittingDown 1", "Waiting", "Waiting 1")]


def of_s9(names):
    return [("S9", name) for name in names]


def test_each_says_who_scores_so_and_the_old_ones_score_as_they_did():
    assert all(len(protocols.of(name).source) > 40 and protocols.of(name).title == f"{name}@1" for name in NAMES)
    means = {"mean-per-subject": "value", "mean-per-action": "per_action", "mean-per-frame": "per_frame"}
    assert {name: protocols.of(name).mean for name in means} == means
    assert all(protocols.of(name).scoring == PLAIN for name in means) and PLAIN.key == ""
    assert [name for name in NAMES if protocols.of(name).chosen_on_test] == ["best-on-test", "motionbert"]
    with pytest.raises(UserError, match="unknown protocol 'mean-per-actions'; did you mean 'mean-per-action'"):
        protocols.of("mean-per-actions")


def test_what_a_scoring_is_called_changes_with_what_it_is():
    """A scoring that changes needs another version: stored rows are found by these names."""
    kept = json.loads((Path(__file__).parent / "golden_scorings.json").read_text())
    known = {}
    for scoring in map(lambda name: protocols.of(name).scoring, NAMES):
        said = {name: value for name, value in asdict(scoring).items() if name not in ("name", "version")}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        assert known.setdefault(scoring.key, digest) == digest, "two scorings of one name"
    assert known == kept


def test_a_key_tells_its_scoring():
    for key, scoring in protocols.scorings().items():
        assert protocols.scoring_called(f"limbs@0.5:zero@1/seen{key}") == scoring
        assert protocols.scoring_called(f"severe@1/seen{key}/accel@2") == scoring


def test_the_shifted_recordings_are_found_in_both_spellings():
    assert SHIFTED.dropped(of_s9(BY_NUMBER)) == {"S9/Greeting 2", "S9/SittingDown 2", "S9/Waiting 1"}
    assert SHIFTED.dropped(of_s9(BY_VIDEO)) == {"S9/Greeting", "S9/SittingDown 1", "S9/Waiting 1"}
    filmed = of_s9([f"{name}.{camera}" for name in BY_NUMBER for camera in ("54138969", "60457274")])
    assert len(SHIFTED.dropped(filmed)) == 6
    assert not SHIFTED.dropped([("S11", "S11/Greeting 2")])


@pytest.mark.parametrize(
    ("scoring", "skeleton", "clips", "root", "message"),
    [
        (SHIFTED, H36M17, of_s9(["S9/Greeting 2", "S9/Walking"]), "per_frame", "none of these sets of names"),
        (SHIFTED, H36M17, of_s9([*BY_NUMBER, *BY_VIDEO]), "per_frame", "names of several layouts"),
        (SHIFTED, H36M17, of_s9(["S9/Greeting 2", "S9/SittingDown 2", "S9/Waiting 1"]), "per_frame", "every test clip"),
        (
            protocols.of("3dhp-14").scoring,
            HUMANEVA15,
            [("S1", "a")],
            "per_frame",
            "the joint 'RFoot', and 'humaneva15'",
        ),
        (protocols.of("3dhp").scoring, SMPL24, [("S1", "a")], "per_frame", "smpl24"),
        (protocols.of("videopose3d").scoring, H36M17, [("S1", "a")], "first_frame", "set data.root to per_frame"),
    ],
)
def test_data_that_can_t_be_scored_so_are_refused(scoring, skeleton, clips, root, message):
    with pytest.raises(UserError, match=message):
        scoring.fits(skeleton, clips, root)


def test_what_fits_is_said_nothing_about():
    SHIFTED.fits(H36M17, [*of_s9(BY_VIDEO), ("S11", "S11/Greeting")], "first_frame")
    PLAIN.fits(SMPL24, [("S9", "S9/Greeting 2")], "first_frame")


def test_the_fourteen_joints_are_the_first_of_the_layout():
    counted = protocols.of("3dhp").scoring.counted(H36M17, "pck150")
    assert sorted(JOINTS[place] for place in counted) == list(range(14))
    assert protocols.of("3dhp").scoring.counted(H36M17, "mpjpe") is None
    assert protocols.of("3dhp-14").scoring.counted(H36M17, "mpjpe") == counted


PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")


def test_the_page_lists_every_protocol_as_it_is():
    rows = [re.split(r" *\| *", line)[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row[0].split("`")[1] for row in rows] == NAMES
    for name, (_, root, _, over, chosen) in zip(NAMES, rows, strict=True):
        protocol = protocols.of(name)
        assert (root, over) == (protocol.scoring.root, f"{protocol.averaged}s")
        assert (chosen == "**test data**") == protocol.chosen_on_test


def test_the_example_of_the_page_works_as_printed(monkeypatch):
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    module = types.ModuleType("protocol_example")
    exec(f"from harness.protocols import Protocol, Scoring\n{source}", module.__dict__)
    monkeypatch.setitem(sys.modules, "protocol_example", module)
    name, target, version, summary = re.search(r'"(\w+)": \("([\w.:]+)", (\d+), "(.*)"\)', PAGE).groups()
    line = (target.replace("harness.protocols.ours", "protocol_example"), int(version), summary)
    monkeypatch.setitem(registry_lines.PROTOCOLS, name, line)
    registry.entries.cache_clear()
    try:
        legs = protocols.of("legs")
        assert legs.title == "legs@1" and legs.scoring.counted(H36M17, "mpjpe") == [1, 2, 3, 4, 5, 6]
        assert protocols.scored_as("severe@1/seen~legs@1") == "legs"
    finally:
        monkeypatch.undo()
        registry.entries.cache_clear()
