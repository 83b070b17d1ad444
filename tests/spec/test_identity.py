from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.spec.identity import canonical, condition, conditions, dumps
from harness.spec.run import Data, Run, Test, Train

GOLDEN = json.loads((Path(__file__).parent / "golden_ids.json").read_text())


def run(**changes) -> Run:
    given = {
        "backbone": {"name": "videopose3d"},
        "objective": {"mpjpe": {"weight": 1}},
        "data": {"fingerprint": "f"},
        **changes,
    }
    return Run.model_validate(given)


@pytest.mark.parametrize("name", GOLDEN["runs"])
def test_golden_run_ids(name):
    # Stored runs are found by these: an id that changes here loses the runs of every user's store. Add, never change.
    entry = GOLDEN["runs"][name]
    assert Run.model_validate(entry["run"]).run_id == entry["run_id"]


def test_golden_condition():
    assert condition(**GOLDEN["condition"]["of"]) == GOLDEN["condition"]["key"]


def test_golden_ids_of_a_spec(write, base):
    spec = load(write(base.replace("window: 27", "window: 31, fingerprint: 0123456789abcdef")))
    assert {r.run_id: r.labels for r in spec.runs} == GOLDEN["grid"]


# Each changes the weights that come out, so each is another run.
DECISIVE = [
    {"seed": 1},
    {"backbone": {"name": "simple_baseline"}},
    {"backbone": {"name": "videopose3d", "options": {"channels": 64}}},
    {"objective": {"mpjpe": {"weight": 2}}},
    {"objective": {"mpjpe": {"weight": 1}, "spatial_rdc": {"weight": 0}}},
    {"objective": {"mpjpe": {"weight": 1}, "spatial_rdc": {"weight": 0.1}}},
    {"objective": {"mpjpe": {"weight": 1}, "spatial_rdc": {"weight": 0.1, "form": "soft"}}},
    {"objective": {"mpjpe": {"weight": 1}, "spatial_rdc": {"lambda": 0.1, "weight": "occluded"}}},
    {"data": {"fingerprint": "g"}},
    {"data": {"fingerprint": "f", "window": 9}},
    {"data": {"fingerprint": "f", "frames_out": 1}},
    {"data": {"fingerprint": "f", "root": "first_frame"}},
    {"data": {"fingerprint": "f", "options": {"subjects": 9}}},
    {"data": {"fingerprint": "f", "split": {"train": ["P01"], "validation": ["P02"], "test": ["P03"]}}},
    {"data": {"fingerprint": "f", "cameras": {"train": 3}}},
    {"data": {"fingerprint": "f", "noise": {"detector": "plausible"}}},
    {"data": {"fingerprint": "f", "noise": {"detector": "plausible", "scale": 2}}},
    {"data": {"fingerprint": "f", "noise": 0}},
    {"data": {"fingerprint": "f", "confidence": "oracle"}},
    {"data": {"fingerprint": "f", "seed": 1}},
    {"data": {"fingerprint": "f", "label_fraction": 0.1}},
    *({"train": {name: value}} for name, value in {
        "steps": 1, "batch": 1, "epochs": 1, "optimiser": "adam", "lr": 1, "weight_decay": 0, "schedule": "constant",
        "warmup": 1, "decay": 1, "clip_norm": 0, "flip": False, "flip_test": False, "body_shape": 0.1,
        "occlusion": "severe", "occlusion_schedule": "mixed", "passes": 1,
        "amsgrad": True, "bn_momentum_end": 0.001, "pretrain": {},
        "validate_on": ["none"], "threads": 2,
        "precision": "bfloat16", "compile": True,
    }.items()),
]  # fmt: skip


def test_everything_that_decides_the_weights_is_hashed():
    assert {name for change in DECISIVE for name in change.get("train", {})} == set(Train.model_fields)
    assert {name for c in DECISIVE for name in c.get("data", {})} == set(Data.model_fields) - {"path", "dataset"}
    ids = [run().run_id, *(run(**change).run_id for change in DECISIVE)]
    assert len(set(ids)) == len(ids)


# Each says the same run in other words.
EQUAL = [
    {"labels": {"objective": "other name"}},
    {"data": {"fingerprint": "f", "path": "elsewhere.npz"}},
    {"data": {"fingerprint": "f", "window": 27, "frames_out": 27}},
    {"data": {"fingerprint": "f", "split": "default", "options": {"subjects": 16, "seconds": 5}}},
    {"objective": {"mpjpe": {"weight": 1.0}}},
    {"backbone": {"name": "videopose3d", "options": {"channels": 1024, "filter_widths": [3, 3, 3]}}},
    {"train": {"steps": 3000, "lr": 1e-3, "clip_norm": 1}},
]


@pytest.mark.parametrize("change", EQUAL)
def test_what_decides_nothing_is_not_hashed(change):
    assert run(**change).run_id == run().run_id


def test_a_preset_equals_its_spelt_out_form():
    spelt = {"name": "videopose3d", "options": {"channels": 128, "filter_widths": [3, 3, 3]}}
    assert run(backbone={"name": "videopose3d-s"}).run_id == run(backbone=spelt).run_id


