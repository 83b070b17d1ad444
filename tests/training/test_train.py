"""`train`: repeatable, resumable, honest about divergence, blind to what must not matter."""

import pickle

import numpy as np
import pytest
import torch

from harness.data import fingerprint, open_dataset
from harness.errors import UserError
from harness.objectives import Objective
from harness.spec.run import Choice
from harness.training import train
from harness.training.errors import Diverged
from harness.training.material import open_material
from tests.training.conftest import same_weights

BOTH = {
    "mpjpe": {"weight": 1.0},
    "spatial_rdc": {"weight": 0.1},
    "temporal_rdc": {"weight": 0.1},
}


def test_same_run_gives_the_same_bits(make_run):
    first, second = train(make_run(BOTH)), train(make_run(BOTH))
    assert same_weights(first.last_weights, second.last_weights)
    assert same_weights(first.best_weights, second.best_weights)
    assert first.curves == second.curves


def test_what_the_process_drew_before_changes_nothing(make_run):
    first = train(make_run())
    torch.rand(1000)
    before = torch.random.get_rng_state()
    second = train(make_run())
    assert same_weights(first.last_weights, second.last_weights)
    assert torch.equal(before, torch.random.get_rng_state())


def test_seed_changes_the_weights(make_run):
    assert not same_weights(train(make_run()).last_weights, train(make_run(seed=1)).last_weights)


def test_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(make_run):
    run = make_run(BOTH)
    whole = train(run)
    for stop_after in (1, 2):
        kept = []

        def stop(info, kept=kept, stop_after=stop_after):
            if info.epoch == stop_after:
                kept.append(pickle.dumps(info.snapshot()))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(run, on_epoch=stop)
        resumed = train(run, resume=pickle.loads(kept[0]))
        assert same_weights(whole.last_weights, resumed.last_weights)
        assert same_weights(whole.best_weights, resumed.best_weights)
        assert whole.curves == resumed.curves


def test_term_of_weight_zero_changes_no_bit(make_run):
    zero = {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.0}}
    assert same_weights(train(make_run()).last_weights, train(make_run(zero)).last_weights)


def test_relational_terms_do_change_the_weights(make_run):
    assert not same_weights(train(make_run()).last_weights, train(make_run(BOTH)).last_weights)


def test_training_lowers_the_validation_error(make_run):
    result = train(make_run(steps=150, batch=8, epochs=5, lr=3e-3))
    errors = [value for name, _, value in result.curves if name == "val_mpjpe"]
    assert len(errors) == 5
    assert errors[-1] < 0.9 * errors[0]
    assert result.summary["val_mpjpe_best"] == min(errors)
    assert result.summary["val_mpjpe_last"] == errors[-1]


def test_curves_hold_each_terms_share_cosine_and_active_pairs(make_run):
    names = {name for name, _, _ in train(make_run(BOTH)).curves}
    for term in ("spatial_rdc", "temporal_rdc"):
        assert {f"term.{term}", f"share.{term}", f"cosine.{term}", f"active.{term}"} <= names
    assert {"loss", "val_mpjpe", "share.mpjpe"} <= names


def test_shares_of_a_step_sum_to_one(make_run):
    result = train(make_run(BOTH))
    for step in {step for _, step, _ in result.curves}:
        shares = [value for name, at, value in result.curves if name.startswith("share.") and at == step]
        assert sum(shares) == pytest.approx(1.0, abs=1e-5)


def test_divergence_names_term_and_step(make_run, monkeypatch):
    honest = Objective.__call__

    def poisoned(self, output, batch, context):
        total, values = honest(self, output, batch, context)
        if context.step == 7:
            values["spatial_rdc"] = values["spatial_rdc"] * float("nan")
            total = total * float("nan")
        return total, values

    monkeypatch.setattr(Objective, "__call__", poisoned)
    with pytest.raises(Diverged, match="'spatial_rdc' became nan at step 7") as caught:
        train(make_run(BOTH))
    assert caught.value.final
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("name", ["ridge", "constant_pose"])
def test_closed_form_backbones_run_like_any_other(make_run, name):
    result = train(make_run(backbone=Choice(name=name)))
    assert result.summary["best_step"] == 12
    assert same_weights(result.best_weights, result.last_weights)
    assert 0 < result.summary["val_mpjpe_best"] < 1000


def test_simple_baseline_trains(make_run):
    result = train(make_run(backbone=Choice(name="simple_baseline", options={"linear_size": 16, "num_stage": 1})))
    assert result.summary["val_mpjpe_best"] > 0


