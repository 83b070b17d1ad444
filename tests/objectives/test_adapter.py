"""Loss terms as plain functions: every name gives a number, or says that it takes more than poses."""

import math

import pytest
import torch

from harness import objectives, registry

MORE = {
    name
    for name, entry in registry.entries("losses").items()
    if {"camera", "unlabelled", "unlabelled.camera", "unlabelled.clean"} & {*registry.attribute(entry, "needs", ())}
} | {"visibility", "adversarial"}


@pytest.mark.parametrize("name", registry.entries("losses"))
def test_poses_give_a_number_or_it_is_said_that_they_are_too_little(name):
    pred, target = torch.randn(2, 5, 17, 3, generator=torch.Generator().manual_seed(0)).split(1)
    loss = objectives.build(name)
    if name in MORE:
        with pytest.raises(NotImplementedError, match="can't be computed from poses and masks alone"):
            loss(pred, target)
    else:
        value = loss(pred.requires_grad_(), target)
        assert math.isfinite(value.item()) and torch.autograd.grad(value, pred)[0].any()
