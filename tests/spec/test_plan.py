from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from harness.spec import load
from harness.spec.plan import duration, plan


@dataclass(frozen=True)
class Done:
    seconds: float | None
    shape: str | None


def by_steps(run) -> str:
    return f"{run.backbone.name} {run.train.steps}"


@pytest.fixture
def spec(write, base):
    return load(write(base))


def test_counts_per_axis_and_what_is_to_do(spec):
    finished = {run.run_id: Done(3.0, by_steps(run)) for run in spec.runs[:5]} | {"of another spec": Done(900.0, "x")}
    made = plan(spec, finished, by_steps, workers=2)
    assert (made.runs, made.finished, made.to_do) == (8, 5, 3)
    assert made.axes["backbone"] == {"videopose3d-s": 4, "simple_baseline": 4}
    assert made.axes["seed"] == {"0": 4, "1": 4}
    assert json.loads(json.dumps(made.as_dict()))["to_do"] == 3
    assert made.lines()[0] == "trial: 8 runs, 5 finished, 3 to do"


def test_time_is_estimated_from_finished_runs_of_the_same_shape(spec):
    by_name = {"videopose3d": [2.0, 3.0, 40.0], "simple_baseline": [1.0]}
    finished = {f"{n} {i}": Done(s, f"{n} 10") for n, times in by_name.items() for i, s in enumerate(times)}
    made = plan(spec, finished, by_steps, workers=2)
    assert made.seconds == pytest.approx((4 * 3.0 + 4 * 1.0) / 2)
    assert made.hours == pytest.approx((4 * 3.0 + 4 * 1.0) / 3600)
    assert (made.gpu_hours, made.by_finished, made.by_probe) == (None, 8, 0)
    assert plan(spec, finished, by_steps, workers=1, limit=3).seconds == pytest.approx(3 + 3 + 1)
    assert plan(spec, finished, by_steps, workers=99).seconds == pytest.approx(3.0), "one run isn't shared"
    assert made.unknown == 0


def test_time_is_unknown_without_a_like_run(spec):
    assert plan(spec, {"x": Done(3.0, "other")}, by_steps).seconds is None
    assert "time: unknown" in plan(spec, {}, by_steps).lines()[-1]
    partly = plan(spec, {"x": Done(3.0, "videopose3d 10"), "y": Done(None, None)}, by_steps)
    assert (partly.seconds, partly.unknown) == (12.0, 4)
    assert "at least 12 s (4 runs unlike any finished one)" in partly.lines()[-2]
    assert partly.lines()[-1] == (
        "  work: 12 s of runs (4 as finished ones of their shape, 4 unknown (--probe measures them))"
    )


def test_a_worker_takes_the_next_run_when_it_is_free(spec):
    """Three runs on two workers take as long as two of them, however even the sum looks."""
    finished = {name: Done(60.0, f"{name} 10") for name in ("videopose3d", "simple_baseline")}
    assert plan(spec, finished, by_steps, workers=2, limit=3).seconds == pytest.approx(120.0)
    assert plan(spec, finished, by_steps, workers=3, limit=3).seconds == pytest.approx(60.0)


def test_probes_tell_of_what_never_ran(spec):
    @dataclass(frozen=True)
    class Measured:
        def seconds(self, run):
            return 90.0 * run.train.steps

    finished = {"x": Done(3.0, "videopose3d 10")}
    probes = {"simple_baseline": Measured()}
    made = plan(spec, finished, by_steps, workers=1, probe_of=lambda run: probes.get(run.backbone.name))
    assert made.seconds == pytest.approx(4 * 3.0 + 4 * 900.0)
    assert (made.by_finished, made.by_probe, made.unknown) == (4, 4, 0)
    assert made.lines()[-1] == "  work: 1 h 0 min of runs (4 as finished ones of their shape, 4 as probed)"


def test_gpu_hours_are_the_shares_of_the_runs(write, base):
    spec = load(write(base + "resources: {gpu: 0.25}\n"))
    finished = {name: Done(3600.0, f"{name} 10") for name in ("videopose3d", "simple_baseline")}
    made = plan(spec, finished, by_steps, workers=8)
    assert (made.seconds, made.hours, made.gpu_hours) == (3600.0, 8.0, 2.0)
    assert "8 h 0 min of runs, 2 GPU-hours (8 as" in made.lines()[-1]
    packed = plan(spec, finished, by_steps, gpu_of=lambda run: 0.5 if run.backbone.name == "videopose3d" else 0.125)
    assert packed.gpu_hours == 4 * 0.5 + 4 * 0.125


def test_offline_says_so(spec):
    made = plan(spec, None, by_steps)
    assert not made.finished_known
    assert "finished unknown (offline), 8 to do" in made.lines()[0]


def test_nothing_to_do_takes_no_time(spec):
    made = plan(spec, {run.run_id: Done(1.0, None) for run in spec.runs}, by_steps)
    assert (made.to_do, made.seconds) == (0, 0.0)
    assert "time: none" in made.lines()[-1]


def test_evaluations_to_add_are_counted_apart_from_runs(spec):
    finished = {run.run_id: Done(3.0, by_steps(run)) for run in spec.runs[:6]}
    made = plan(spec, finished, by_steps, lacking=5)
    assert (made.finished, made.to_do, made.as_dict()["to_evaluate"]) == (6, 2, 5)
    assert made.lines()[0] == "trial: 8 runs, 6 finished, 2 to do, 5 to evaluate"
    assert made.lines()[-2].startswith("  time: 6 s, and that of 5 evaluations")
    assert plan(spec, finished, by_steps, limit=3, lacking=5).to_evaluate == 1
    done = plan(spec, {run.run_id: Done(3.0, None) for run in spec.runs}, by_steps, lacking=1)
    assert done.lines()[-1].startswith("  time: that of 1 evaluation, without training")


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (250, "4 min 10 s"), (12_000, "3 h 20 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text
