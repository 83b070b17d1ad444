"""The spec of severity curves: each process over the whole range, each left out of training once, the rest alike."""

from harness import level_names
from harness.spec import load

FOUR = {"stretches", "limbs", "self_occlusion", "failure"}


def processes(level):
    return {process for process, _ in level_names.parse(level).parts} if level != "none" else set()


def test_each_process_is_tested_over_severity_and_left_out_of_training_once():
    spec = load("occlusion_curves")
    curves = {}
    for level in spec.test.occlusion[1:]:
        said = level_names.parse(level)
        curves.setdefault(level.rpartition("@")[0], []).append(said.severity)
    assert spec.test.occlusion[0] == "none"
    assert {name.partition(":")[0] for name in curves} == FOUR
    assert {"stretches:length=10", "stretches:length=90"} < set(curves), "short to long"
    assert all(severities == [0.25, 0.5, 0.75, 1] for severities in curves.values())

    trained = {frozenset(processes(level)): level for level in spec.axes["train_occlusion"]}
    assert set(trained) == {frozenset(), frozenset(FOUR), *(frozenset(FOUR - {one}) for one in FOUR)}
    assert {level.rpartition("@")[2] for level in trained.values()} == {"none", "0.3"}
    assert {tuple(run.train.validate_on) for run in spec.runs} == {(trained[frozenset(FOUR)],)}
    assert all(len(runs) == 5 for runs in spec.arms.values())


def test_every_curve_has_its_claims():
    spec = load("occlusion_curves")
    where = [str(claim.where["test_occlusion"]) for claim in spec.claims if claim.arm.get("objective") == "both"]
    assert sorted(where) == sorted(f"curve/{name}" for name in {x.rpartition("@")[0] for x in spec.test.occlusion[1:]})
    left_out = [claim for claim in spec.claims if "train_occlusion" in claim.arm]
    for claim in left_out:
        (missing,) = FOUR - processes(claim.arm["train_occlusion"])
        assert claim.where["test_occlusion"].removeprefix("curve/").partition(":")[0] == missing
    assert len(left_out) == 4
