"""The judge of motions: against a plain float64 version, blind to padding, frugal, and able to learn."""

import pytest
import torch
from torch.nn import functional

from harness.objectives.kinematic_chain import bone_products
from harness.skeleton import H36M17
from harness.training import discriminator
from harness.training.discriminator import Discriminator, Standard
from tests.objectives.promises import CHAIN, FIFTEEN


def made(skeleton=H36M17, channels=8, seed=0):
    torch.manual_seed(seed)
    judge = Discriminator(skeleton.bones, channels).double().eval().requires_grad_(False)
    judge.gather(*motions(len(skeleton)))
    return judge


def motions(joints, batch=3, frames=7):
    g = torch.Generator().manual_seed(1)
    valid = torch.ones(batch, frames, dtype=torch.bool)
    valid[0, 5:] = valid[1, 0] = False
    return torch.randn(batch, frames, joints, 3, generator=g, dtype=torch.float64), valid


def plain(judge, bones, poses):
    """The scores (T,) of one motion without padding, frame by frame."""
    products = bone_products(poses[None], bones)[0]
    read = []
    for t in range(len(products)):
        rows = [(judge.products, products[t]), (judge.steps, products[t] - products[t - 1])]
        parts = []
        for standard, row in rows:
            spread = (standard.squares / standard.count).mean().sqrt()
            away = (row - standard.mean) / spread
            parts.append(away / (1 + away.abs()).sqrt())
        if t == 0:
            parts[1] = torch.zeros_like(parts[1])
        read.append(functional.leaky_relu(judge.reduce(torch.cat(parts)), 0.2))
    hidden = read
    for layer, dilation in zip(judge.layers, (1, 3), strict=True):
        nothing = torch.zeros_like(hidden[0])
        bent = []
        for t in range(len(hidden)):
            around = [hidden[s] if 0 <= s < len(hidden) else nothing for s in (t - dilation, t, t + dilation)]
            summed = layer.bias + sum(layer.weight[:, :, n] @ part for n, part in enumerate(around))
            bent.append(hidden[t] + functional.leaky_relu(summed, 0.2))
        hidden = bent
    return torch.stack([judge.score(row).squeeze() for row in hidden])


@pytest.mark.parametrize("skeleton", [H36M17, FIFTEEN, CHAIN], ids=lambda s: s.name)
def test_scores_are_those_of_a_plain_version(skeleton):
    judge, (poses, _) = made(skeleton), motions(len(skeleton))
    scores = judge(poses, torch.ones(poses.shape[:2], dtype=torch.bool))
    torch.testing.assert_close(scores, torch.stack([plain(judge, skeleton.bones, motion) for motion in poses]))
    assert scores.std() > 1e-3


def test_padding_is_as_if_it_were_not_there():
    judge, (poses, valid) = made(), motions(17)
    junk = torch.where(valid[..., None, None], poses, torch.nan).requires_grad_()
    scores = judge(junk, valid)
    torch.testing.assert_close(scores[0, :5], plain(judge, H36M17.bones, poses[0, :5]))
    torch.testing.assert_close(scores[1, 1:], plain(judge, H36M17.bones, poses[1, 1:]))
    assert not scores[~valid].any()
    (gradient,) = torch.autograd.grad(scores.sum(), junk)
    assert torch.isfinite(gradient).all() and not gradient[~valid].any()


def test_gradients_are_right():
    judge, (poses, valid) = made(CHAIN, channels=3), motions(3)
    assert torch.autograd.gradcheck(lambda p: judge(p, valid), poses.requires_grad_(), fast_mode=True)


def test_features_are_made_in_parts_and_not_kept(monkeypatch):
    judge, (poses, valid) = made(), motions(17)
    whole = judge(poses, valid)
    monkeypatch.setattr(discriminator, "_AT_ONCE", 1)
    torch.testing.assert_close(judge(poses, valid), whole)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        judge(poses.requires_grad_(), valid).sum().backward()
    assert kept and max(kept) < poses[0, :, 0, 0].numel() * 136, "products of all pairs of bones, in all frames"


def test_the_spread_is_gathered_over_batches():
    rows, standard = torch.randn(50, 6, dtype=torch.float64) * 3 + 2, Standard(6).double()
    for part in (rows[:7], rows[7:7], rows[7:30], rows[30:]):
        standard.gather(part)
    torch.testing.assert_close(standard.mean, rows.mean(dim=0))
    torch.testing.assert_close(standard.squares / standard.count, rows.var(dim=0, correction=0))


def test_it_learns_to_tell_still_bones_from_stretching_ones():
    judge = Discriminator(CHAIN.bones, 16)
    optimiser = torch.optim.Adam(judge.parameters(), lr=5e-3, betas=(0.5, 0.9))
    valid = torch.ones(16, 6, dtype=torch.bool)

    def draw():
        start = torch.randn(16, 1, 3, 3)
        return start.expand(-1, 6, -1, -1), start * (1 + 0.3 * torch.rand(16, 6, 1, 1))

    torch.manual_seed(0)
    judge.gather(draw()[0] + 0.01 * torch.randn(16, 6, 3, 3), valid)
    for _ in range(60):
        true, false = (judge(poses, valid) for poses in draw())
        loss = functional.softplus(-true).mean() + functional.softplus(false).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    true, false = (judge(poses, valid) for poses in draw())
    assert (true > 0).float().mean() > 0.8 and (false < 0).float().mean() > 0.8
