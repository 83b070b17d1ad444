"""`repose ls backbones --cost`."""

from __future__ import annotations

import pytest


def test_costs_of_backbones(repose):
    shown = repose("ls", "backbones", "simple_baseline", "ridge", "--cost", "--batch", "1", "--device", "cpu")
    _, heads, baseline, ridge = shown.out.splitlines()
    assert heads.split()[:3] == ["window", "out", "parameters"]
    assert baseline.split()[:6] == ["simple_baseline", "27", "27", "4,296,755", "4.28", "M"]
    assert all(float(cell.replace(",", "")) > 0 for cell in baseline.split()[6:])
    assert ridge.split()[3] == "0" and ridge.split()[-1] == "-"
    assert (shown.code, shown.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["losses", "--cost"], "only backbones have costs"),
        (["backbones", "mixst", "--cost"], "did you mean 'mixste'?"),
        (["backbones", "mixste"], "NAME … --cost"),
        (["backbones", "ridge", "--cost", "--device", "nowhere"], "no device 'nowhere' here"),
        (["backbones", "ridge", "--cost", "--frames-out", "28"], "a window of 27 frames can't have 28"),
    ],
)
def test_costs_that_cannot_be_told(repose, arguments, said):
    answer = repose("ls", *arguments)
    assert answer.code == 2 and said in answer.err and not answer.out
