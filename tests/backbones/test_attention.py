from __future__ import annotations

import pytest
import torch

from backbones import attention
from backbones.attention import Attention, Block, DropPath, Mlp, attend, drop_path_rates


def written_out(module: Attention, x: torch.Tensor) -> torch.Tensor:
    """Attention as the textbook has it, one head at a time."""
    q, k, v = (module.qkv.weight @ x.transpose(-1, -2)).transpose(-1, -2).add(module.qkv.bias).chunk(3, -1)
    size = x.shape[-1] // module.heads
    heads = []
    for start in range(0, x.shape[-1], size):
        own = slice(start, start + size)
        weights = (q[..., own] @ k[..., own].transpose(-1, -2) * (module.scale or size**-0.5)).softmax(-1)
        heads.append(weights @ v[..., own])
    return module.proj(torch.cat(heads, -1))


@pytest.mark.parametrize("scale", [None, 0.5])
@pytest.mark.parametrize("shape", [(3, 7, 16), (2, 5, 7, 16)])
def test_attention_is_the_textbook_one(shape, scale):
    module = Attention(16, 4, scale=scale)
    x = torch.randn(shape)
    torch.testing.assert_close(module(x), written_out(module, x), atol=1e-6, rtol=1e-5)


def test_features_must_fit_the_heads():
    with pytest.raises(ValueError, match="30 features can't be shared among 8"):
        Attention(30, 8)


def test_more_sequences_than_a_launch_takes_are_split(monkeypatch):
    class OnGpu(torch.Tensor):
        device = torch.device("cuda")

    q, k, v = (torch.randn(10, 2, 5, 4) for _ in range(3))
    whole = attend(q, k, v)
    monkeypatch.setattr(attention, "_SEQUENCES", 4)
    parts = attend(*(tensor.as_subclass(OnGpu) for tensor in (q, k, v)))
    torch.testing.assert_close(parts.as_subclass(torch.Tensor), whole)


def test_drop_path_keeps_the_mean_and_drops_whole_samples():
    module, x = DropPath(0.25), torch.ones(4000, 2, 3)
    out = module(x)
    per_sample = out.flatten(1)
    assert (per_sample == per_sample[:, :1]).all()
    assert per_sample.unique().tolist() == pytest.approx([0, 4 / 3])
    assert out.mean() == pytest.approx(1, abs=0.05)
    assert module.eval()(x) is x


def test_rates_rise_linearly_from_zero():
    assert drop_path_rates(0.2, 5) == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert drop_path_rates(0.2, 1) == [0.0]
    with torch.device("meta"):
        assert drop_path_rates(0.2, 2) == pytest.approx([0, 0.2])


def test_dropout_acts_in_training_only():
    x = torch.randn(2, 5, 8)
    for module in (Mlp(8, 16, 0.5), Attention(8, 2, attn_drop=0.5), Attention(8, 2, proj_drop=0.5)):
        assert not torch.equal(module(x), module(x))
        module.eval()
        assert torch.equal(module(x), module(x))


def test_a_block_adds_its_branches_to_its_input():
    block, x = Block(8, 2, mlp_ratio=3, qkv_bias=False), torch.randn(2, 5, 8)
    assert block.mlp.fc1.out_features == 24 and block.attn.qkv.bias is None
    after = x + block.attn(block.norm1(x))
    torch.testing.assert_close(block(x), after + block.mlp(block.norm2(after)))
    for layer in (block.attn.proj, block.mlp.fc2):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    assert torch.equal(block(x), x)
