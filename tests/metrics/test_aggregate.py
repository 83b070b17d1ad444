"""Means over clips, by hand."""

import math

import pandas as pd
import pytest

from harness.metrics import summarise

COLUMNS = ["test_occlusion", "subject", "action", "clip", "camera", "joint", "group", "metric", "value", "n"]
ROWS = [
    ("none", "s1", "walk", "a", 0, "all", "all", "mpjpe", 10.0, 100),
    ("none", "s1", "run", "b", 0, "all", "all", "mpjpe", 40.0, 50),
    ("none", "s2", "walk", "c", 0, "all", "all", "mpjpe", 70.0, 10),
    ("severe", "s1", "walk", "a", 0, "all", "all", "mpjpe", 30.0, 100),
    ("severe", "s2", "walk", "c", 0, "all", "all", "mpjpe", 50.0, 10),
    ("none", "s1", "walk", "a", 0, "LFoot", "all", "mpjpe", 99.0, 100),
    ("none", "s1", "walk", "a", 0, "all", "occluded", "mpjpe_occluded", math.nan, 0),
    ("none", "s2", "walk", "c", 0, "all", "occluded", "mpjpe_occluded", math.nan, 0),
    ("severe", "s1", "walk", "a", 0, "all", "occluded", "mpjpe_occluded", 80.0, 7),
    ("severe", "s2", "walk", "c", 0, "all", "occluded", "mpjpe_occluded", math.nan, 0),
    ("none", "s1", "walk", "a", 0, "all", "2-5 cm", "order_spatial", 60.0, 1000),
]


@pytest.fixture
def rows():
    return pd.DataFrame(ROWS, columns=COLUMNS)


def values(summary):
    return {row.test_occlusion: (row.value, row.n, row.units) for row in summary.itertuples()}


def test_by_subject_clips_weigh_by_frames_and_subjects_alike(rows):
    summary = summarise(rows, "mpjpe")
    assert values(summary) == {"none": (45.0, 160, 2), "severe": (40.0, 110, 2)}
    assert set(summary["average"]) == {"mean of subject means"}


def test_by_action(rows):
    found = values(summarise(rows, "mpjpe", "action"))
    assert found["none"] == (pytest.approx(((10 * 100 + 70 * 10) / 110 + 40) / 2), 160, 2)


def test_by_frame(rows):
    summary = summarise(rows, "mpjpe", "frame")
    assert values(summary)["none"] == (pytest.approx((1000 + 2000 + 700) / 160), 160, 3)
    assert set(summary["average"]) == {"mean over frames"}


def test_missing_stays_missing_and_enters_no_mean(rows):
    found = values(summarise(rows, "mpjpe_occluded"))
    assert math.isnan(found["none"][0]) and found["none"][1:] == (0, 0)
    assert found["severe"] == (80.0, 7, 1)


def test_a_joint_and_a_group(rows):
    assert values(summarise(rows, "mpjpe", joint="LFoot"))["none"] == (99.0, 100, 1)
    assert values(summarise(rows, "order_spatial", group="2-5 cm"))["none"] == (60.0, 1000, 1)
    assert summarise(rows, "order_spatial").empty


def test_settings_that_are_absent_are_left_out(rows):
    alone = rows[rows["test_occlusion"] == "none"].drop(columns="test_occlusion")
    summary = summarise(alone, "mpjpe")
    assert len(summary) == 1 and summary["value"].item() == 45.0


def test_an_unknown_average_is_refused(rows):
    with pytest.raises(ValueError, match="subject, action, frame"):
        summarise(rows, "mpjpe", "clip")
