from __future__ import annotations

import pytest
import torch

import backbones
from backbones.dstformer import DSTformer

SMALL = {"dim_feat": 16, "dim_rep": 24, "depth": 2}


def test_equals_the_authors_network(reference):
    ref = reference("dstformer_small")
    module = backbones.build("dstformer", **ref["config"]).eval()
    assert list(module.state_dict()) == ref["keys"]
    backbones.load_checkpoint(module, ref["checkpoint"])
    torch.testing.assert_close(module(ref["input"]), ref["output"], atol=1e-5, rtol=0)


def test_mean_of_the_streams_is_the_fusion_with_equal_weights():
    fused, mean = DSTformer(**SMALL).eval(), DSTformer(att_fuse=False, **SMALL).eval()
    mean.load_state_dict({k: v for k, v in fused.state_dict().items() if not k.startswith("ts_attn")})
    x = torch.randn(2, 5, 17, 3)  # a new network fuses half and half
    torch.testing.assert_close(fused(x), mean(x), atol=1e-6, rtol=0)


def test_windows_as_long_as_its_positions():
    module = DSTformer(maxlen=9, **SMALL).eval()
    assert [module.output_frames(frames) for frames in (1, 9, 10)] == [1, 9, 0]
    with pytest.raises(ValueError, match=r"at most T=9 frames \(maxlen\); found 10"):
        module(torch.zeros(1, 10, 17, 3))
    assert DSTformer.for_data(joints=17, features=3, frames=300, **SMALL).output_frames(300) == 300
    assert DSTformer.for_data(joints=17, features=3, frames=27, **SMALL).temp_embed.shape[1] == 243
    with pytest.raises(ValueError, match="at most T=243"):
        DSTformer.for_data(joints=17, features=3, frames=300, maxlen=243, **SMALL)


@pytest.mark.parametrize("joints", [15, 133])
def test_any_number_of_joints(joints):
    module = DSTformer.for_data(joints=joints, features=3, frames=4, **SMALL).eval()
    assert module(torch.randn(1, 4, joints, 3)).shape == (1, 4, joints, 3)


def test_keypoints_without_confidence_are_refused():
    with pytest.raises(ValueError, match=r"needs keypoints with confidence, C=3.*found C=2"):
        DSTformer.for_data(joints=17, features=2, frames=9)
