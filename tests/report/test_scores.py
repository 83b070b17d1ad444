import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.report import scores

NAMES = ["weights", "test_occlusion", "cameras", "subject", "action", "clip", "camera", "joint", "group", "metric"]


def rows(*cells) -> pd.DataFrame:
    """Rows from (subject, action, metric, group, joint, value, n)."""
    made = [
        ("best", "none", "seen", subject, action, f"c{i}", 0, joint, group, metric, value, n)
        for i, (subject, action, metric, group, joint, value, n) in enumerate(cells)
    ]
    return pd.DataFrame(made, columns=[*NAMES, "value", "n"])


def read(frame, tmp_path):
    frame.to_parquet(tmp_path / "e.parquet")
    return scores.read({"r1": {tmp_path / "e.parquet": [("none", "seen")]}})


def test_three_ways_of_averaging(tmp_path):
    found = read(
        rows(
            ("A", "walk", "mpjpe", "all", "all", 10.0, 100),
            ("A", "run", "mpjpe", "all", "all", 30.0, 300),
            ("B", "run", "mpjpe", "all", "all", 50.0, 100),
            ("B", "run", "mpjpe", "all", "Head", 999.0, 100),
        ),
        tmp_path,
    )
    assert len(found) == 1
    row = found.iloc[0]
    # A: (10·100 + 30·300) / 400 = 25, B: 50
    assert row["value"] == 37.5
    # walk: 10, run: (30·300 + 50·100) / 400 = 35
    assert row["per_action"] == 22.5
    assert row["per_frame"] == 30.0
    assert (row["n"], row["subjects"], row["run_id"]) == (500, 2, "r1")


def test_missing_values_enter_no_mean(tmp_path):
    found = read(
        rows(
            ("A", "walk", "mpjpe_occluded", "all", "all", 10.0, 50),
            ("A", "walk", "mpjpe_occluded", "all", "all", np.nan, 50),
            ("B", "walk", "mpjpe_occluded", "all", "all", np.nan, 0),
            ("A", "walk", "auc", "all", "all", np.nan, 0),
        ),
        tmp_path,
    )
    assert list(found["metric"]) == ["mpjpe_occluded"]
    assert (found["value"][0], found["n"][0], found["subjects"][0]) == (10.0, 50, 1)


def test_sets_of_joints_are_wholes_and_gaps_stay_groups(tmp_path):
    found = read(
        rows(
            ("A", "walk", "mpjpe", "all", "all", 10.0, 5),
            ("A", "walk", "mpjpe_occluded", "occluded", "all", 20.0, 5),
            ("A", "walk", "mpjpe_fixed", "fixed", "all", 30.0, 5),
            ("A", "walk", "order_spatial", "2-5 cm", "all", 60.0, 5),
        ),
        tmp_path,
    )
    pairs = {(m, g): v for m, g, v in zip(found["metric"], found["group"], found["value"], strict=True)}
    expected = {
        ("mpjpe", "all"): 10.0,
        ("mpjpe_occluded", "all"): 20.0,
        ("mpjpe_fixed", "all"): 30.0,
        ("order_spatial", "2-5 cm"): 60.0,
    }
    assert pairs == expected


def test_dictionary_columns_and_row_order_change_nothing(tmp_path):
    frame = rows(*(("AB"[i % 2], "walk", "mpjpe", "all", "all", 1.0 / (i + 1), i + 1) for i in range(9)))
    plain = read(frame, tmp_path)
    shuffled = frame.sample(frac=1, random_state=0)
    other = read(shuffled.astype(dict.fromkeys(NAMES, "category")), tmp_path)
    pd.testing.assert_frame_equal(plain, other)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "bad.parquet").write_text("not parquet")
    with pytest.raises(UserError, match=r"bad\.parquet.*evaluation"):
        scores.read({"r": {tmp_path / "bad.parquet": []}})
    rows(("A", "walk", "mpjpe", "all", "all", 1.0, 1)).drop(columns="n").to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UserError, match=r"short\.parquet"):
        scores.read({"r": {tmp_path / "short.parquet": []}})


@pytest.mark.parametrize("by, column", [("subject", "value"), ("action", "per_action"), ("frame", "per_frame")])
def test_means_are_those_of_the_metrics_module(by, column, tmp_path):
    from harness.metrics import summarise

    draw = np.random.default_rng(1)
    cells = [
        (subject, action, "mpjpe", "all", "all", draw.uniform(50, 150), int(draw.integers(20, 400)))
        for subject in "ABC"
        for action in ("walk", "run", "sit")[: draw.integers(1, 4)]
        for _ in range(draw.integers(1, 4))
    ]
    frame = rows(*cells)
    expected = summarise(frame, "mpjpe", by)
    assert read(frame, tmp_path)[column][0] == pytest.approx(expected["value"][0], abs=1e-4)
