from __future__ import annotations

import pytest

from harness import registry
from harness.errors import UserError
from harness.spec import published
from harness.spec.report_section import Published


def test_every_shipped_number_says_where_it_is_from():
    found = published.shipped()
    assert len(found) == len({(entry.label, entry.source) for entry in found.values()}), "two rows would look alike"
    for name, entry in found.items():
        assert registry.get("metrics", entry.metric), name
        assert entry.dataset == "Human3.6M", name


def test_the_summary_of_repose_is_contradicted_by_its_code():
    summarised = [entry for name, entry in published.shipped().items() if "-repose" in name]
    assert len(summarised) == 5
    for entry in summarised:
        assert entry.about and "released code" in entry.contradicts


def test_two_averages_of_one_network_and_two_detectors_contradict_each_other():
    found = published.shipped()
    pairs = [("motionbert-mmpose-frames", "motionbert-mmpose-actions"), ("videopose3d-gt", "videopose3d-cpn-on-gt")]
    for one, other in pairs:
        assert found[one].value != found[other].value
        assert found[one].contradicts == found[other].contradicts != ""
    assert [found[name].protocol.rpartition(", ")[2] for name in pairs[0]] == ["mean over frames", "mean over actions"]
    assert found[pairs[1][0]].detector != found[pairs[1][1]].detector


def test_patterns_choose_and_nothing_is_chosen_twice():
    own = Published(label="ours, 2019", value=50, source="a paper", protocol="all", detector="CPN")
    labels = [entry.label for entry in published.chosen(["mixste*", own, "mixste"])]
    assert labels == ["MixSTE, 243 frames", "MixSTE + RePOSE", "ours, 2019"]


def test_a_name_that_does_not_ship_gets_the_nearest():
    with pytest.raises(UserError, match="did you mean 'videopose3d'"):
        published.chosen(["videopse3d"])
