"""The masked form around any network that answers for all its frames."""

import pytest
import torch

import backbones
from backbones.masked import MaskedForm
from harness import registry
from harness.spec.masked_form import GENERIC, masked_form
from tests.backbones.test_backbone_contract import SMALL, make

ALL_FRAMES = [name for name, entry in registry.entries("backbones").items() if masked_form(entry) == GENERIC]
FRAMES = 29


def form_of(name="simple_baseline", **options):
    network, x = make(name)
    return MaskedForm.sharing(network, joints=17, features=x.shape[3], frames=FRAMES, **options), x


def test_every_network_of_all_frames_that_takes_steps_has_one():
    assert {"simple_baseline", "mixste-s", "dstformer-tiny", "motionagformer-tiny"} <= set(ALL_FRAMES)
    assert not {"ridge", "constant_pose", "videopose3d-s", "poseformer"} & set(ALL_FRAMES)
    assert masked_form(registry.get("backbones", "pstmo-s")) == "backbones.pstmo_mae:MaskedPSTMO"


@pytest.mark.parametrize("name", sorted({backbones.LINES[name].base or name for name in ALL_FRAMES} & set(SMALL)))
def test_every_weight_of_the_network_learns_and_the_guess_has_the_inputs_shape(name):
    torch.manual_seed(0)
    form, x = form_of(name)
    seen = form.seen(torch.rand(3, FRAMES), torch.rand(3, FRAMES, 17))
    guess = form(x, *seen)
    assert guess.shape == x.shape
    (guess - x).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in form.parameters() if p.requires_grad)


def test_what_is_hidden_is_not_read():
    form, x = form_of(spatial_mask_num=5, temporal_mask_rate=0.5)
    form.eval()
    seen = form.seen(torch.rand(3, FRAMES), torch.rand(3, FRAMES, 17))
    shown = seen.frames[..., None] & seen.joints
    assert (~seen.frames).sum(1).tolist() == [14] * 3 and ((~seen.joints).sum(2) == 5).all()
    garbage = torch.where(shown[..., None], x, torch.full_like(x, float("nan")))
    assert torch.equal(form(x, *seen), form(garbage, *seen))
    other = torch.where(shown[..., None], x + 1, x)
    assert not torch.equal(form(x, *seen), form(other, *seen))


def test_padding_is_hidden_first_and_one_frame_is_always_shown():
    form, _ = form_of(temporal_mask_rate=0.5)
    valid = torch.ones(2, FRAMES, dtype=torch.bool)
    valid[0, 20:] = False
    seen = form.seen(torch.rand(2, FRAMES), torch.rand(2, FRAMES, 17), valid=valid)
    assert not seen.frames[0, 20:].any() and seen.frames.sum(1).tolist() == [15, 15]
    alone, _ = form_of(temporal_mask_rate=0.999)
    assert alone.hidden_frames == FRAMES - 1


def test_what_does_not_fit_is_refused():
    form, x = form_of()
    with pytest.raises(ValueError, match=r"T=29, J=17, C=2\); found \(3, 9, 17, 2\)"):
        form(x[:, :9], torch.ones(9, dtype=torch.bool), torch.ones(9, 17, dtype=torch.bool))
    with pytest.raises(ValueError, match="can't hide 18 of 17 joints"):
        form_of(spatial_mask_num=18)
