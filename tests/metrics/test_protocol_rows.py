"""The rows of one clip under protocols: what becomes of the root, which joints and frames count."""

import pandas as pd
import pytest
import torch

from harness import metrics, protocols, registry
from harness.protocols import PLAIN
from harness.skeleton import H36M17


def scored(clip, name=None, **also):
    pred, target, hidden = clip
    scoring = protocols.of(name).scoring if name else PLAIN
    fixed = hidden | (torch.arange(17) == 4)
    rows = metrics.clip_rows(pred, target, hidden=hidden, fixed=fixed, skeleton=H36M17, scoring=scoring, **also)
    return pd.DataFrame(rows).set_index(["metric", "joint", "group"])


def value(rows, metric, joint="all", group="all"):
    return rows.loc[(metric, joint, group), "value"]


def errors(pred, target):
    return 1000 * (pred.double() - target.double()).norm(dim=-1)


def test_the_root_is_subtracted_zeroed_or_kept(clip):
    pred, target, hidden = clip
    truth = target - target[:, :1]
    shifted = pred - target[:, :1].mean() + 0.01
    zeroed = shifted.clone()
    zeroed[:, 0] = 0
    expected = {"mean-per-action": shifted - shifted[:, :1], "root-zeroed": zeroed, "videopose3d": shifted}
    for name, taken in expected.items():
        rows = scored((shifted, target, hidden), name)
        assert value(rows, "mpjpe") == pytest.approx(float(errors(taken, truth).mean()), rel=1e-5)
        assert value(rows, "mpjpe", "Hip") == pytest.approx(float(errors(taken, truth)[:, 0].mean()), abs=1e-6)
        # What moves all joints of a frame alike doesn't matter once they are aligned; a root set apart does.
        same = value(rows, "p_mpjpe") == pytest.approx(value(scored(clip), "p_mpjpe"), rel=1e-5)
        assert same == (name != "root-zeroed")
    assert value(scored((shifted, target, hidden), "root-zeroed"), "mpjpe", "Hip") == 0


def test_only_the_joints_of_the_protocol_count(clip):
    pred, target, hidden = clip
    every, all14, some14 = scored(clip), scored(clip, "3dhp-14"), scored(clip, "3dhp")
    counted = protocols.of("3dhp-14").scoring.counted(H36M17, "mpjpe")
    p, t = (pose - pose[:, :1] for pose in (pred, target))
    assert value(all14, "mpjpe") == pytest.approx(float(errors(p, t)[:, counted].mean()), rel=1e-5)
    assert value(all14, "p_mpjpe") == pytest.approx(float(metrics.p_mpjpe(p, t, joints=counted)), rel=1e-6)
    assert value(all14, "mpjve") == pytest.approx(float(metrics.mpjve(p, t, joints=counted)), rel=1e-6)
    chosen = errors(p, t)[:, counted][hidden[:, counted]]
    assert value(all14, "mpjpe_occluded", group="occluded") == pytest.approx(float(chosen.mean()), rel=1e-5)
    assert all14.loc[("mpjpe_occluded", "all", "occluded"), "n"] == int(hidden[:, counted].sum())
    assert set(all14.loc["mpjpe"].index.get_level_values("joint")) == {"all", *(H36M17.joints[j] for j in counted)}
    pairs = all14.loc[("order_spatial", "all", "all"), "n"] / every.loc[("order_spatial", "all", "all"), "n"]
    assert 0.5 < pairs < 0.85  # 91 of 136 pairs of joints
    for metric in ("pck150", "auc"):
        assert value(some14, metric) == value(all14, metric) != value(every, metric)
    for metric in set(registry.entries("metrics")) - {"pck150", "auc"}:
        pd.testing.assert_frame_equal(some14.loc[[metric]], every.loc[[metric]])


def test_frames_between_those_of_the_protocol_count_for_nothing(clip):
    pred, target, hidden = clip
    valid = torch.arange(23) > 0
    assert scored(clip, "every-64th").loc[("mpjpe", "all", "all"), "n"] == 1
    assert value(scored(clip, "every-64th"), "mpjpe") == pytest.approx(
        value(scored((pred[:1], target[:1], hidden[:1])), "mpjpe")
    )
    assert scored(clip, "every-64th", valid=valid).loc[("mpjpe", "all", "all"), "n"] == 0
