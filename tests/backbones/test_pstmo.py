from __future__ import annotations

import pytest
import torch

import backbones
from backbones.pstmo import PSTMO
from backbones.pstmo_mae import MaskedPSTMO

SMALL = {"layers": 2, "channel": 16, "d_hid": 24}


def ours(x):
    """The authors' (B, C, T, J, 1) as (B, T, J, C)."""
    return x[..., 0].permute(0, 2, 3, 1)


@pytest.fixture
def small(reference):
    ref = reference("pstmo_small")
    return ref, backbones.load_checkpoint(backbones.build("pstmo", **ref["config"]).eval(), ref["checkpoint"])


def test_equals_the_authors_network(small):
    ref, module = small
    assert list(module.state_dict()) == ref["keys"]
    centre, every = module.both(ours(ref["input"]))
    torch.testing.assert_close(centre, ours(ref["output"]), atol=1e-5, rtol=0)
    torch.testing.assert_close(every, ours(ref["output_vte"]), atol=1e-5, rtol=0)
    assert torch.equal(module(ours(ref["input"])), centre)


def initialise(module):
    """Draws the weights in the order in which the authors' code does; layers copied there share theirs."""
    torch.manual_seed(0)
    encoder, first, reduce = module.encoder, module.Transformer, module.Transformer_reduce.model

    def attention(layers):
        layers[0].self_attn.linears[0].reset_parameters()
        for linear in (linear for layer in layers for linear in layer.self_attn.linears):
            linear.load_state_dict(layers[0].self_attn.linears[0].state_dict())

    def draw(*maps):
        for each in maps:
            each.reset_parameters()

    def positions(*parameters):
        for each in parameters:
            each.copy_(torch.randn(each.shape))

    draw(encoder.fc_1, encoder.layers[0].w1, encoder.layers[0].w2, encoder.fc_2)
    positions(first.pos_embedding)
    attention(first.model.layers)
    draw(first.model.layers[0].feed_forward.w_1, first.model.layers[0].feed_forward.w_2)
    for layer in first.model.layers:
        layer.feed_forward.load_state_dict(first.model.layers[0].feed_forward.state_dict())
    attention(reduce.layers)
    for layer in reduce.layers:
        draw(layer.feed_forward.w_1, layer.feed_forward.w_2)
    positions(reduce.pos_embedding_1, reduce.pos_embedding_2, reduce.pos_embedding_3)
    draw(module.fcn[1], module.fcn_1[1])
    noise = torch.Generator().manual_seed(1)
    for norm in (m for m in module.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        norm.running_mean.copy_(0.2 * torch.randn(norm.running_mean.shape, generator=noise))
        norm.running_var.copy_(0.5 + torch.rand(norm.running_var.shape, generator=noise))
    for vector in (p for p in module.parameters() if p.ndim == 1):
        vector.add_(0.1 * torch.randn(vector.shape, generator=noise))
    return module.eval()


@pytest.mark.parametrize("entry", ["pstmo_S_default_243", "pstmo_default_243"])
@torch.no_grad()
def test_published_sizes_give_the_authors_numbers(published, entry):
    """Their weights come back from the seeds that the reference numbers were made with."""
    ref = published[entry]
    module = initialise(backbones.build("pstmo", **ref["config"]))
    out = module(ours(0.5 * torch.randn(ref["input"], generator=torch.Generator().manual_seed(7))))
    assert out.abs().mean().item() == pytest.approx(ref["out_abs_mean"], abs=1e-5)
    in_their_layout = out.permute(0, 3, 1, 2).flatten()  # (B, 3, 1, J)
    torch.testing.assert_close(in_their_layout[:6], torch.tensor(ref["out_first6"]), atol=1e-5, rtol=0)


def test_all_frame_form_has_the_same_weights(small):
    ref, _ = small
    module = backbones.build("pstmo", head="all", **ref["config"]).eval()
    backbones.load_checkpoint(module, ref["checkpoint"])
    assert (module.receptive_field, module.output_frames(27), module.output_frames(28)) == (1, 27, 0)
    torch.testing.assert_close(module(ours(ref["input"])), ours(ref["output_vte"]), atol=1e-5, rtol=0)


def test_a_longer_input_gives_each_of_its_centres(small):
    _, module = small
    x = torch.randn(2, 30, 17, 2)
    out = module(x)
    assert out.shape == (2, 4, 17, 3) == (2, module.output_frames(30), 17, 3)
    for start in range(4):
        one = module(x[:, start : start + 27])
        torch.testing.assert_close(out[:, start : start + 1], one, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match=r"\(B, T>=27, J=17, C=2\); found \(1, 26, 17, 2\)"):
        module(torch.zeros(1, 26, 17, 2))


@pytest.mark.parametrize(
    ("frames", "strides"), [(27, [3, 9]), (9, None), (10, None), (1, None), (243, [3, 9, 9]), (8, [2, 2, 2])]
)
def test_strides_lead_to_one_frame(frames, strides):
    module = PSTMO(frames=frames, stride_num=strides, **SMALL).eval()
    assert module(torch.randn(1, frames, 17, 2)).shape == (1, 1, 17, 3)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match=r"strides \[3, 3\] lead from 27 frames to 3"):
        PSTMO(frames=27, stride_num=(3, 3), **SMALL)
    with pytest.raises(ValueError, match="multiple of the 8 attention heads; found 20"):
        PSTMO(channel=20)


