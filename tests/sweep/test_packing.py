from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import tracking
from harness.errors import UserError
from harness.spec import packed
from harness.spec.probes import Probe
from harness.spec.run import Choice, Run, Train
from harness.spec.schema import Resources
from harness.sweep import packing, probing, run_sweep
from tests.sweep.bodies import FakeSpec

GB = 10**9
NODE = {"CPU": 16.0, "GPU": 2.0, "memory": 200.0 * GB}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))


def a_run(name: str, seed: int, folder: Path | None = None) -> Run:
    labels = {"backbone": name, "seed": str(seed), "folder": str(folder)}
    backbone = Choice(name="videopose3d", options={"channels": 16 if name == "small" else 64})
    return Run(backbone=backbone, objective={"mpjpe": {"weight": 1.0}}, train=Train(steps=4), seed=seed, labels=labels)


def probed(run: Any, test: Any) -> Probe:
    """A fake measure: small networks take 10 GB of a GPU of 80 GB, large ones 30."""
    small = run.labels["backbone"] == "small"
    return Probe(
        0.0,
        1.0,
        0.0,
        0.0,
        1.0,
        own=GB // 10,
        shared=GB // 100,
        gpu=(10 if small else 30) * GB,
        gpu_total=80 * GB,
        hardware="fake",
    )


def hungry(run: Any, test: Any) -> Probe:
    """A fake measure: a run takes so much RAM that a node holds one."""
    free = max(node["memory"] for node in packing.cluster.nodes())
    return Probe(0.0, 1.0, 0.0, 0.0, 1.0, own=round(free / 2), shared=0)


def body(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """A run that notes when it was at work, and on which GPU."""
    return noting(run, logger, lambda folder: True)


def meeting(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """The same; a small one waits until another has come. The large one came first, which makes three."""
    return noting(run, logger, lambda folder: run.labels["backbone"] == "large" or len(list(folder.glob("*.here"))) > 2)


def noting(run: Any, logger: Any, enough: Callable[[Path], bool]) -> dict[str, float]:
    began, folder = time.time(), Path(run.labels["folder"])
    (folder / f"{run.run_id}.here").touch()
    while not enough(folder) and time.time() - began < 60:
        time.sleep(0.05)
    time.sleep(0.5)
    logger.artifact("best.pt", b"weights")
    logger.evaluation(b"rows", [])
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    note = f"{run.labels['backbone']} {gpu or '-'} {began} {time.time()}"
    (folder / f"{run.run_id}.note").write_text(note, encoding="utf-8")
    return {"val_mpjpe_best": 1.0}


def notes(folder: Path) -> list[tuple[str, str, float, float]]:
    found = [file.read_text(encoding="utf-8").split() for file in folder.glob("*.note")]
    return [(name, gpu, float(began), float(ended)) for name, gpu, began, ended in found]


def at_once(found: list[tuple[str, str, float, float]]) -> int:
    return max(sum(b <= began < e for *_, b, e in found) for *_, began, _ in found)


def test_runs_of_each_sort_pack_by_what_was_measured_of_it(ray_session, store, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(probing, "DEFAULT", f"{__name__}:probed")
    (tmp_path / "notes").mkdir()
    runs = [a_run("small", n, tmp_path / "notes") for n in range(3)] + [a_run("large", 0, tmp_path / "notes")]
    spec = FakeSpec(runs, resources=Resources(cpu=0.25, gpu="auto"))
    outcome = run_sweep(spec, uri=store, body=f"{__name__}:meeting")
    assert len(outcome.finished) == 4 and not outcome.failed
    found = notes(tmp_path / "notes")
    assert {gpu for _, gpu, *_ in found} == {"0"}, "each was given the one (fake) GPU, or a part of it"
    small = [one for one in found if one[0] == "small"]
    large = [one for one in found if one[0] == "large"]
    assert at_once(small) > 1 and large[0][3] <= min(began for *_, began, _ in small), "the largest share comes first"
    assert all(record.status == "FINISHED" for record in tracking.records(store))
    out = capfd.readouterr().out
    assert "1 run with 0.25 CPU, 0.5 of a GPU each: room for 2 at once" in out
    assert "3 runs with 0.25 CPU, 0.167 of a GPU each: room for 6 at once" in out


def test_never_more_workers_than_fit_into_memory(ray_session, store, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(probing, "DEFAULT", f"{__name__}:hungry")
    (tmp_path / "notes").mkdir()
    spec = FakeSpec([a_run("small", n, tmp_path / "notes") for n in range(2)], resources=Resources(memory="auto"))
    outcome = run_sweep(spec, uri=store, body=f"{__name__}:body")
    assert len(outcome.finished) == 2
    assert at_once(notes(tmp_path / "notes")) == 1, "processors would have been there for two"
    assert "GB of memory each: room for 1 at once" in capfd.readouterr().out


def test_a_run_that_no_node_holds_is_said_before_any_starts(ray_session, store, tmp_path, monkeypatch):
    huge = Probe(0.0, 1.0, 0.0, 0.0, 1.0, own=10**15, shared=0)
    monkeypatch.setattr(probing, "_one", lambda *_: huge)
    spec = FakeSpec([a_run("small", 0, tmp_path)], resources=Resources(memory="auto"))
    with pytest.raises(UserError, match=r"small 0 .*: a run needs 1.2e\+06 GB of memory and no node") as caught:
        run_sweep(spec, uri=store, body=f"{__name__}:body")
    assert caught.value.key == "resources.memory" and not tracking.records(store)
    stated = FakeSpec([a_run("small", 0, tmp_path)], resources=Resources(memory=10**6))
    with pytest.raises(UserError, match="needs 1e\\+06 GB of memory and no node"):
        run_sweep(stated, uri=store, body=f"{__name__}:body")


def test_a_plan_says_how_runs_would_pack(monkeypatch):
    runs = [a_run("small", n) for n in range(3)] + [a_run("large", 0)]
    auto = Resources(gpu="auto")
    unknown = packed.of_spec(auto, None, runs, NODE)
    assert unknown.gpu_of is None and not unknown.lines
    for run in (runs[0], runs[-1]):
        packed.Probes(None, gpu=True).keep(run, probed(run, None))
    known = packed.of_spec(auto, None, runs, NODE)
    assert [round(known.gpu_of(run), 3) for run in runs] == [0.167, 0.167, 0.167, 0.5]
    assert known.workers == 4, "of the sort of which the fewest fit"
    assert known.lines[0] == "packing: 1 run, 2 to a GPU (30 of 80 GB each, on fake)"
    assert known.lines[1] == "packing: 3 runs, 6 to a GPU (10 of 80 GB each, on fake)"
    assert known.lines[2].startswith(
        "memory: up to 0.1 GB of its own for a run, and 0.01 GB that all on a machine share"
    )
    assert packed.of_spec(auto, None, runs, {"CPU": 4.0, "memory": 0.3 * GB}).workers == 2, "here by memory"
