"""`train.precision` and `train.compile` change a short training by no more than their rounding."""

from __future__ import annotations

import pytest
import torch

from harness.errors import UserError
from harness.spec.run import Choice, Train
from harness.training import train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.speed import Forward
from harness.training.train import build_lifter, training_batches
from tests.training.conftest import same_weights

TERMS = {"mpjpe": {"weight": 1.0}, "temporal_rdc": {"weight": 0.1}}
NETWORKS = {
    "videopose3d": {"filter_widths": [3], "channels": 16},
    "mixste": {"embed_dim_ratio": 8, "depth": 2},
    "poseformerv2": {"num_frame": 7, "number_of_kept_frames": 3, "embed_dim_ratio": 8, "depth": 1},
    "motionagformer": {"n_layers": 1, "dim_feat": 16, "dim_rep": 16},
}
EIGHT_BITS = 2.0**-8
"""The relative rounding of one bfloat16."""


def a_run(make_run, name, **options):
    data = {"confidence": "calibrated" if name == "motionagformer" else "none"}
    return make_run(TERMS, backbone=Choice(name=name, options=NETWORKS[name]), data=data, **options)


def curve(result, name):
    return torch.tensor([value for found, _, value in result.curves if found == name])


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_trains_to_the_same_within_its_rounding(make_run, name):
    plain, short = train(a_run(make_run, name)), train(a_run(make_run, name, precision="bfloat16"))
    assert not same_weights(plain.last_weights, short.last_weights)
    assert all(weight.dtype != torch.bfloat16 for weight in short.last_weights.values())
    exact, rounded = curve(plain, "term.mpjpe"), curve(short, "term.mpjpe")
    assert ((exact - rounded).abs() / exact).max() < 4 * EIGHT_BITS
    assert same_weights(short.last_weights, train(a_run(make_run, name, precision="bfloat16")).last_weights)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_bfloat16_pass_is_float32_rounded(make_run, name):
    run = a_run(make_run, name)
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer).eval()
    inputs = training_batches(run, material, observer, lifter, torch.device("cpu"))[0].inputs
    with torch.no_grad():
        exact = lifter(inputs)
        assert torch.equal(Forward(Train())(lifter, inputs), exact)
        short = Forward(Train(precision="bfloat16"))(lifter, inputs)
    assert short.dtype == torch.float32
    assert 0 < (short - exact).abs().max() < 4 * EIGHT_BITS * exact.abs().max()


def test_a_compiled_training_draws_the_same_dropout_and_differs_by_rounding(make_run):
    backbone = Choice(name="simple_baseline", options={"linear_size": 16, "num_stage": 1})
    plain = train(make_run(TERMS, backbone=backbone))
    compiled = train(make_run(TERMS, backbone=backbone, compile=True))
    # Weights can't be held together so: in front of a batch norm a bias has no gradient but rounding, which Adam
    # makes as large as any other. In training the norm takes it out again.
    for name in ("term.mpjpe", "term.temporal_rdc"):
        torch.testing.assert_close(curve(compiled, name), curve(plain, name), rtol=1e-5, atol=0)


def test_compiling_without_a_compiler_is_told(make_run, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match=r"C\+\+ compiler"):
        train(make_run(compile=True), device="cpu")


def test_networks_compiled_before_do_not_keep_a_network_from_being_compiled():
    """Torch counts compilations per line of source, and all networks are called on one line."""

    class Wrapped(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.inner = torch.nn.Linear(width, 1)

        def forward(self, x):
            return self.inner(x)

    with torch._dynamo.config.patch(recompile_limit=1), torch.no_grad():
        for width in (2, 3, 4):
            network = Wrapped(width)
            torch._dynamo.utils.counters.clear()
            Forward(Train(compile=True))(network, torch.rand(2, width))
            assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1, width
