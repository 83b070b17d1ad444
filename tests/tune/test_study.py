"""A whole study, on a body that trains nothing: what is proposed, stopped, kept and answered from records."""

from pathlib import Path

import pytest

from harness import tracking
from harness.errors import UserError
from harness.spec.trial import point
from tests.tune.bodies import FOLDER, error
from tests.tune.loop import drive, searches_of


def _only(found):
    (arm,) = found["arms"]
    return arm


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """How often each run was begun, by run_id."""
    folder = tmp_path / "begun"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))

    def count():
        names = [file.name.partition(".")[0] for file in folder.iterdir()]
        return {name: names.count(name) for name in names}

    return count


def test_a_study_tries_the_spec_itself_first_spends_its_budget_and_names_the_best(spec_of, store):
    found = drive(spec_of(study={"pruner": "none"}), store)
    arm = _only(found)
    assert arm["states"] == {"COMPLETE": 6} and [trial["number"] for trial in arm["trials"]] == list(range(6))
    first, values = arm["trials"][0], [trial["values"][0] for trial in arm["trials"]]
    assert first["enqueued"] == "default" and first == arm["default"]
    assert first["params"] == {"train.lr": 0.001, "objectives.both.spatial_rdc.weight": 0.1}
    assert arm["best"] == [values.index(min(values))]
    assert arm["trials"][0]["intermediate"][-1] == [9, values[0]] and len(arm["trials"][0]["intermediate"]) == 9


def test_what_the_scheduler_stops_is_pruned_in_the_storage_and_killed_in_the_store_and_never_complete(spec_of, store):
    spec = spec_of(study={"budget": {"trials": 12}, "pruner": {"name": "asha", "reduction": 2}})
    arm = _only(drive(spec, store))
    states = [trial["state"] for trial in arm["trials"]]
    assert states.count("COMPLETE") + states.count("PRUNED") == 12 and states.count("PRUNED") >= 3
    assert arm["states"] == {"COMPLETE": states.count("COMPLETE"), "PRUNED": states.count("PRUNED")}
    stopped = [run for trial in arm["trials"] if trial["state"] == "PRUNED" for run in trial["runs"]]
    records = tracking.records(store, stopped)
    assert {(record.status, record.pruned) for record in records} == {("KILLED", True)}
    assert tracking.failed(store, stopped) == {}
    best = min(trial["values"][0] for trial in arm["trials"] if trial["values"])
    reached = [trial["intermediate"][-1][1] for trial in arm["trials"] if trial["state"] == "PRUNED"]
    assert best < min(reached) and all(trial["values"] is None for trial in arm["trials"] if trial["state"] == "PRUNED")
    assert sum(arm["importance"].values()) == pytest.approx(1.0)
    assert arm["importance"]["train.lr"] > 0.5, "what was stopped tells what matters, too"


def test_a_trial_is_the_grids_run_and_a_finished_one_is_answered_from_its_record(spec_of, store, begun):
    spec = spec_of(study={"pruner": "none"})
    first = _only(drive(spec, store))
    lr = first["trials"][1]["params"]
    swept = spec_of(train={**_train(), "lr": lr["train.lr"]}, objectives=_objectives(lr), study={"pruner": "none"})
    assert first["trials"][1]["runs"] == [run.run_id for run in swept.runs]
    Path(store.removeprefix("sqlite:///")).parent.joinpath("studies", "tuned.log").unlink()
    again = _only(drive(spec, store))
    assert again["trials"][0]["values"] == first["trials"][0]["values"]
    assert again["trials"][1]["params"] == first["trials"][1]["params"]  # the same seed proposes alike
    assert set(begun().values()) == {1} and len(begun()) == 6
    assert again["trials"][0]["intermediate"] == first["trials"][0]["intermediate"]


def test_a_study_goes_on_as_if_it_had_never_stopped(spec_of, store, tmp_path, template):
    import shutil

    spec = spec_of(study={"pruner": "none", "sampler": {"name": "tpe", "startup": 2}})
    whole = _only(drive(spec, store))
    (tmp_path / "other").mkdir()
    shutil.copy(template, tmp_path / "other" / "mlflow.db")
    other = f"sqlite:///{tmp_path / 'other' / 'mlflow.db'}"
    drive(spec, other, most=3)
    parts = _only(drive(spec, other))
    assert [trial["params"] for trial in parts["trials"]] == [trial["params"] for trial in whole["trials"]]


def test_a_trial_over_seeds_is_their_mean_and_a_hopeless_one_is_stopped_after_few_of_them(spec_of, store):
    study = {"over": {"seeds": 3}, "budget": {"trials": 9}, "pruner": {"name": "asha", "grace": 9, "reduction": 2}}
    spec = spec_of(study=study)
    arm = _only(drive(spec, store))
    for trial in arm["trials"]:
        assert len(trial["runs"]) == 3
        if trial["state"] == "COMPLETE":
            runs = [point(spec, trial["params"], spec.tuning.arms[0], seed) for seed in range(3)]
            assert trial["values"] == [pytest.approx(sum(error(run, 9) for run in runs) / 3)]
    stopped = [trial for trial in arm["trials"] if trial["state"] == "PRUNED"]
    done = {record.run_id for record in tracking.finished(store).values()}
    # Stopped between two seeds, so the finished ones stay finished.
    assert stopped and all(1 <= sum(run in done for run in trial["runs"]) < 3 for trial in stopped)


