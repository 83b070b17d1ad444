"""Each promise of the contract, broken: the check that is named for it says so; networks that keep it pass."""

from __future__ import annotations

import re

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.training import train
from harness.training.contract import check

SOUND = '''\
from typing import Any

import torch
from torch import Tensor, nn

from backbones.shapes import check_input


class Net(nn.Module):
    """Each joint from three frames of its own."""

    receptive_field = 3
    frames_out = "one"
    causal = False
    needs_confidence = False

    def __init__(self, *, joints: int = 17, features: int = 2) -> None:
        super().__init__()
        self.joints, self.features = joints, features
        self.conv = nn.Conv1d(joints * features, joints * 3, 3)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> "Net":
        return cls(**{"joints": joints, "features": features, **options})

    def output_frames(self, frames: int) -> int:
        return max(frames - 2, 0)

    def forward(self, x: Tensor) -> Tensor:
        check_input(x, joints=self.joints, features=self.features, frames=3)
        h = self.conv(x.flatten(2).transpose(1, 2))
        return h.transpose(1, 2).unflatten(2, (self.joints, 3))
'''
FORWARD = "        h = self.conv(x.flatten(2).transpose(1, 2))\n"
KEEPS = """\
        self.seen = getattr(self, "seen", 0.0) + float(x.detach().abs().max())
        h = h + self.seen
"""


@pytest.fixture
def network(tmp_path):
    """Writes a source and gives the name of its class."""

    def network(source):
        (tmp_path / "net.py").write_text(source)
        return f"{tmp_path / 'net.py'}:Net"

    return network


def failed(name, **shape):
    return {finding.check: finding.said for finding in check(name, **shape) if finding.holds is False}


def test_a_sound_network_keeps_it(network):
    assert [finding for finding in check(network(SOUND)) if not finding.holds] == []
    assert failed(network(SOUND), joints=5, features=3, window=3) == {}


@pytest.mark.parametrize(
    ("broken", "old", "new", "said"),
    [
        ("builds", "cls(**{", "nn.Linear(**{", "raised TypeError"),
        ("builds", "receptive_field = 3", "receptive_field = 3.0", "must be a whole number from 1; it is 3.0"),
        ("builds", '"one"', '"all"', "frames_out = 'all' and receptive_field = 3 disagree"),
        ("shapes", "(self.joints, 3))", "(self.joints, 3))[:, 1:]", r"must give \(B, output_frames\(T\), J, 3\)"),
        ("shapes", FORWARD, "        x.add_(1)\n" + FORWARD, "changes its input in place"),
        ("refuses other shapes", ", frames=3)", ")", "2 frames, which is too short raises RuntimeError"),
        (
            "refuses other shapes",
            "        check_input",
            "        str or check_input",
            "one joint too many raises Runtime",
        ),
        ("output_frames", "max(frames - 2, 0)", "frames - 2 if frames > 2 else 5", r"output_frames\(2\) is 5"),
        (
            "receptive_field",
            "return h",
            "h = h + x.mean()\n        return h",
            "0 to 26; receptive_field = 3 says 0 to 2",
        ),
        ("receptive_field", FORWARD, FORWARD.replace("x.", "(x * 0.0)."), "reads input frames none"),
        (
            "gradient",
            "        self.conv",
            "        self.spare = nn.Linear(2, 2)\n        self.conv",
            r"reaches spare\.weight",
        ),
        ("gradient", "    frames_out", "    idle = ('conv.',)\n    frames_out", r"`idle` names conv\.weight"),
        ("determinism", FORWARD, FORWARD + "        h = h + torch.rand(1)\n", "two answers"),
        ("batch independence", FORWARD, FORWARD + "        h = h - h.mean(0)\n", "otherwise alone than in a batch"),
        ("no leak", FORWARD, FORWARD + KEEPS, "changes with what was asked before"),
        ("no leak", FORWARD, FORWARD + "        h = h / x.detach().abs().max()\n", "receptive field change the answer"),
        (
            "state",
            "        self.conv",
            "        self.scale = torch.rand(1)\n        self.conv",
            "scale is a tensor that is",
        ),
        ("other data", "(2, (self.joints, 3))", "(2, (17, 3))", "raised RuntimeError"),
    ],
)
def test_a_broken_promise_is_told_by_its_check(network, broken, old, new, said):
    assert SOUND.replace(old, new) != SOUND
    assert re.search(said, failed(network(SOUND.replace(old, new)))[broken])


def test_after_one_that_cannot_be_built_nothing_else_is_claimed(network):
    findings = list(check(network(SOUND.replace("cls(**{", "nn.Linear(**{"))))
    assert [finding.holds for finding in findings] == [False] + [None] * (len(findings) - 1)


def test_weights_that_start_at_zero_hide_no_gradient(network):
    last = "self.last = nn.Conv1d(joints * 3, joints * 3, 1)\n        nn.init.zeros_(self.last.weight)"
    source = SOUND.replace("        self.conv =", f"        {last}\n        self.conv =")
    source = source.replace(FORWARD, FORWARD + "        h = self.last(h)\n")
    assert failed(network(source)) == {}


def test_data_that_a_network_cannot_have(network):
    with pytest.raises(UserError, match="reads 3 frames at a time, and a window has 2"):
        list(check(network(SOUND), window=2))
    with pytest.raises(UserError, match="needs keypoints with confidence: 3 features, not 2"):
        list(check(network(SOUND.replace("confidence = False", "confidence = True")), features=2))
    with pytest.raises(UserError, match=r"reads 27 frames at a time \(num_frame\), and a window has 9"):
        list(check("poseformer-27", window=9))
    with pytest.raises(UserError, match="did you mean 'channels'"):
        list(check("videopose3d-s", {"chanels": 3}))


@pytest.fixture
def run(network, tmp_path):
    """The only run of a small spec that names the source's class."""

    def run(source):
        name = network(source)
        (tmp_path / "spec.yaml").write_text(
            "name: trial\n"
            "data: {dataset: synthetic, window: 9, options: {subjects: 3, clips: 1, seconds: 1}}\n"
            "train: {steps: 4, batch: 4, epochs: 1}\n"
            "objectives: {abs: {mpjpe: 1}}\n"
            f"grid: {{backbone: '{name}', seed: 1}}\n"
        )
        return load(tmp_path / "spec.yaml").runs[0]

    return run


def test_a_file_is_trained_as_a_registered_network_is(run):
    result = train(run(SOUND))
    assert set(result.best_weights) == {"conv.weight", "conv.bias"} and result.summary["val_mpjpe_best"] > 0


def test_an_answer_of_another_shape_stops_a_run_before_the_loss_stretches_it(run):
    with pytest.raises(UserError, match=r"Net answered \(4, 1, 17, 3\), not .* = \(4, 9, 17, 3\)"):
        train(run(SOUND.replace("(self.joints, 3))", "(self.joints, 3))[:, :1]")))


def test_a_file_that_cannot_be_imported_is_told_in_one_line(run):
    with pytest.raises(UserError, match=r"net\.py can't be imported: ModuleNotFoundError: No module named 'nowhere'"):
        train(run("import nowhere\n" + SOUND))
