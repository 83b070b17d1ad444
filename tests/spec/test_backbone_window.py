"""Which windows a backbone takes: told when the spec is read, not when a worker has started."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load


def spec(base, window, backbone, declared=""):
    text = base.replace("window: 27", f"window: {window}").replace("[videopose3d-s, simple_baseline]", backbone)
    return f"{text}backbones: {{mine: {{base: {declared}}}}}\n" if declared else text


@pytest.mark.parametrize(
    ("window", "declared"),
    [
        (9, "poseformer-s"),
        (31, "poseformer-s"),
        (9, "poseformerv2-s, num_frame: 9"),
        (9, "mixste-s"),
        (9, "mixste-s, num_frame: 9"),
        (9, "videopose3d, filter_widths: [3, 3]"),
        (13, "multistride_tcn, filter_widths: [3], strides: [1, 6]"),
        (9, "ridge, radius: 4"),
    ],
)
def test_windows_that_fit(write, base, window, declared):
    assert len(load(write(spec(base, window, "mine", declared))).runs) == 4


@pytest.mark.parametrize(
    ("window", "declared", "message"),
    [
        (
            26,
            "poseformerv2-s",
            r"mine reads 27 frames at a time \(num_frame\), and a window has 26: change data.window",
        ),
        (80, "poseformer", r"mine reads 81 frames at a time"),
        (9, "mixste-s, num_frame: 27", r"mine is built for windows of 27 frames \(num_frame\), and a window has 9"),
        (9, "mixste-s, num_frame: 3", r"is built for windows of 3 frames"),
        (26, "videopose3d-s", r"mine reads 27 frames at a time \(product\(filter_widths\)\), and a window has 26"),
        (12, "multistride_tcn, filter_widths: [3], strides: [1, 6]", r"mine reads 13 frames at a time"),
        (8, "ridge, radius: 4", r"mine reads 9 frames at a time"),
    ],
)
def test_windows_that_do_not(write, base, window, declared, message):
    with pytest.raises(UserError, match=message) as caught:
        load(write(spec(base, window, "mine", declared)))
    assert (caught.value.line, caught.value.key) == (2, "data.window")


def test_a_swept_window_is_told_on_its_axis(write, base):
    text = spec(base, 27, "poseformerv2-s").replace("  seed: 2", "  seed: 2\n  data.window: [27, 9]")
    with pytest.raises(UserError, match="poseformerv2-s reads 27") as caught:
        load(write(text))
    assert caught.value.line == 13
