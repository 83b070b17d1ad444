"""Levels that look at the person are shown it: in training, in tests, and with other bodies."""

from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import torch

from harness import occlusion
from harness.data.camera import image_coordinates, project
from harness.occlusion import Fill, Level, event
from harness.training import evaluate, train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed
from tests.training.conftest import same_weights
from tests.training.test_batches import assert_equal, batches_of


@dataclass(frozen=True)
class Watching:
    """Hides nothing and keeps what it's shown."""

    name: str = "watching"
    version: int = 1
    shown: list = field(default_factory=list, compare=False, hash=False)

    needs_scene: ClassVar[bool] = True

    def strike(self, skeleton, keys, frames, fill, scene):
        self.shown.append((keys, frames, scene))
        return torch.full((*frames.shape, len(skeleton)), event.NEVER)


@pytest.fixture
def watching():
    process = Watching()
    return process, Level("watching", 1, 1.0, (process,), Fill(1, 0, 0))


@pytest.mark.parametrize("body_shape", [0.0, 0.2])
def test_training_shows_the_bodies_that_its_pixels_are_of(make_run, watching, body_shape):
    process, level = watching
    batches = batches_of(make_run(body_shape=body_shape))
    batches.curriculum.level = level
    batch = batches[0]
    (_, frames, scene) = process.shown[0]
    again = image_coordinates(project(scene.poses, scene.intrinsic[:, None, None]), scene.resolution[:, None, None])
    assert torch.allclose(again, scene.pixels, atol=0.02)
    assert frames.shape == scene.poses.shape[:2] and scene.fps.shape == scene.intrinsic.shape[:1]
    assert batch.whole is None, "targets of every frame are given to those that ask for them"


def test_tests_show_whole_clips(make_run, watching):
    process, level = watching
    run = make_run()
    material = open_material(run.data)
    views = material.tests["seen"]
    observed(views, level, Observer(run.data.noise, run.data.confidence, material.skeleton))
    assert len(process.shown) == len(views)
    for number, (keys, frames, scene) in enumerate(process.shown):
        rows = slice(int(views.offset[number]), int(views.offset[number] + views.length[number]))
        assert torch.equal(scene.poses[0], views.poses[rows]) and torch.equal(scene.pixels[0], views.pixels[rows])
        assert keys.tolist() == [int(views.key[number])] and frames.tolist() == [list(range(len(views.poses[rows])))]
        assert torch.equal(scene.fps, views.fps[number : number + 1])


def test_a_level_that_hides_nothing_leaves_the_batch_as_it_is(make_run, watching):
    plain, shown = batches_of(make_run(occlusion="none")), batches_of(make_run(occlusion="none"))
    shown.curriculum.level = watching[1]
    assert_equal(plain[0], shown[0])


def test_the_confidence_channel_tells_of_doubt(make_run):
    run = make_run(data={"confidence": "oracle"}, occlusion="failure@0.6")
    batch = batches_of(run)[0]
    lost = batch.inputs[..., 2] < 0.5
    assert 0.02 < ((batch.inputs[..., 2] > 0) & (batch.inputs[..., 2] < 1)).float().mean() < 0.4
    lead = (batch.inputs.shape[1] - batch.visible.shape[1]) // 2
    assert torch.equal(lost[:, lead : lead + batch.visible.shape[1]], ~batch.visible)


@pytest.mark.parametrize("level", ["failure+jitter+noisy@0.6", "frames+stretches:length=4@0.5:mean"])
def test_runs_train_on_and_are_tested_at_levels_put_together(make_run, level):
    from harness.spec.run import Test

    run = make_run(occlusion=level, occlusion_schedule="mixed", validate_on=["none", level])
    first, again = train(run), train(run)
    assert same_weights(first.best_weights, again.best_weights)
    frame = evaluate(run, Test(occlusion=["none", level], cameras=["seen"]), first, metrics=["mpjpe"])
    best = frame[(frame["weights"] == "best") & (frame["metric"] == "mpjpe") & (frame["group"] == "all")]
    assert set(best["test_occlusion"]) == {"none", level} and best["value"].notna().all()


def test_a_jittered_clip_is_the_same_for_every_window(make_run):
    run = make_run(data={"noise": 0})
    material = open_material(run.data)
    observer = Observer(0, "none", material.skeleton)
    inputs, visible = observed(material.validation, occlusion.level("jitter:pixels=8@0.5"), observer)
    clear, _ = observed(material.validation, occlusion.level("none"), observer)
    width = material.validation.resolution[0, 0]
    assert visible.all()
    assert ((inputs - clear).std() * width / 2).item() == pytest.approx(4, rel=0.1)