@pytest.mark.parametrize("frames_out", [1, 4])
def test_fewer_frames_out_than_in(make_run, frames_out):
    result = train(make_run(data={"frames_out": frames_out}))
    assert result.summary["val_mpjpe_best"] > 0


def test_confidence_body_shape_and_root_options_train(make_run):
    run = make_run(data={"confidence": "calibrated", "root": "first_frame"}, body_shape=0.1, schedule="exponential")
    assert train(run).summary["val_mpjpe_best"] > 0


def test_window_longer_than_every_clip_is_refused(make_run):
    with pytest.raises(UserError, match="window of 9999 frames is longer than every training clip"):
        train(make_run(data={"window": 9999}))


def test_fingerprint_that_differs_is_refused(make_run):
    with pytest.raises(UserError, match="the spec declares 0123456789abcdef"):
        train(make_run(data={"fingerprint": "0123456789abcdef"}))


def test_learning_is_told_at_each_epoch(make_run):
    told = []
    result = train(make_run(), on_epoch=told.append)
    assert [info.step for info in told] == [4, 8, 12]
    assert [point for info in told for point in info.curves] == result.curves


def test_ridge_sees_the_same_surroundings_when_fitted_and_when_asked(make_run):
    # With one frame out, neighbours must be real ones in the fit too: it then nearly equals the fit of whole windows.
    whole = train(make_run(backbone=Choice(name="ridge"), steps=60, occlusion="none"))
    centre = train(
        make_run(backbone=Choice(name="ridge"), steps=60, occlusion="none", batch=36, data={"frames_out": 1})
    )
    taps = centre.last_weights["weight"].view(9, 34, 51)
    assert not torch.allclose(taps[0], taps[4], atol=1e-3)
    assert centre.summary["val_mpjpe_best"] < 1.1 * whole.summary["val_mpjpe_best"]


def test_a_term_of_weight_zero_is_logged(make_run):
    curves = train(make_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.0}})).curves
    names = {name for name, _, _ in curves}
    assert {"term.spatial_rdc", "share.spatial_rdc", "cosine.spatial_rdc", "active.spatial_rdc"} <= names
    assert all(value == 0 for name, _, value in curves if name == "share.spatial_rdc")


def test_a_validation_error_that_is_no_number_ends_the_run(make_run):
    run = make_run(steps=1, epochs=1, lr=1e30, clip_norm=0.0)
    with pytest.raises(Diverged, match=r"'val_mpjpe' became (nan|inf) at step 1"):
        train(run)


def test_the_clipped_gradient_bounds_a_step(make_run):
    def moved(**options):
        run = make_run(optimiser="adam", weight_decay=0.0, schedule="constant", lr=1e-2, steps=1, epochs=1, **options)
        return train(run)

    # Adam's first step hardly depends on the gradient's size until that is near its epsilon of 1e-8.
    def size(result, start):
        return sum(float((result.last_weights[n] - start.last_weights[n]).abs().sum()) for n in names)

    start = train(make_run(optimiser="adam", weight_decay=0.0, schedule="constant", lr=1e-30, steps=1, epochs=1))
    names = [name for name in start.last_weights if name.endswith("conv.weight")]
    assert size(moved(clip_norm=1e-9), start) < 0.5 * size(moved(clip_norm=0.0), start)


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_both_optimisers_train_and_differ_in_their_decay(make_run, optimiser):
    decayed, plain = (train(make_run(optimiser=optimiser, weight_decay=decay, lr=1e-2)) for decay in (0.5, 0.0))
    assert not same_weights(decayed.last_weights, plain.last_weights)
    assert all(torch.isfinite(value).all() for value in decayed.last_weights.values())


def test_a_changed_file_is_read_anew_by_the_same_process(make_run, tmp_path):
    clips = open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).clips
    file = tmp_path / "clips.npz"

    def declared(scale):
        np.savez(file, **{f"S{n}/one": clip.positions * scale for n, clip in enumerate(clips)})
        split = {"train": ["S0"], "validation": ["S1"], "test": ["S2"]}
        fields = {"dataset": "mocap", "options": {}, "path": str(file), "split": split}
        return make_run(data={**fields, "fingerprint": fingerprint("mocap", str(file))}).data

    first, second = open_material(declared(1.0)), open_material(declared(1.1))
    assert first.dataset.fingerprint != second.dataset.fingerprint
    assert first.train.frames == second.train.frames
