"""`Lifter`: whatever a backbone eats, the answer stands at the frames asked for."""

import pytest
import torch
from torch import nn

from harness.errors import UserError
from harness.skeleton import H36M17
from harness.training.lifter import Lifter, make_lifter


class Echo(nn.Module):
    """Gives back the frames it answers for: output frame k carries the input's frame number."""

    def __init__(self, receptive_field, causal=False, slides=False):
        super().__init__()
        self.receptive_field, self.causal, self.slides = receptive_field, causal, slides

    def output_frames(self, frames):
        return frames - self.receptive_field + 1

    def forward(self, x):
        before = self.receptive_field - 1 if self.causal else (self.receptive_field - 1) // 2
        after = self.receptive_field - 1 - before
        self.given = x.shape[1]
        return x[:, before : x.shape[1] - after, :, :1].expand(-1, -1, -1, 3)


@pytest.mark.parametrize("receptive_field", [1, 3, 9, 27])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("slides", [False, True])
@pytest.mark.parametrize(("window", "frames_out"), [(9, 9), (9, 1), (9, 5), (12, 4), (12, 5), (1, 1)])
def test_answers_stand_at_the_frames_asked_for(receptive_field, causal, slides, window, frames_out):
    lifter = Lifter(Echo(receptive_field, causal, slides), window, frames_out)
    numbers = torch.arange(float(window))[None, :, None, None].expand(2, window, 17, 2)
    answer = lifter(numbers)
    assert answer.shape == (2, frames_out, 17, 3)
    expected = torch.arange(float(frames_out)) + lifter.left
    assert torch.equal(answer[0, :, 0, 0], expected)
    if slides:  # it is given what these answers need, and nothing that would be cut
        assert lifter.backbone.given == frames_out + receptive_field - 1


def test_causal_answers_are_the_windows_last_frames():
    assert Lifter(Echo(3, causal=True), 9, 4).left == 5
    assert Lifter(Echo(3), 9, 5).left == 2


def test_a_one_frame_network_asked_for_a_whole_window_is_refused():
    options = {"filter_widths": [3, 3], "channels": 8, "strided": True}
    shape = {"skeleton": H36M17, "features": 2, "window": 9}
    assert make_lifter("videopose3d", options, **shape, frames_out=1)(torch.rand(2, 9, 17, 2)).shape == (2, 1, 17, 3)
    with pytest.raises(UserError, match="can't predict 9 of a window's 9 frames"):
        make_lifter("videopose3d", options, **shape, frames_out=9)


def test_options_that_do_not_go_together_are_the_users_mistake():
    with pytest.raises(UserError, match="backbone: videopose3d can't be built"):
        make_lifter("videopose3d", {"filter_widths": [4, 3]}, skeleton=H36M17, features=2, window=9, frames_out=9)
