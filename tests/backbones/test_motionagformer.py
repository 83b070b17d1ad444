from __future__ import annotations

import pytest
import torch

import backbones
from backbones.motionagformer import MotionAGFormer

SMALL = {"dim_feat": 16, "dim_rep": 24, "n_layers": 2}


def test_equals_the_authors_network(reference):
    ref = reference("motionagformer_small")
    module = backbones.build("motionagformer", **ref["config"]).eval()
    assert list(module.state_dict()) == ref["keys"]
    backbones.load_checkpoint(module, ref["checkpoint"])
    torch.testing.assert_close(module(ref["input"]), ref["output"], atol=1e-5, rtol=0)


def perturbed(module):
    """Layer scales start so low that a new network hardly shows what its branches do."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "layer_scale" in name:
                parameter.fill_(0.5)
    return module.eval()


def test_batch_norm_ties_it_to_one_number_of_frames():
    module = MotionAGFormer.for_data(joints=17, features=3, frames=9, **SMALL)
    assert [module.output_frames(frames) for frames in (8, 9, 10)] == [0, 9, 0]
    with pytest.raises(ValueError, match=r"\(B, T=9, J=17, C=3\); found \(1, 8, 17, 3\)"):
        module(torch.zeros(1, 8, 17, 3))
    with pytest.raises(ValueError, match="n_frames is 27, and a window has 9 frames"):
        MotionAGFormer.for_data(joints=17, features=3, frames=9, n_frames=27, **SMALL)


@pytest.mark.parametrize(("preset", "frames"), [("-xs", 27), ("-s", 81), ("-b", 243), ("-l", 243), ("", 243)])
def test_presets_take_the_published_number_of_frames(preset, frames):
    with torch.device("meta"):
        module = backbones.build(f"motionagformer{preset}")
    assert module.output_frames(frames) == frames


def test_frames_hear_those_most_like_them():
    """The temporal graph against its definition, written out for each frame of each joint."""
    mixer = MotionAGFormer(n_frames=6, neighbour_num=2, **SMALL).eval().layers[0].graph_temporal.mixer
    x = torch.randn(2, 3, 6, 16)
    inner = x @ x.transpose(2, 3)
    expected = torch.empty_like(x)
    for b in range(2):
        for j in range(3):
            hears = [inner[b, j, t].topk(2).indices.tolist() for t in range(6)]
            for t in range(6):
                heard = sum(mixer.V(x[b, j, s]) / (len(hears[t]) * len(hears[s])) ** 0.5 for s in hears[t])
                normal = (heard + mixer.U(x[b, j, t])) / (1 + mixer.batch_norm.eps) ** 0.5
                expected[b, j, t] = torch.relu(x[b, j, t] + normal)
    torch.testing.assert_close(mixer(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_without_similarity_frames_hear_their_neighbours(reach):
    options = {"use_temporal_similarity": False, "temporal_connection_len": reach, "n_frames": 9}
    mixer = MotionAGFormer(**options, **SMALL).eval().layers[0].graph_temporal.mixer
    x = torch.randn(1, 1, 9, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixer(x)[0, 0, 4].sum(), x)
    heard = gradient[0, 0].abs().sum(1).nonzero().flatten().tolist()
    assert heard == list(range(4 - reach, 4 + reach + 1))


@pytest.mark.parametrize(("joints", "bones"), [(15, None), (133, None), (5, [[0, 1], [1, 2], [3, 4]])])
def test_other_skeletons(joints, bones):
    module = MotionAGFormer.for_data(joints=joints, features=3, frames=4, bones=bones, **SMALL).eval()
    assert module(torch.randn(1, 4, joints, 3)).shape == (1, 4, joints, 3)
    mixer = module.layers[0].graph_spatial.mixer
    x = torch.randn(1, joints, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixer(x)[0, 1].sum(), x)
    heard = gradient[0].abs().sum(1).nonzero().flatten().tolist()
    assert heard == ([0, 1, 2] if bones else list(range(joints)))


def test_a_bone_of_joints_that_are_not_there_is_refused():
    with pytest.raises(ValueError, match=r"joints 0 to 4; found \[1, 7\]"):
        MotionAGFormer(num_joints=5, bones=[(1, 7)], **SMALL)
    with pytest.raises(ValueError, match="use_tcn"):
        MotionAGFormer(use_tcn=True, **SMALL)


@pytest.mark.parametrize("form", ["hierarchical", "graph_only", "use_adaptive_fusion", "use_layer_scale"])
def test_other_forms_use_all_their_parameters(form):
    default = form in ("use_adaptive_fusion", "use_layer_scale")
    module = perturbed(MotionAGFormer(n_frames=5, **{form: not default}, **SMALL))
    x = torch.randn(2, 5, 17, 3)
    out = module(x)
    assert out.shape == (2, 5, 17, 3)
    assert not torch.allclose(out, perturbed(MotionAGFormer(n_frames=5, **SMALL))(x))
    out.square().sum().backward()
    assert [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_keypoints_without_confidence_are_refused():
    with pytest.raises(ValueError, match=r"needs keypoints with confidence, C=3.*found C=2"):
        MotionAGFormer.for_data(joints=17, features=2, frames=9)
