"""The rows of one clip: complete, rooted, valid frames only, missing where undefined."""

import math
import subprocess
import sys

import pandas as pd
import pytest
import torch

from harness import metrics, registry
from harness.metrics import depth_order
from harness.skeleton import H36M17


def table(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    assert list(frame.columns) == ["joint", "group", "metric", "value", "n"]
    assert not frame.duplicated(["joint", "group", "metric"]).any()
    return frame.set_index(["metric", "joint", "group"]).sort_index()


@pytest.fixture
def scored(clip):
    pred, target, hidden = clip
    fixed = hidden | (torch.arange(17) == 4)
    return table(metrics.clip_rows(pred + 3.0, target, hidden=hidden, fixed=fixed, skeleton=H36M17)), fixed


def test_every_registered_metric_has_its_rows(scored):
    rows, _ = scored
    assert set(rows.index.get_level_values("metric")) == set(registry.entries("metrics"))
    assert set(rows.loc["mpjpe"].index) == {("all", "all"), *((name, "all") for name in H36M17.joints)}
    for metric in ("order_spatial", "order_temporal"):
        assert set(rows.loc[metric].index) == {("all", group) for group in depth_order.GROUPS}
    assert list(rows.loc["mpjpe_occluded"].index) == [("all", "occluded")]
    assert list(rows.loc["mpjpe_fixed"].index) == [("all", "fixed")]


def test_values_are_those_of_the_metrics_after_the_root_is_moved(clip, scored):
    pred, target, hidden = clip
    rows, fixed = scored
    pred, target = (pose - pose[:, :1] for pose in (pred.double(), target.double()))
    plain = {
        "mpjpe": (metrics.mpjpe, 23),
        "p_mpjpe": (metrics.p_mpjpe, 23),
        "n_mpjpe": (metrics.n_mpjpe, 23),
        "mpjve": (metrics.mpjve, 22),
        "pck150": (metrics.pck, 23),
        "auc": (metrics.auc, 23),
    }
    for name, (metric, n) in plain.items():
        found = rows.loc[(name, "all", "all")]
        # the common shift of 3 m leaves float32 rounding behind
        assert found["value"] == pytest.approx(float(metric(pred, target)), rel=1e-4) and found["n"] == n
    errors = metrics.position_errors(pred, target)
    for name, group, chosen in (("mpjpe_occluded", "occluded", hidden), ("mpjpe_fixed", "fixed", fixed)):
        found = rows.loc[(name, "all", group)]
        assert found["value"] == pytest.approx(float(errors[chosen].mean()), rel=1e-4)
        assert found["n"] == int(chosen.sum())
    for joint, value in zip(H36M17.joints, errors.mean(dim=0).tolist(), strict=True):
        assert rows.loc[("mpjpe", joint, "all"), "value"] == pytest.approx(value, rel=1e-4, abs=1e-9)
    order = depth_order.temporal(pred, target, hidden=hidden)["occluded"]
    assert rows.loc[("order_temporal", "all", "occluded"), "n"] == order.n


def test_cheap_rows_are_the_same_position_errors(clip, scored):
    pred, target, hidden = clip
    rows, fixed = scored
    cheap = table(metrics.clip_rows(pred + 3.0, target, hidden=hidden, fixed=fixed, skeleton=H36M17, cheap=True))
    assert set(cheap.index.get_level_values("metric")) == {"mpjpe", "mpjpe_occluded", "mpjpe_fixed"}
    pd.testing.assert_frame_equal(cheap, rows.loc[cheap.index])


def test_invalid_frames_enter_nothing(clip):
    pred, target, hidden = clip
    valid = torch.ones(23, dtype=torch.bool)
    valid[15:] = False
    poisoned = torch.where(valid[:, None, None], pred, torch.nan)
    given = {"hidden": hidden, "fixed": hidden, "skeleton": H36M17}
    found = table(metrics.clip_rows(poisoned, target, valid=valid, **given))
    short = {"hidden": hidden[:15], "fixed": hidden[:15], "skeleton": H36M17}
    pd.testing.assert_frame_equal(found, table(metrics.clip_rows(pred[:15], target[:15], **short)))


def test_what_is_undefined_is_missing(clip):
    pred, target, _ = clip
    nothing = torch.zeros(1, 17, dtype=torch.bool)
    rows = table(metrics.clip_rows(pred[:1], target[:1], hidden=nothing, fixed=nothing, skeleton=H36M17))
    missing = rows[rows["n"] == 0]
    assert missing["value"].isna().all() and rows[rows["n"] > 0]["value"].notna().all()
    for metric in ("mpjve", "order_temporal", "mpjpe_occluded", "mpjpe_fixed"):
        assert rows.loc[metric, "n"].eq(0).all(), metric
    assert (rows.loc["order_spatial"].loc[[("all", "occluded")], "n"] == 0).all()


def test_no_valid_frame_at_all(clip):
    pred, target, hidden = clip
    valid = torch.zeros(23, dtype=torch.bool)
    rows = metrics.clip_rows(pred, target, hidden=hidden, fixed=hidden, valid=valid, skeleton=H36M17)
    assert all(math.isnan(row["value"]) and row["n"] == 0 for row in rows)


def test_shapes_are_checked(clip):
    pred, target, hidden = clip
    with pytest.raises(ValueError, match="expected fixed"):
        metrics.clip_rows(pred, target, hidden=hidden, fixed=hidden[:3], skeleton=H36M17)
    with pytest.raises(ValueError, match="expected pred"):
        metrics.clip_rows(pred[:, :15], target, hidden=hidden, fixed=hidden, skeleton=H36M17)


def test_metrics_can_be_named_and_averaged_without_torch():
    code = (
        "import sys; from harness import registry, metrics; from harness.metrics import summarise;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
