"""``from_study``: each arm beside itself with the values that a study found best, on seeds the study didn't use."""

from __future__ import annotations

import json

import pytest

from harness.errors import UserError
from harness.spec import load

RDC = "objectives.spatial.spatial_rdc"
TIME = "objectives.temporal.temporal_rdc.weight"
SPACE = {
    f"{RDC}.margin": {"float": [0.01, 0.1], "when": {f"{RDC}.form": "margin"}},
    f"{RDC}.weight": {"log": [0.001, 1]},
    f"{RDC}.form": {"categorical": ["hinge", "margin"]},
    TIME: {"log": [0.001, 1]},
    "objectives.gone.mpjpe.weight": {"log": [0.001, 1]},
}


def trial(number, params, *values, state="COMPLETE"):
    return {"number": number, "state": state, "params": params, "values": list(values) or None, "runs": ["0" * 16]}


def arm(objective, trials, best, backbone="simple_baseline"):
    return {"arm": {"backbone": backbone, "objective": objective}, "trials": trials, "best": best, "seconds": 3.0}


BOTH = {f"{RDC}.weight": 0.034, f"{RDC}.form": "hinge", TIME: 0.5, "objectives.gone.mpjpe.weight": 0.7}
ARMS = [
    {**arm("abs", [], []), "space": []},
    arm("spatial", [trial(0, {f"{RDC}.weight": 0.1, f"{RDC}.form": "margin"}, 99.0, 70.0)], [0]),
    arm("both", [trial(0, {}, 99.0, 70.0), trial(3, BOTH, 97.0, 80.0), trial(4, {TIME: 0.3}, 96.0, 75.0)], [3, 4]),
]
METRICS = [{"name": "val_mpjpe", "direction": "minimize"}, {"name": "val_order_spatial", "direction": "maximize"}]


@pytest.fixture
def study(tmp_path):
    """Writes the study of a spec called lambda beside the experiments."""

    def write(arms=ARMS, space=SPACE, name="lambda", **more):
        path = tmp_path / "results" / name / "study.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"schema": 1, "spec": name, "study": {"space": space, "metrics": METRICS, "seeds": [0]}, "arms": arms}
        path.write_text(json.dumps({**content, **more}))
        return path

    return write


@pytest.fixture
def load_spec(tmp_path, base):
    """Loads the small spec with two fresh seeds and a further line or more."""

    def read(extra="from_study: {study: lambda, pick: val_order_spatial}\n", old="seed: 2", new="seed: [1, 2]"):
        path = tmp_path / "experiments" / "trial.yaml"
        path.parent.mkdir(exist_ok=True)
        text = base.replace("[abs, spatial]", "[abs, spatial, both]").replace("seed: 2", "seed: [1, 2]")
        path.write_text(text.replace("form: margin}", "form: margin, margin: 0.02}").replace(old, new) + extra)
        return load(path)

    return read


def test_each_arm_that_was_tuned_stands_beside_itself(study, load_spec):
    study()
    plain, spec = load_spec(""), load_spec()
    tuned = {label: ids for label, ids in spec.arms.items() if label.endswith(", tuned")}
    assert list(tuned) == ["simple_baseline, both, tuned"]
    runs = {run.run_id: run for run in spec.runs}
    # What was tuned and is gone isn't applied; the margin goes with its form.
    assert runs[tuned["simple_baseline, both, tuned"][0]].objective == {
        "mpjpe": {"weight": 1.0},
        "spatial_rdc": {"weight": 0.034},
        "temporal_rdc": {"weight": 0.5},
    }
    # Everything else is the grid's, whether the study left it alone, found its own values best or didn't have it.
    own = [run for run in spec.runs if run.labels["tuned"] != "tuned"]
    assert [run.run_id for run in own] == [run.run_id for run in plain.runs]
    assert [run.run_id for run in own if run.labels["tuned"] == "default"] == spec.arms[
        "simple_baseline, both, default"
    ]
    assert {run.labels["objective"] for run in own if run.labels["tuned"] == "-"} == {"abs", "spatial", "both"}
    assert spec.axes["tuned"] == ["-", "default", "tuned"]
    assert [run.seed for run in spec.runs] == sorted(run.seed for run in spec.runs)  # whole comparisons first
    assert spec.tuned.values["backbone simple_baseline, objective both"] == (3, BOTH)


