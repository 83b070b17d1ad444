from __future__ import annotations

import pytest
import torch

import backbones
from backbones.simple_baseline import SimpleBaseline


def test_equals_the_authors_network(reference):
    ref = reference("martinez_small")
    module = backbones.build("simple_baseline", **ref["config"]).eval()
    assert list(module.state_dict()) == list(ref["keys"])
    backbones.load_checkpoint(module, ref["checkpoint"])
    out = module(ref["input"].view(4, 1, 16, 2))
    assert out.shape == (4, 1, 16, 3)
    torch.testing.assert_close(out.view(4, 48), ref["output"], atol=1e-5, rtol=0)
    # Frames are lifted one by one: the same poses as frames of one clip.
    torch.testing.assert_close(module(ref["input"].view(1, 4, 16, 2))[0], out[:, 0], atol=1e-5, rtol=0)


def test_parameter_count_is_the_published_one():
    with torch.device("meta"):
        module = backbones.build("simple_baseline", linear_size=1024, num_stage=2)
    assert sum(p.numel() for p in module.parameters()) == 4_291_632


def test_confidence_is_a_third_number_a_keypoint():
    module = SimpleBaseline.for_data(joints=17, features=3, frames=9, linear_size=8).eval()
    assert module(torch.randn(2, 9, 17, 3)).shape == (2, 9, 17, 3)


@pytest.mark.parametrize(
    ("sizes", "message"), [({"output": 50}, "output must be 3 numbers a joint"), ({"input": 33}, "multiple of the 16")]
)
def test_sizes_that_are_no_joints_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        SimpleBaseline(linear_size=8, **sizes)
