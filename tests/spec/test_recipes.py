"""Recipes fill what a spec leaves unsaid, backbone by backbone, and leave no trace of their own in a run."""

from __future__ import annotations

import pytest

from harness import registry
from harness.errors import UserError
from harness.spec import load, recipes
from harness.spec.run import Run, Train

SPEC = """\
name: recipes
data: {dataset: synthetic, window: 27, frames_out: 9, confidence: oracle}
train: {recipe: published}
objectives:
  abs: published
  rel: {spatial_rdc: 0.1}
  both: [abs, rel]
grid:
  backbone: [videopose3d, mixste, dstformer-tiny]
  objective: [abs, both]
  seed: 1
"""
VIDEOPOSE3D = {
    "optimiser": "adam", "amsgrad": True, "lr": 1e-3, "weight_decay": 0.0, "clip_norm": 0.0, "schedule": "per_pass",
    "decay": 0.95, "batch": 1024, "passes": 80.0, "bn_momentum_end": 0.001,
}  # fmt: skip


def runs_of(path, *overrides) -> dict[tuple[str, str], Run]:
    return {(run.labels["backbone"], run.labels["objective"]): run for run in load(path, overrides).runs}


def test_each_backbone_gets_its_own_training_and_loss(write):
    runs = runs_of(write(SPEC))
    assert runs["videopose3d", "abs"].train == Train(**VIDEOPOSE3D)
    assert runs["mixste", "abs"].train.batch == 4 and runs["mixste", "abs"].train.passes == 120
    assert runs["dstformer-tiny", "abs"].train.lr == 2e-4
    assert runs["videopose3d", "abs"].terms == {"mpjpe": (1.0, {})}
    assert {name: weight for name, (weight, _) in runs["mixste", "both"].terms.items()} == {
        "weighted_mpjpe": 1.0, "temporal_consistency": 0.5, "mpjve": 2.0, "spatial_rdc": 0.1,
    }  # fmt: skip
    assert {name: weight for name, (weight, _) in runs["dstformer-tiny", "abs"].terms.items()} == {
        "mpjpe": 1.0, "n_mpjpe": 0.5, "mpjve": 20.0,
    }  # fmt: skip


def test_a_recipe_and_its_spelt_out_form_are_one_run(write):
    spelt = SPEC.replace("[videopose3d, mixste, dstformer-tiny]", "videopose3d").replace(
        "abs: published", "abs: {mpjpe: 1}"
    )
    spelt = spelt.replace("recipe: published", ", ".join(f"{k}: {str(v).lower()}" for k, v in VIDEOPOSE3D.items()))
    both = runs_of(write(SPEC)), runs_of(write(spelt))
    for objective in ("abs", "both"):
        assert both[0]["videopose3d", objective].run_id == both[1]["videopose3d", objective].run_id


def test_common_is_as_before(write, base):
    plain, said = load(write(base)), load(write(base.replace("{steps: 10", "{recipe: common, steps: 10")))
    assert [run.run_id for run in plain.runs] == [run.run_id for run in said.runs]


def test_what_the_spec_says_itself_wins(write):
    runs = runs_of(write(SPEC.replace("recipe: published", "recipe: published, lr: 0.01, schedule: cosine, steps: 40")))
    train = runs["videopose3d", "abs"].train
    assert (train.lr, train.schedule, train.steps, train.passes) == (0.01, "cosine", 40, None)
    assert train.amsgrad and train.decay == Train().decay
    short = runs_of(write(SPEC), "train.passes=2")
    assert short["videopose3d", "abs"].train.passes == short["mixste", "abs"].train.passes == 2


def test_the_recipe_can_be_an_axis_and_arms_know_theirs(write):
    spec = load(write(SPEC.replace("  seed: 1", "  seed: 1\n  train.recipe: [common, published]")))
    assert spec.axes["train.recipe"] == ["common", "published"]
    lengths = {(run.labels["backbone"], run.labels["train.recipe"]): run.train.passes for run in spec.runs}
    assert lengths["mixste", "common"] is None and lengths["mixste", "published"] == 120


def test_a_term_of_the_published_loss_can_be_an_axis(write):
    """Backbones whose loss has no such term have one run."""
    runs = load(
        write(SPEC.replace("objective: [abs, both]", "objective: abs\n  objectives.abs.n_mpjpe.weight: [1, 2]"))
    ).runs
    axis = [(run.labels["backbone"], run.labels["objectives.abs.n_mpjpe.weight"]) for run in runs]
    assert axis == [("videopose3d", "-"), ("mixste", "-"), ("dstformer-tiny", "1"), ("dstformer-tiny", "2")]
    assert runs[-1].terms == {"mpjpe": (1.0, {}), "mpjve": (20.0, {}), "n_mpjpe": (2.0, {})}