def test_the_tuned_run_is_the_grids_run_of_the_same_values(study, load_spec):
    study()
    by_hand = load_spec("", "weight: 0.1, form: margin, margin: 0.02", "weight: 0.034, form: hinge")
    at = {run.run_id for run in by_hand.runs if run.labels["objective"] == "spatial"}
    study([arm("spatial", [trial(1, {k: v for k, v in BOTH.items() if k != TIME}, 90.0, 80.0)], [1])])
    tuned = [run.run_id for run in load_spec().runs if run.labels["tuned"] == "tuned"]
    assert len(tuned) == 2 and set(tuned) < at


def test_of_several_best_the_first_metric_or_the_named_one_picks(study, load_spec):
    study()
    assert load_spec("from_study: lambda\n").tuned.values["backbone simple_baseline, objective both"][0] == 4
    assert load_spec().tuned.values["backbone simple_baseline, objective both"][0] == 3
    with pytest.raises(UserError, match="unknown metric of the study 'val_mpjve'"):
        load_spec("from_study: {study: lambda, pick: val_mpjve}\n")


def test_a_study_may_be_named_by_its_path(study, load_spec):
    path = study()
    ids = [run.run_id for run in load_spec("from_study: lambda\n").runs]
    for place in (str(path), "../results/lambda/study.json"):
        assert [run.run_id for run in load_spec(f"from_study: {place}\n").runs] == ids


def test_seeds_in_two_stages_are_fixed_for_each_arm_and_for_its_tuned_self(study, load_spec):
    study()
    staged = (
        "from_study: lambda\nseeds: {pilot: 3, max: 6, halfwidth: 1, first: 1}\nreport: {baseline: {objective: abs}}\n"
    )
    spec = load_spec(staged, "  seed: [1, 2]\n", "")
    assert {run.seed for run in spec.runs} == set(range(1, 7)) and spec.pilot == (1, 2, 3)
    both = {contrast.name: contrast for contrast in spec.stages.contrasts if "both" in contrast.name}
    names = {"videopose3d-s · both", "simple_baseline · both · default", "simple_baseline · both · tuned"}
    assert set(both) == names
    own, tuned = both["simple_baseline · both · default"], both["simple_baseline · both · tuned"]
    assert tuned.base == own.base and not set(tuned.arm) & set(own.arm) and tuned.digest != own.digest
    with pytest.raises(UserError, match="test them on fresh ones"):
        load_spec(staged.replace("first: 1", "first: 0"), "  seed: [1, 2]\n", "")


def test_claims_compare_the_two_and_a_control_that_was_not_tuned_partners_both(study, load_spec):
    study()
    claims = "claims:\n" + "".join(
        f"  - {{text: it says {n}, arm: {arm}, versus: {versus}, where: {{{where}}}, direction: lower}}\n"
        for n, (arm, versus, where) in enumerate(
            [
                ("{objective: both, tuned: tuned}", "{objective: both, tuned: default}", "backbone: simple_baseline"),
                ("{objective: both, tuned: tuned}", "abs", "backbone: simple_baseline"),
                ("{objective: both, tuned: default}", "abs", "backbone: simple_baseline"),
            ]
        )
    )
    spec = load_spec("from_study: lambda\nreport: {baseline: {objective: abs}}\n" + claims)
    assert len(spec.claims) == 3


def test_the_digest_knows_the_values_that_were_taken_and_not_where_they_lay(study, load_spec):
    study()
    one = load_spec().digest
    study(seconds=12)
    assert load_spec().digest == one
    study([arm("both", [trial(3, {**BOTH, TIME: 0.6}, 97.0, 80.0)], [3])])
    assert load_spec().digest != one


OWN = f"study: {{space: {{{TIME}: {{log: [0.01, 1]}}}}, budget: {{trials: 3}}}}\nfrom_study: trial\n"


def test_a_specs_own_study_may_come_later(study, load_spec):
    before = load_spec(OWN)
    assert before.axes["tuned"] == ["default"]
    assert [run.run_id for run in before.runs] == [run.run_id for run in load_spec("").runs]
    study([arm("both", [trial(2, {TIME: 0.4}, 90.0, 80.0)], [2])], {TIME: SPACE[TIME]}, name="trial")
    after = load_spec(OWN)
    assert "simple_baseline, both, tuned" in after.arms
    # What is tuned stays what the grid says, not what the study made of it.
    assert [a.label for a in after.tuning.arms] == [a.label for a in before.tuning.arms]
    assert [a.default for a in after.tuning.arms] == [a.default for a in before.tuning.arms]


