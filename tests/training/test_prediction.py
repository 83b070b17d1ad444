"""`predict`: every answer stands at its own frame, and training's randomness is off."""

import pytest
import torch
from torch import nn

from harness import occlusion
from harness.training.lifter import Lifter
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.train import build_lifter


class Echo(nn.Module):
    """Gives back the keypoints it saw at the frames it answers for, with depth 0."""

    def __init__(self, receptive_field, causal):
        super().__init__()
        self.receptive_field, self.causal = receptive_field, causal

    def output_frames(self, frames):
        return frames - self.receptive_field + 1

    def forward(self, x):
        eaten = self.receptive_field - 1
        before = eaten if self.causal else eaten // 2
        x = x[:, before : x.shape[1] - (eaten - before)]
        return torch.cat([x, torch.zeros_like(x[..., :1])], dim=-1)


@pytest.fixture
def filmed(make_run):
    run = make_run()
    material = open_material(run.data)
    return run, material, Observer(run.data.noise, "none", material.skeleton), occlusion.level("severe")


@pytest.mark.parametrize(("window", "frames_out"), [(9, 9), (27, 1), (10, 4), (70, 70), (70, 3)])
@pytest.mark.parametrize(("receptive_field", "causal"), [(1, False), (9, False), (9, True), (81, False)])
@pytest.mark.parametrize("flip", [False, True])
def test_each_answer_stands_at_its_frame(filmed, window, frames_out, receptive_field, causal, flip):
    _, material, observer, level = filmed
    views = material.validation
    assert int(views.length.min()) < 70  # some clips are shorter than the longest window here
    echo = Lifter(Echo(receptive_field, causal), window, frames_out)
    poses, hidden = predict(echo, views, level, observer, flip=flip, device=torch.device("cpu"))
    inputs, visible = observed(views, level, observer)
    assert torch.equal(poses[..., :2], inputs)
    assert torch.equal(hidden, ~visible)


def test_neither_dropout_nor_other_windows_change_an_answer(filmed):
    run, material, observer, level = filmed
    lifter = build_lifter(run, material, observer).train()
    assert any(isinstance(module, nn.Dropout) and module.p > 0 for module in lifter.modules())
    before = {name: tensor.clone() for name, tensor in lifter.state_dict().items()}
    first, second = (
        predict(lifter, material.validation, level, observer, flip=False, device=torch.device("cpu"))[0]
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert all(torch.equal(tensor, before[name]) for name, tensor in lifter.state_dict().items())
