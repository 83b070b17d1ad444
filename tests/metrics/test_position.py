"""Position metrics against published implementations, obvious loops and their invariances."""

import math

import numpy as np
import pytest
import torch

from harness import metrics

MEANS = (metrics.mpjpe, metrics.p_mpjpe, metrics.n_mpjpe, metrics.mpjve)
CLOSE = {"rel": 1e-6}


@pytest.mark.parametrize("index, metric", list(enumerate(MEANS)), ids=lambda m: getattr(m, "__name__", ""))
@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_equal_to_the_published_values(reference, index, metric, convert):
    value = metric(convert(reference["pred"]), convert(reference["target"]))
    assert float(value) == pytest.approx(1000 * reference["ref"][index], **CLOSE)


def test_procrustes_alignment_of_each_frame(reference):
    each = metrics.aligned_errors(reference["pred"], reference["target"]).mean(dim=-1)
    np.testing.assert_allclose(each, 1000 * reference["p_mpjpe_per_frame"], rtol=1e-6)


def test_pck_and_auc_are_those_of_3dhp(reference):
    pred, target = reference["mpi_pred_mm"] / 1000, reference["mpi_target_mm"] / 1000
    first = range(14)
    assert float(metrics.pck(pred, target, joints=first)) == pytest.approx(float(reference["mpi_pck14"]), **CLOSE)
    assert float(metrics.auc(pred, target, joints=first)) == pytest.approx(float(reference["mpi_auc14"]), **CLOSE)
    assert float(metrics.pck(pred, target)) == pytest.approx(float(reference["pck17_all_joints"]), **CLOSE)
    assert float(metrics.auc(pred, target)) == pytest.approx(float(reference["auc17_all_joints"]), **CLOSE)
    assert float(metrics.mpjpe(pred, target)) == pytest.approx(float(reference["mpi_mpjpe17"]), **CLOSE)
    np.testing.assert_allclose(metrics.position_errors(pred, target), reference["mpi_err_mm"], rtol=1e-9)
    perfect = [float(metrics.pck(target, target)), float(metrics.auc(target, target))]
    np.testing.assert_allclose(perfect, reference["mpi_perfect_pck_auc"], rtol=1e-12)


def test_the_pck_threshold_is_strict():
    target = torch.zeros(1, 3, 3, dtype=torch.float64)
    pred = target.clone()
    pred[0, :, 0] = torch.tensor([0.125, 0.124, 0.126], dtype=torch.float64)
    assert float(metrics.pck(pred, target, threshold=125)) == pytest.approx(100 / 3)
    assert float(metrics.auc(pred, target, thresholds=(124.5, 125, 125.5, 200))) == pytest.approx(
        100 * (2 + 4 + 1) / 12
    )


def test_auc_is_the_mean_of_pck_over_its_thresholds(clip):
    pred, target, _ = clip
    each = [float(metrics.pck(pred, target, threshold=limit)) for limit in range(0, 151, 5)]
    assert float(metrics.auc(pred, target)) == pytest.approx(sum(each) / 31)