def test_several_metrics_keep_every_trial_that_none_beats_in_all(spec_of, store):
    space = {"train.lr": {"log": [1e-4, 1e-1]}, "backbones.tiny.channels": {"categorical": [8, 16, 32]}}
    study = {"space": space, "metric": ["val_mpjpe", "parameters"], "budget": {"trials": 8}}
    arm = _only(drive(spec_of(study=study), store))
    values = {trial["number"]: trial["values"] for trial in arm["trials"]}
    unbeaten = [
        n
        for n, mine in values.items()
        if not any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in values.values())
    ]
    assert arm["best"] == unbeaten and len({tuple(values[n]) for n in unbeaten}) >= 2


def test_each_arm_has_the_same_budget_and_a_field_it_lacks_is_not_applied(spec_of, store):
    grid = {"backbone": "tiny", "objective": ["abs", "both"], "seed": 1}
    found = drive(spec_of(grid=grid, study={"budget": {"trials": 3}, "pruner": "none"}), store)
    assert [arm["states"] for arm in found["arms"]] == [{"COMPLETE": 3}, {"COMPLETE": 3}]
    assert [set(arm["trials"][1]["params"]) for arm in found["arms"]] == [
        {"train.lr"},
        {"train.lr", "objectives.both.spatial_rdc.weight"},
    ]


def test_an_arm_with_nothing_to_tune_has_one_trial(spec_of, store):
    grid = {"backbone": "tiny", "objective": ["abs", "both"], "seed": 1}
    space = {"objectives.both.spatial_rdc.weight": {"log": [1e-3, 1]}}
    study = {"space": space, "budget": {"trials": 3}, "pruner": "none"}
    found = drive(spec_of(grid=grid, study=study), store)
    assert [arm["states"]["COMPLETE"] for arm in found["arms"]] == [1, 3]


def test_a_grid_is_tried_once_each_with_conditions(spec_of, store):
    space = {
        "train.lr": {"categorical": [0.001, 0.003]},
        "objectives.both.spatial_rdc.form": {"categorical": ["hinge", "margin"]},
        "objectives.both.spatial_rdc.margin": {
            "categorical": [0.01, 0.05],
            "when": {"objectives.both.spatial_rdc.form": "margin"},
        },
    }
    study = {"space": space, "sampler": "grid", "budget": {"trials": 50}, "pruner": "none"}
    arm = _only(drive(spec_of(study=study), store))
    tried = [tuple(sorted(trial["params"].items())) for trial in arm["trials"]]
    assert len(tried) == len(set(tried)) == 2 * (1 + 2)


def test_a_failed_trial_is_fail_and_the_next_command_tries_it_again_in_its_place(spec_of, store):
    space = {"train.lr": {"log": [1e-4, 1e-1]}, "train.batch": {"categorical": [13]}}
    spec = spec_of(study={"space": space, "budget": {"trials": 1}, "pruner": "none"}, retries=0)
    arm = _only(drive(spec, store))
    assert arm["states"] == {"FAIL": 1} and arm["trials"][0]["reason"] == "RuntimeError: thirteen"
    assert arm["best"] == []
    arm = _only(drive(spec, store))
    assert arm["states"] == {"FAIL": 1} and arm["trials"][0]["number"] == 1


def test_a_study_whose_space_changed_says_what_changed_and_trains_nothing(spec_of, store):
    drive(spec_of(study={"pruner": "none", "budget": {"trials": 1}}), store)
    space = {"train.lr": {"log": [1e-4, 1]}, "objectives.both.spatial_rdc.weight": {"log": [1e-3, 1]}}
    with pytest.raises(UserError, match=r"train\.lr was \{\"log\": \[0\.0001, 0\.1\]\} and is"):
        searches_of(spec_of(study={"space": space}), store)
    with pytest.raises(UserError, match="the seeds was"):
        searches_of(spec_of(study={"over": {"seeds": 2}}), store)
    with pytest.raises(UserError, match="its runs were others"):
        searches_of(spec_of(train={**_train(), "steps": 18}), store)
    # A budget, a sampler or a pruner may change: what is there stays comparable.
    arm = _only(drive(spec_of(study={"pruner": "none", "budget": {"trials": 2}, "sampler": "random"}), store))
    assert arm["states"] == {"COMPLETE": 2}


def _train():
    from tests.tune.conftest import SPEC

    return dict(SPEC["train"])


def _objectives(params):
    weight = params["objectives.both.spatial_rdc.weight"]
    return {"abs": {"mpjpe": 1}, "both": {"mpjpe": 1, "spatial_rdc": weight}}
