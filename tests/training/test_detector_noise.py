"""A run whose keypoints err as a detector's do: trained, scored and replayed on the same errors."""

import pytest
import torch

from harness import occlusion
from harness.data.camera import normalise_screen_coordinates
from harness.data.detector_errors import Errors, person_size
from harness.data.detector_file import read
from harness.errors import UserError
from harness.spec.run import Test
from harness.training import evaluate, train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed
from harness.training.replay import replay
from tests.training.conftest import same_weights
from tests.training.test_batches import assert_equal, batches_of

NOISE = {"noise": {"detector": "plausible"}}


def test_tests_see_keyed_errors_of_each_view_at_every_level(make_run):
    run = make_run(data=NOISE)
    material = open_material(run.data)
    views, skeleton = material.tests["seen"], material.skeleton
    observer = Observer(run.data.noise, "none", skeleton)
    clear, _ = observed(views, occlusion.level("none"), observer)
    hard, visible = observed(views, occlusion.level("severe"), observer)
    assert torch.equal(clear[visible], hard[visible])
    errors = Errors.of(read("plausible"), skeleton)
    for number in (0, len(views) - 1):
        rows = slice(int(views.offset[number]), int(views.offset[number] + views.length[number]))
        drawn = errors.draw(
            views.key[number : number + 1], torch.arange(int(views.length[number]))[None], views.fps[:1]
        )
        pixels = views.pixels[rows] + drawn[0] * person_size(views.pixels[rows])[:, None, None]
        screen = normalise_screen_coordinates(pixels, views.resolution[number].view(1, 1, 2))
        torch.testing.assert_close(clear[rows], screen)


def test_training_draws_errors_by_window_and_pass(make_run):
    first, again = batches_of(make_run(data=NOISE)), batches_of(make_run(data=NOISE))
    other = batches_of(make_run(data=NOISE, seed=1))
    assert_equal(first[3], again[3])
    assert not torch.equal(first[0].inputs, other[0].inputs)
    assert not torch.equal(first[0].inputs, batches_of(make_run())[0].inputs)


def test_a_run_is_trained_scored_and_replayed(make_run):
    run = make_run(data={**NOISE, "confidence": "calibrated"})
    result, again = train(run), train(run)
    assert same_weights(result.best_weights, again.best_weights)
    assert not same_weights(result.best_weights, train(make_run(data={"confidence": "calibrated"})).best_weights)
    rows = evaluate(run, Test(occlusion=["none"], cameras=["seen"]), result, metrics=["mpjpe"])
    clip = rows.iloc[0]
    one = replay(run, result.best_weights, [(clip["clip"], int(clip["camera"]))], level="none", cameras="seen")[0]
    assert one.inputs.shape[1:] == (17, 2) and bool(one.visible.all())


def test_another_file_than_the_runs_is_not_drawn_from(make_run, tmp_path):
    with pytest.raises(UserError, match="is another one: declared is 0123456789abcdef"):
        train(make_run(data={"noise": {"detector": "plausible", "digest": "0123456789abcdef"}}))