def kabsch_loop(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """One frame by the textbook, to compare with: (J, 3) twice → (J,) metres."""
    p, t = pred - pred.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(p.T @ t)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = np.trace(np.diag(s) @ flip) / (p**2).sum()
    return np.linalg.norm(scale * p @ rotation - t, axis=-1)


def test_alignment_of_poses_unlike_the_truth_matches_the_loop(reference):
    pred, target = reference["hard_pred"].astype(float), reference["hard_target"].astype(float)
    pred = np.concatenate(
        [pred, pred * [-1.0, 1.0, 1.0], target * [1.0, 1.0, -1.0]]
    )  # mirrored ones need no reflection
    target = np.concatenate([target, target, target])
    expected = [
        [1000 * kabsch_loop(p, t) for p, t in zip(*pair, strict=True)] for pair in zip(pred, target, strict=True)
    ]
    np.testing.assert_allclose(metrics.aligned_errors(pred, target), expected, rtol=1e-9)
    assert float(metrics.p_mpjpe(pred[4:], target[4:])) > 1  # a mirror image isn't a rotation


def rotation(generator: torch.Generator) -> torch.Tensor:
    q, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    return q * torch.sign(torch.linalg.det(q))


def test_invariances(clip):
    pred, target, _ = (part.double() for part in clip)
    generator = torch.Generator().manual_seed(1)
    moved = 1.7 * pred @ rotation(generator) + torch.randn(23, 1, 3, generator=generator)
    assert float(metrics.p_mpjpe(moved, target)) == pytest.approx(float(metrics.p_mpjpe(pred, target)), rel=1e-9)
    assert float(metrics.p_mpjpe(2 * target @ rotation(generator), target)) < 1e-9
    assert float(metrics.n_mpjpe(1.7 * pred, target)) == pytest.approx(float(metrics.n_mpjpe(pred, target)), rel=1e-9)
    assert float(metrics.mpjve(pred + 1.0, target)) == pytest.approx(float(metrics.mpjve(pred, target)), rel=1e-9)
    assert metrics.p_mpjpe(pred, target) < metrics.mpjpe(pred, target)
    relative = metrics.root_relative(pred + torch.randn(23, 1, 3, generator=generator), 0)
    assert torch.allclose(relative, metrics.root_relative(pred, 0), atol=1e-12)


def test_a_prediction_in_one_point_is_scored_not_refused():
    target = torch.randn(2, 17, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    point = torch.zeros(2, 17, 3)
    expected = (target - target.mean(1, keepdim=True)).norm(dim=-1).mean()
    assert float(metrics.p_mpjpe(point, target)) == pytest.approx(1000 * float(expected))
    assert float(metrics.n_mpjpe(point, target)) == pytest.approx(1000 * float(target.norm(dim=-1).mean()))


@pytest.mark.parametrize("metric", [*MEANS, metrics.pck, metrics.auc])
def test_invalid_frames_never_count(clip, metric):
    pred, target, _ = clip
    valid = torch.ones(23, dtype=torch.bool)
    valid[18:] = False
    broken = pred.clone()
    broken[18:] = torch.nan
    value = float(metric(broken, target, valid=valid))
    assert value == pytest.approx(float(metric(pred[:18], target[:18])))
    assert math.isnan(float(metric(broken, target)))


@pytest.mark.parametrize("metric", [*MEANS, metrics.pck, metrics.auc])
def test_nothing_to_score_is_missing_not_zero(clip, metric):
    pred, target, _ = clip
    assert math.isnan(float(metric(pred, target, valid=torch.zeros(23, dtype=torch.bool))))
    assert math.isnan(float(metric(pred[:0], target[:0])))


def test_velocity_needs_two_neighbouring_valid_frames(clip):
    pred, target, _ = clip
    assert math.isnan(float(metrics.mpjve(pred[:1], target[:1])))
    valid = torch.ones(23, dtype=torch.bool)
    valid[10] = False
    each = metrics.velocity_errors(pred, target)
    steps = [t for t in range(22) if t not in (9, 10)]
    assert float(metrics.mpjve(pred, target, valid=valid)) == pytest.approx(float(each[steps].mean()))


def test_chosen_joints_and_visible_ones(clip):
    pred, target, hidden = clip
    each = metrics.position_errors(pred, target)
    assert float(metrics.mpjpe(pred, target, joints=[3, 5])) == pytest.approx(float(each[:, [3, 5]].mean()))
    assert float(metrics.mpjpe(pred, target, visible=~hidden)) == pytest.approx(float(each[~hidden].mean()))
    aligned = metrics.aligned_errors(pred[:, 3:9], target[:, 3:9]).mean()
    assert float(metrics.p_mpjpe(pred, target, joints=range(3, 9))) == pytest.approx(float(aligned))


def test_batches_of_clips(clip):
    pred, target, _ = clip
    pair = torch.stack([pred, target + 0.01]), torch.stack([target, target])
    for metric in MEANS:
        halves = [float(metric(p, t)) for p, t in zip(*pair, strict=True)]
        assert float(metric(*pair)) == pytest.approx(sum(halves) / 2)


def test_shapes_are_checked(clip):
    pred, target, _ = clip
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.mpjpe(pred, target[:5])
    with pytest.raises(ValueError, match="expected poses"):
        metrics.mpjpe(pred[..., :2], target[..., :2])
    with pytest.raises(ValueError, match="expected valid"):
        metrics.mpjpe(pred, target, valid=torch.ones(5, dtype=torch.bool))