def test_the_order_of_subjects_and_terms_does_not_matter():
    split = {"train": ["P01", "P02"], "validation": ["P03"], "test": ["P04"]}
    turned = {"test": ["P04"], "train": ["P02", "P01"], "validation": ["P03"]}
    data = [run(data={"fingerprint": "f", "split": given}).run_id for given in (split, turned)]
    assert data[0] == data[1]
    terms = {"mpjpe": {"weight": 1}, "temporal_rdc": {"weight": 0.1, "frames": "radius", "radius": 3}}
    back = {"temporal_rdc": {"radius": 3.0, "frames": "radius", "weight": 0.1}, "mpjpe": {"weight": 1}}
    one, other = run(objective=terms), run(objective=back)
    assert one.run_id == other.run_id
    assert list(one.objective) == list(other.objective), "terms are summed in one order, for equal bits"


def test_the_order_of_keys_axes_and_files_never_changes_an_id(write):
    sections = {
        "data": ["dataset: synthetic", "window: 27", "noise: 2"],
        "train": ["steps: 10", "lr: 1e-3", "batch: 4"],
        "objectives": ["abs: {mpjpe: 1}", "rel: {mpjpe: 1, spatial_rdc: {weight: 0.1, form: soft}}"],
        "grid": ["backbone: [ridge, videopose3d-s]", "objective: [abs, rel]", "seed: [0, 3]", "train.warmup: [0, 1]"],
    }
    chance, found = random.Random(0), set()
    for number in range(12):
        names = list(sections)
        chance.shuffle(names)
        text = "name: spec-" + str(number) + "\n"
        for name in names:
            lines = list(sections[name])
            chance.shuffle(lines)
            text += f"{name}:\n" + "".join(f"  {line}\n" for line in lines)
        text = text.replace("[0, 3]", chance.choice(["[0, 3]", "[3, 0]"]))
        text = text.replace(
            "{weight: 0.1, form: soft}", chance.choice(["{weight: 0.1, form: soft}", "{form: soft, weight: 0.10}"])
        )
        found.add(frozenset(r.run_id for r in load(write(text, f"{number}.yaml")).runs))
    assert len(found) == 1
    assert len(next(iter(found))) == 16


def test_the_order_of_what_is_included_and_other_words_for_it_never_change_an_id(write, base):
    whole, same = "data.window: 27, data.frames_out: 27", "data.frames_out: 27.0, data.window: 27.0"
    entries = ["{backbone: ridge, objective: both, seed: 7}", f"{{train.steps: 40, {whole}, seed: 0}}"]
    turned = [f"{{seed: 0, {same}, train.steps: 4e1}}", "{seed: [7], objective: [both], backbone: [ridge]}"]
    tied = '"train.lr, train.batch": [[1, 8], [0.5, 4]]'
    other = '"train.batch, train.lr": [[4, 0.50], [8.0, 1.0]]'
    spelt = "small"
    declared = f"backbones: {{{spelt}: {{channels: 128.0, base: videopose3d}}}}\ngrid:"
    one = base.replace("  seed: 2", f"  {tied}\n  seed: 2") + f"include: [{', '.join(entries)}]\n"
    two = base.replace("  seed: 2", f"  seed: [1, 0]\n  {other}").replace("weight: 0.1", "weight: 0.10")
    two = two.replace("{mpjpe: 1}", "{mpjpe: 1.0}").replace("videopose3d-s", spelt).replace("grid:", declared)
    two += f"include: [{', '.join(turned)}]\n"
    ids = [[run.run_id for run in load(write(text)).runs] for text in (one, two)]
    assert sorted(ids[0]) == sorted(ids[1])
    assert len(ids[0]) == 2 * 2 * 2 * 2 + 2 + 8


def test_paths_and_test_levels_stay_out(write, base):
    path = write(base)
    ids = [r.run_id for r in load(path).runs]
    others = ["test.occlusion=[none]", "resources.workers=3", "tracking.uri=sqlite:///x.db", "name=other", "retries=4"]
    for other in others:
        assert [r.run_id for r in load(path, [other]).runs] == ids
    # a folder away, under another name
    moved = path.parent / "deep" / os.fspath("copy.yaml")
    moved.parent.mkdir()
    moved.write_text(base)
    assert [r.run_id for r in load(moved).runs] == ids


def test_test_conditions_have_keys_of_their_own():
    test = Test(occlusion=["none", "minor"], cameras=["unseen", "seen"])
    asked = {(level, cameras) for level in test.occlusion for cameras in test.cameras}
    assert set(conditions(test).values()) == asked and len(conditions(test)) == 4
    assert conditions(test.model_copy(update={"protocol": "mean-per-frame"})) == conditions(test)
    with pytest.raises(UserError, match="did you mean 'severe'"):
        condition("sever", "seen")


def test_canonical_numbers():
    assert dumps({"b": 1.0, "a": [True, -0.0, 0.1, 1e-3]}) == '{"a":[true,0,0.1,0.001],"b":1}'
    assert canonical((1, 2.0)) == [1, 2]
    with pytest.raises(ValueError, match="finite"):
        canonical(float("nan"))


def test_unknown_names_have_no_identity():
    with pytest.raises(UserError, match="did you mean 'ridge'"):
        _ = run(backbone={"name": "rigde"}).run_id
    with pytest.raises(UserError, match="unknown option of mpjpe 'form'"):
        _ = run(objective={"mpjpe": {"weight": 1, "form": "soft"}}).run_id
