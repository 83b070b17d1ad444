from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.cli.main import main
from harness.spec import load
from harness.spec.probes import Probe, Probes
from harness.sweep import probe_spec, probing
from tests.spec.conftest import BASE

GB = 10**9


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def spec_file(tmp_path):
    (tmp_path / "trial.yaml").write_text(
        BASE.replace("objective: [abs, spatial]", "objective: [abs]"), encoding="utf-8"
    )
    return tmp_path / "trial.yaml"


def by_backbone(run, test) -> Probe:
    """What is measured of a run, without measuring: one sort of network takes long, another can't be trained."""
    if run.train.occlusion == "severe":
        raise ValueError("diverged at once")
    step = 2.0 if run.backbone.name == "videopose3d" else 1.0
    return Probe(setup=0.0, step=step, validation=0.0, evaluation=len(test.occlusion), a_pass=1.0, own=GB, shared=0)


FAKE = f"{__name__}:by_backbone"


def test_one_run_of_each_cost_is_probed_and_only_once(ray_session, spec_file):
    spec, said = load(spec_file), []
    assert probe_spec(spec, {}, say=said.append, probe=FAKE) == {}
    assert [line.partition(":")[0] for line in said] == ["probe 1 of 2", "probe 2 of 2"]
    probes = Probes(spec.test, gpu=False)
    assert [probes.of(run).step for run in spec.runs] == [
        2.0 if "videopose3d" in r.labels["backbone"] else 1.0 for r in spec.runs
    ]
    assert all(probes.of(run).hardware and probes.of(run).at for run in spec.runs)
    assert probe_spec(spec, {}, say=said.append, probe="nothing:here") == {} and len(said) == 2


def test_what_fails_is_told_and_the_others_are_measured(ray_session, spec_file):
    spec = load(spec_file, ["grid.train.occlusion=[moderate, severe]", "grid.backbone=[simple_baseline]"])
    said = []
    wrong = probe_spec(spec, {}, say=said.append, probe=FAKE)
    assert len(wrong) == 1 and set(wrong.values()) == {"ValueError: diverged at once"}
    known = {run.train.occlusion: Probes(spec.test, gpu=False).of(run) is not None for run in spec.runs}
    assert known == {"moderate": True, "severe": False}
    assert sum("diverged at once" in line for line in said) == 1


def test_runs_that_finished_ones_tell_of_need_no_probe(ray_session, spec_file):
    from harness import tracking

    spec = load(spec_file, ["grid.objective=[abs, spatial]", "grid.backbone=[simple_baseline]"])

    class Done:
        seconds = 3.0

        def __init__(self, run):
            self.shape = tracking.shape_of(run)

    known = {f"like {run.run_id}": Done(run) for run in spec.runs if run.labels["objective"] == "abs"}
    said = []
    probe_spec(spec, known, say=said.append, probe=FAKE)
    assert len(said) == 1 and all("spatial" in line for line in said)


def test_plan_measures_when_asked_and_remembers(ray_session, spec_file, monkeypatch, capsys):
    monkeypatch.setattr(probing, "DEFAULT", FAKE)
    assert main(["plan", str(spec_file), "--workers", "2"]) == 0
    assert "time: unknown" in capsys.readouterr().out
    assert main(["plan", str(spec_file), "--workers", "2", "--probe", "--json"]) == 0
    out, told = capsys.readouterr()
    found = json.loads(out)
    assert told.splitlines()[0].startswith("probe 1 of 2")
    assert (found["by_probe"], found["unknown"], found["gpu_hours"]) == (4, 0, None)
    assert found["hours"] == pytest.approx((2 * (10 * 2.0 + 4) + 2 * (10 * 1.0 + 4)) / 3600)
    assert main(["plan", str(spec_file), "--workers", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found, "kept: nothing is measured again"


def test_a_cluster_is_of_no_use_to_a_plan_that_measures_nothing(spec_file, capsys):
    assert main(["plan", str(spec_file), "--address", "auto"]) == 2
    assert "--address: only --probe measures" in capsys.readouterr().err


def test_a_probe_reads_files_from_where_its_machine_has_them(spec_file, monkeypatch):
    run = load(spec_file).runs[0]
    run = run.model_copy(update={"data": run.data.model_copy(update={"path": "/driver/clips.npz"})})
    monkeypatch.setattr(probing.freight, "receive", lambda parcels: {"/driver/clips.npz": f"/here/{parcels[0]}"})
    seen = []
    monkeypatch.setattr(probing.body, "load", lambda name: lambda run, test: seen.append(run) or by_backbone(run, test))
    prober = probing.Prober(1)
    assert prober.lacking({"/driver/clips.npz": 7}) == ["/driver/clips.npz"]
    prober.measure(FAKE, run, SimpleNamespace(occlusion=["none"]), ["parcel"])
    assert [it.data.path for it in seen] == ["/here/parcel"]
