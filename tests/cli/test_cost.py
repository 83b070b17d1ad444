"""`repose ls backbones --cost`."""

from __future__ import annotations

import pytest

from harness.cli.cost import of_runs
from harness.spec import load
from harness.training.cost import count


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


def test_costs_of_a_specs_runs(tmp_path):
    """Runs that differ in no more than objective and seed share a count."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "name: trial\ndata: {dataset: synthetic, frames_out: 9}\nobjectives: {a: {mpjpe: 1}, b: {mpjpe: 1, mpjve: 1}}\n"
        "grid: {backbone: [mixste-s, ridge], objective: [a, b], seed: 2, data.window: [9, 27]}\n"
    )
    spec = load(path)
    found = of_runs(spec)
    assert found.keys() == {run.run_id for run in spec.runs}
    by_window = {(run.labels["backbone"], run.data.window): found[run.run_id] for run in spec.runs}
    counted = count("mixste-s", window=27, frames_out=9)
    assert by_window["mixste-s", 27] == {"parameters": counted.parameters, "macs": counted.macs}
    assert by_window["mixste-s", 27]["macs"] > 3 * by_window["mixste-s", 9]["macs"]  # attention over more frames
    assert by_window["ridge", 27]["parameters"] == 0
