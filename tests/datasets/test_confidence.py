"""Confidence: exact, calibrated, or none."""

import pytest
import torch

from harness.data.confidence import PRIOR, confidence

KEYS, FRAMES = torch.arange(200), torch.arange(100).expand(200, -1)


def test_none_and_oracle():
    visible = torch.rand(200, 100, 17) < 0.5
    assert confidence("none", visible, KEYS, FRAMES) is None
    assert torch.equal(confidence("oracle", visible, KEYS, FRAMES), visible.float())


def test_calibrated_scores_mean_what_they_say():
    visible = torch.rand(200, 100, 17, generator=torch.Generator().manual_seed(0)) < PRIOR
    scores = confidence("calibrated", visible, KEYS, FRAMES)
    assert scores.min() >= 0 and scores.max() <= 1
    for low in (0.1, 0.3, 0.5, 0.7, 0.9):
        near = (scores > low - 0.05) & (scores < low + 0.05)
        assert float(visible[near].float().mean()) == pytest.approx(float(scores[near].mean()), abs=0.02)


def test_calibrated_scores_of_hidden_and_visible_keypoints_overlap():
    seen, hidden = (confidence("calibrated", torch.full((200, 100, 17), v), KEYS, FRAMES) for v in (True, False))
    assert (hidden <= seen).all()
    shuffled = hidden.flatten()[torch.randperm(hidden.numel(), generator=torch.Generator().manual_seed(0))]
    assert 0.89 < float((seen.flatten() > shuffled).float().mean()) < 0.95


def test_scores_do_not_depend_on_the_window():
    visible = torch.ones(200, 100, 17, dtype=torch.bool)
    whole = confidence("calibrated", visible, KEYS, FRAMES)
    assert torch.equal(confidence("calibrated", visible[:, :9], KEYS, FRAMES[:, 30:39]), whole[:, 30:39])


def test_unknown_kind():
    with pytest.raises(ValueError, match="none, oracle, calibrated"):
        confidence("perfect", torch.ones(1, 1, 17, dtype=torch.bool), KEYS[:1], FRAMES[:1, :1])