@pytest.mark.parametrize(
    ("term", "said"), [("mse", "no run has such a term"), ("mpjpve", "did you mean 'objectives.abs.mpjve.weight'")]
)
def test_a_term_that_no_backbone_of_the_grid_has_is_no_axis(write, term, said):
    with pytest.raises(UserError, match=f"yaml:12: grid.objectives.abs.{term}.weight: .*{said}"):
        load(write(SPEC.replace("seed: 1", f"seed: 1\n  objectives.abs.{term}.weight: [1, 2]")))


def test_pretraining_is_part_of_pstmos_recipe_and_can_be_turned_off_or_changed(write):
    text = SPEC.replace("[videopose3d, mixste, dstformer-tiny]", "pstmo-tiny").replace("frames_out: 9", "frames_out: 1")
    text = text.replace("rel: {spatial_rdc: 0.1}", "rel: {depth_l1: 1}")
    pretrain = runs_of(write(text))["pstmo-tiny", "abs"].train.pretrain
    assert (pretrain.lr, pretrain.frames_hidden, pretrain.joints_hidden) == (1e-4, 0.8, 2)
    assert runs_of(write(text), "train.pretrain=null")["pstmo-tiny", "abs"].train.pretrain is None
    changed = runs_of(write(text), "train.pretrain={joints_hidden: 5}")["pstmo-tiny", "abs"].train.pretrain
    assert (changed.lr, changed.joints_hidden) == (1e-4, 5)
    swept = load(write(text.replace("  seed: 1", "  seed: 1\n  train.pretrain.frames_hidden: [0.6, 0.7]")))
    assert {run.train.pretrain.frames_hidden for run in swept.runs} == {0.6, 0.7}


@pytest.mark.parametrize("name", recipes.known())
def test_every_published_recipe_is_one(name):
    """Its fields are those of a run, its terms those of the registry; a typo in it would show here."""
    recipe = recipes.of(name)
    assert recipe.keys() == {"train", "objective"}
    train = recipes.filled(recipes.TrainSection(recipe="published"), name)
    assert train.passes and train.schedule == "per_pass"
    for term in recipe["objective"]:
        registry.get("losses", term)


def test_backbones_without_a_recipe_say_who_has_one():
    assert "ridge" not in recipes.known()
    with pytest.raises(UserError, match="published: videopose3d, simple_baseline"):
        recipes.of("ridge")


def test_the_loss_of_a_backbone_without_one_is_told_at_the_objective(write, base):
    path = write(base.replace("{mpjpe: 1}", "published").replace("simple_baseline", "ridge"))
    with pytest.raises(UserError, match="no recipe was published for ridge") as caught:
        load(path)
    assert (caught.value.line, caught.value.key) == (5, "objectives.abs")


def test_a_window_as_an_axis_needs_equal_frames_or_frames_as_an_axis(write, base):
    path = write(base + '  "data.window, data.frames_out": [[31, 31], [27, 27]]\n')
    assert {run.data.frames_predicted for run in load(path).runs} == {31, 27}
    equal = write(base.replace("window: 27", "window: 27, frames_out: 5") + "  data.window: [31, 27]\n")
    assert {run.data.frames_predicted for run in load(equal).runs} == {5}


def test_a_second_head_is_supervised_only_where_there_is_one(write, base):
    text = base.replace("abs: {mpjpe: 1}", "abs: {mpjpe_every_frame: 1}")
    with pytest.raises(UserError, match="videopose3d-s has none") as caught:
        load(write(text))
    assert (caught.value.line, caught.value.key) == (5, "objectives.abs.mpjpe_every_frame")
    one = text.replace("[videopose3d-s, simple_baseline]", "pstmo-tiny").replace("[abs, spatial]", "abs")
    with pytest.raises(UserError, match="goes with one frame out of each window; here 27"):
        load(write(one))
    assert load(write(one.replace("window: 27", "window: 27, frames_out: 1"))).runs


def test_what_the_authors_of_simple_baseline_did_not_do():
    """No mirroring, in training or test; their max-norm limits weights, which isn't a clipped gradient."""
    train = recipes.filled(recipes.TrainSection(recipe="published"), "simple_baseline")
    assert (train.flip, train.flip_test, train.clip_norm) == (False, False, 0.0)
    said = recipes.filled(recipes.TrainSection(recipe="published", flip_test=True), "simple_baseline")
    assert said.flip_test and not said.flip
