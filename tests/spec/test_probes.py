from __future__ import annotations

import pytest

from harness.spec import load
from harness.spec.probes import Probe, Probes, key_of, read
from harness.spec.run import Choice, Data, Pretrain, Run, Test, Train

PROBE = Probe(setup=1.0, step=0.1, validation=2.0, evaluation=5.0, a_pass=50.0, own=10**9, shared=10**8)


def a_run(objective=None, *, seed=0, data=None, backbone="videopose3d", **train) -> Run:
    terms = objective or {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1}}
    return Run(
        data=Data(**(data or {})), backbone=Choice(name=backbone), objective=terms, train=Train(**train), seed=seed
    )


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))


def test_a_run_takes_its_steps_its_validations_and_its_test():
    assert PROBE.seconds(a_run(steps=100, epochs=4)) == pytest.approx(1 + 100 * 0.1 + 4 * 2 + 5)
    assert PROBE.seconds(a_run(steps=3, epochs=4)) == pytest.approx(1 + 3 * 0.1 + 3 * 2 + 5)
    assert PROBE.seconds(a_run(passes=3.5, epochs=1)) == pytest.approx(1 + 175 * 0.1 + 2 + 5)


def test_a_pretraining_has_steps_of_its_own():
    probe = Probe(**{**PROBE.__dict__, "pretrain_step": 0.01})
    assert probe.seconds(a_run(steps=100, epochs=1, pretrain=Pretrain(passes=2))) == pytest.approx(8 + 10 + 1)
    assert probe.seconds(a_run(steps=100, epochs=1, pretrain=Pretrain())) == pytest.approx(8 + 10 + 1)


def test_weights_of_others_are_only_tested():
    run = Run(backbone=Choice(name="videopose3d"), objective={}, checkpoint={"path": "x", "digest": "0"})
    assert PROBE.seconds(run) == 6.0


@pytest.mark.parametrize(
    "other",
    [
        a_run(seed=7),
        a_run(steps=9, epochs=2, lr=0.5),
        a_run(passes=4),
        a_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.7, "warmup": 2}}),
        a_run(data={"noise": 8.0, "seed": 3}),
    ],
    ids=["seed", "length", "passes", "lambda", "noise"],
)
def test_what_changes_no_step_shares_a_probe(other):
    assert key_of(other, Test(), gpu=False) == key_of(a_run(), Test(), gpu=False)


@pytest.mark.parametrize(
    "other",
    [
        a_run(backbone="simple_baseline"),
        a_run(batch=64),
        a_run(occlusion="severe"),
        a_run(data={"window": 81}),
        a_run(data={"label_fraction": 0.5}),
        a_run(data={"noise": 0.0}),
        a_run({"mpjpe": {"weight": 1.0}}),
        a_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1, "form": "margin"}}),
        a_run(pretrain=Pretrain()),
    ],
    ids=["backbone", "batch", "occlusion", "window", "labels", "no noise", "terms", "form", "pretraining"],
)
def test_what_changes_a_step_needs_a_probe_of_its_own(other):
    keys = {key_of(run, Test(), gpu=False) for run in (a_run(), other)}
    keys |= {key_of(a_run(), Test(), gpu=True), key_of(a_run(), Test(occlusion=["none"]), gpu=False)}
    assert len(keys) == 4


def test_probes_are_kept_between_commands(write, base):
    spec = load(write(base))
    probes = Probes(spec.test, gpu=False)
    lacking = probes.lacking(spec.runs)
    assert len(spec.runs) == 8 and len(lacking) == 4, "one of each cost: seeds share it"
    probes.keep(lacking[0], PROBE)
    again = Probes(spec.test, gpu=False)
    assert [run.run_id for run in again.lacking(spec.runs)] == [run.run_id for run in lacking[1:]]
    assert again.of(lacking[0]) == PROBE
    assert Probes(spec.test, gpu=True).of(lacking[0]) is None


def test_a_probe_that_cannot_be_read_is_none(tmp_path):
    key = key_of(a_run(), None, gpu=False)
    folder = tmp_path / "cache" / "probes"
    folder.mkdir(parents=True)
    for text in ("", "{", "[]", '{"step": 1}', '{"unknown": 1}'):
        (folder / f"{key}.json").write_text(text, encoding="utf-8")
        assert read(key) is None


def test_a_cache_that_cannot_be_written_costs_no_probe(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "file"))
    probes = Probes(None, gpu=False)
    probes.keep(a_run(), PROBE)
    assert probes.of(a_run()) == PROBE
