"""A run on views that are mapped from the node's cache is the run on views in its own memory."""

import torch

from harness.data import cache, views
from harness.spec.run import Test
from harness.training import evaluate, material
from harness.training.train import train


def forget():
    material._open.cache_clear()
    material._labelled.cache_clear()


def test_weights_and_scores_are_the_same(make_run, monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    run = make_run(steps=6, epochs=2, occlusion="severe", data={"label_fraction": 0.5})
    found = []
    for least in (views.SHARED_FROM, 1):
        monkeypatch.setattr(views, "SHARED_FROM", least)
        forget()
        assert material.open_material(run.data).train.shared == (least == 1)
        result = train(run)
        found.append((result.last_weights, evaluate(run, Test(), result)))
    forget()
    (own, alone), (mapped, shared) = found
    assert all(torch.equal(own[name], mapped[name]) for name in own)
    assert alone.equals(shared) and len(alone)
    assert len(list((tmp_path / "views").iterdir())) == 4  # training, validation, seen and unseen test cameras
