from __future__ import annotations

import subprocess
import sys

import pytest

from harness.data.views import Views
from harness.spec.run import Choice, Pretrain, Test
from harness.training import memory, passes, probe
from harness.training.material import open_material, training_windows

_TAKING = """
import mmap, sys, time
from harness.training import memory
def tell():
    time.sleep(0.2)  # the watch looks every 0.02 s
    print(watch.peak.own, watch.peak.shared)
with memory.Watch() as watch:
    tell()
    kept = bytearray(b"1") * (1 << 26)
    tell()
    with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        assert sum(view[::4096]) == ord("1") * len(view) // 4096
        tell()
"""
TEST = Test(occlusion=["none", "severe"], cameras=["seen"])


def test_a_probe_tells_the_cost_of_a_run_from_a_few_steps(make_run, monkeypatch):
    monkeypatch.setattr(probe, "_MOST", 4)
    run = make_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1, "ramp": [1, 2]}}, steps=10**9)
    found = probe.probe(run, TEST)
    assert min(found.step, found.validation, found.evaluation) > 0
    assert (found.pretrain_step, found.gpu, found.validations) == (0.0, 0, None)
    windows = training_windows(open_material(run.data).train, 9, 9, 0)
    assert found.a_pass == passes.steps_a_pass(run, windows)
    assert found.own > 2**25 and found.shared > 2**20


def test_a_pretraining_and_a_closed_form_have_steps_of_their_own(make_run, monkeypatch):
    monkeypatch.setattr(probe, "_MOST", 3)
    stmo = Choice(name="pstmo-tiny")
    found = probe.probe(make_run(backbone=stmo, pretrain=Pretrain(steps=5)), None)
    assert found.pretrain_step > 0 and found.step > 0 and found.evaluation == 0.0
    solved = probe.probe(make_run(backbone=Choice(name="ridge")), TEST)
    assert solved.validations == 0 and solved.step > 0 and solved.evaluation > 0


def test_a_term_counts_from_the_first_step_and_no_validation_is_among_them(make_run):
    run = make_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1, "warmup": 2}}, epochs=12)
    begun = probe._endless(run, None)
    assert begun.schedules["spatial_rdc"].constant and begun.terms["spatial_rdc"] == run.terms["spatial_rdc"]
    assert (begun.train.epochs, begun.train.passes) == (1, None) and begun.train.steps > 1000


def test_of_large_data_a_part_is_tested(make_run, monkeypatch):
    material = open_material(make_run().data)
    whole = int(material.tests["seen"].length.sum())
    part, fraction = probe._part(material)
    assert (part.tests["seen"].frames, fraction) == (whole, 1.0)
    monkeypatch.setattr(probe, "_FRAMES", whole // 2)
    part, fraction = probe._part(material)
    some: Views = part.tests["seen"]
    assert 0 < some.frames < whole and 0 < fraction < 1
    assert len(some.poses) == int(some.length.sum())


def test_mapped_views_count_whole_however_few_of_them_are_read(make_run):
    from dataclasses import replace

    material = open_material(make_run().data)
    assert probe._mapped(material) == 0, "small data are each run's own"
    train = replace(material.unlabelled, shared=True)
    rows = train.frames * 17 * (3 + 2) * 4
    assert probe._mapped(replace(material, train=train, unlabelled=train)) == rows


def test_a_step_is_told_from_what_precedes_it():
    import torch

    clock = probe._Clock(torch.device("cpu"), 0.0, [5.0, 9.0, 9.5, 10.0, 10.6, 11.0])
    assert clock.step == pytest.approx(0.5)
    assert clock.before == pytest.approx(9.5 - 2 * 0.5)


def test_memory_is_ones_own_or_everybodys(tmp_path):
    if memory.held() is None:
        pytest.skip("this system doesn't tell")
    size = 1 << 26
    (tmp_path / "views").write_bytes(b"1" * size)
    # in a process of its own: what earlier tests give back meanwhile would hide what is taken here
    lines = subprocess.run([sys.executable, "-c", _TAKING, tmp_path / "views"], capture_output=True, check=True).stdout
    before, with_own, with_file = (memory.Held(*map(int, line.split())) for line in lines.splitlines())
    assert with_own.own - before.own >= 0.9 * size
    assert with_file.shared - before.shared >= 0.9 * size
    assert with_file.own - with_own.own < 0.5 * size