@pytest.mark.parametrize(("joints", "features"), [(15, 2), (133, 3)])
def test_other_skeletons_and_confidence(joints, features):
    module = PSTMO.for_data(joints=joints, features=features, frames=9, **SMALL).eval()
    assert module(torch.randn(2, 9, joints, features)).shape == (2, 1, joints, 3)


def test_masked_form_equals_the_authors(reference):
    ref = reference("pstmo_mae_small")
    module = MaskedPSTMO(**ref["config"]).eval()
    assert list(module.state_dict()) == ref["keys"]
    backbones.load_checkpoint(module, ref["checkpoint"])
    hidden = ref["mask"]
    out = module(ours(ref["input"]), ~hidden, ~ref["spatial_mask"])
    # The authors give the frames that were seen first.
    torch.testing.assert_close(torch.cat([out[:, ~hidden], out[:, hidden]], 1), ours(ref["output"]), atol=1e-5, rtol=0)


def masked(**options):
    module = MaskedPSTMO(layers=2, channel=16, d_hid=24, frames=10, **options)
    return module, torch.randn(3, 10, 17, 2)


def test_as_much_is_hidden_as_it_says():
    module, _ = masked(spatial_mask_num=7, temporal_mask_rate=0.6)
    frames, joints = module.draw(50)
    assert (~frames).sum(1).unique().tolist() == [6] and (~joints).sum(2).unique().tolist() == [7]
    assert len(frames.unique(dim=0)) > 20 and frames.any(0).all()  # each window has its own; any frame may be seen
    seeded = [module.draw(4, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*seeded, strict=True))


def test_what_is_hidden_is_not_seen():
    module, x = masked()
    module.eval()
    frames, joints = module.draw(3)
    changed = torch.where(frames[..., None, None] & joints[..., None], x, torch.randn_like(x))
    assert torch.equal(module(x, frames, joints), module(changed, frames, joints))
    again, shown = module.reconstruct(x)
    assert again.shape == x.shape and torch.equal(again, module(x, *shown))


def test_frames_that_are_not_valid_are_hidden_first():
    module, _ = masked()
    valid = torch.ones(20, 10, dtype=torch.bool)
    valid[:, 7:] = False
    assert not module.draw(20, valid=valid).frames[:, 7:].any()


def test_windows_keep_their_own_masks():
    module, x = masked()
    module.eval()
    frames, joints = module.draw(3)
    together = module(x, frames, joints)
    for b in range(3):
        torch.testing.assert_close(module(x[b : b + 1], frames[b], joints[b])[0], together[b], atol=1e-5, rtol=1e-5)
    frames[0] = True
    with pytest.raises(ValueError, match=r"as many frames seen, at least one; found \[2, 10\]"):
        module(x, frames, joints)


def test_what_the_masked_form_learns_the_network_has():
    network = PSTMO(frames=9, dropout=0.0, p_dropout=0.0, **SMALL)
    x = torch.randn(4, 9, 17, 2)
    before = network.eval().both(x)[1]
    form = MaskedPSTMO.sharing(network, temporal_mask_rate=0.7).train()
    optimiser = torch.optim.SGD(form.parameters(), lr=0.01)
    (form.reconstruct(x)[0] - x).square().mean().backward()
    idle = [name for name, p in form.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(name.startswith(form.idle) for name in idle)
    optimiser.step()
    assert not torch.equal(network.eval().both(x)[1], before)
    assert form.encoder is network.encoder and form.Transformer is network.Transformer


def test_sizes_that_cannot_be_masked_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        MaskedPSTMO(channel=24)
    with pytest.raises(ValueError, match="can't hide 18 of 17 joints"):
        MaskedPSTMO(spatial_mask_num=18)
    with pytest.raises(ValueError, match="at least 2 layers"):
        MaskedPSTMO.sharing(PSTMO(layers=1, channel=16, frames=9))