def test_claims_of_a_specs_own_study_are_checked_before_it_and_stand_after_it(study, load_spec):
    def claims(tuned="tuned"):
        both, default = f"{{objective: both, tuned: {tuned}}}", "{objective: both, tuned: default}"
        sides = {"tuning pays": (both, default), "both pay": (default, "abs"), "tuned ones pay": (both, "abs")}
        return f"{OWN}claims:\n" + "".join(
            f"  - {{text: {text}, arm: {arm}, versus: {versus}, where: {{backbone: simple_baseline}}"
            ", direction: lower}\n"
            for text, (arm, versus) in sides.items()
        )

    before = load_spec(claims())
    assert [claim.text for claim in before.claims] == ["both pay"]
    assert [claim.text for claim in before.awaited] == ["tuning pays", "tuned ones pay"]
    with pytest.raises(UserError, match="did you mean 'tuned'") as caught:
        load_spec(claims("tunde"))
    assert caught.value.key == "claims[0].arm.tuned"
    study([arm("both", [trial(2, {TIME: 0.4}, 90.0, 80.0)], [2])], {TIME: SPACE[TIME]}, name="trial")
    after = load_spec(claims())
    assert [claim.text for claim in after.claims] == ["tuning pays", "both pay", "tuned ones pay"]
    # What the ledger was told before the study is what the report asks it about.
    digests = {claim.digest("trial") for claim in (*before.claims, *before.awaited)}
    assert not after.awaited and {claim.digest("trial") for claim in after.claims} == digests
    assert after.digest == before.digest
    # An arm that is best as it was is meant by both names; nothing is wrong with the spec, but it can't beat itself.
    study([arm("both", [trial(0, {}, 90.0, 80.0)], [0])], {TIME: SPACE[TIME]}, name="trial")
    same = load_spec(claims())
    assert "tuned" not in same.axes["tuned"]
    assert [claim.text for claim in same.claims] == ["both pay", "tuned ones pay"]
    assert [claim.text for claim in same.awaited] == ["tuning pays"]


@pytest.mark.parametrize(
    ("change", "extra", "key", "parts"),
    [
        ({}, "from_study: lamda\n", "from_study.study", ["results/lamda/study.json", "can't be read", "repose tune"]),
        ({"arms": 3}, None, "from_study.study", ["is no study", "arms", "got 3"]),
        ({"schema": 2}, None, "from_study.study", ["is no study", "schema"]),
        ({"arms": [arm("temporal", [trial(0, BOTH, 1.0, 1.0)], [0])]}, None, "from_study.study",
         ["tuned no arm of this grid", "objective temporal"]),
        ({"arms": [arm("both", [trial(0, BOTH, state="FAIL")], [])]}, None, "from_study.study",
         ["no trial of backbone simple_baseline, objective both has ended"]),
        ({"arms": [arm("both", [trial(0, {"objectives.gone.mpjpe.weight": 3}, 1.0, 1.0)], [0])]}, None,
         "from_study.study", ["has none of the fields", "objectives.gone.mpjpe.weight"]),
        ({"arms": [arm("both", [trial(0, {TIME: -1}, 1.0, 1.0)], [0])]}, None, "from_study.study",
         ["doesn't fit here", "got -1"]),
        ({}, "from_study: {studi: lambda}\n", "from_study.studi", ["did you mean 'study'?"]),
        ({}, "from_study: 3\n", "from_study", ["a mapping is needed"]),
    ],
)  # fmt: skip
def test_a_study_that_can_not_be_used_is_refused(study, load_spec, change, extra, key, parts):
    study(**change)
    with pytest.raises(UserError) as caught:
        load_spec(extra or "from_study: lambda\n")
    assert caught.value.key == key and caught.value.line == 13
    for part in parts:
        assert part in caught.value.message


def test_seeds_of_the_study_and_fields_of_the_grid_are_refused(study, load_spec):
    study()
    with pytest.raises(UserError, match=r"with seed 0: test them on fresh ones, e\.g\. seed: \[1, 2\]"):
        load_spec(old="seed: [1, 2]", new="seed: 2")
    with pytest.raises(UserError, match="fresh ones"):  # before its own study has run, too
        load_spec(OWN, "seed: [1, 2]", "seed: 1")
    with pytest.raises(UserError, match="which the grid varies"):
        load_spec(old="seed: [1, 2]", new=f"seed: [1, 2]\n  {TIME}: [0.1, 0.2]")
