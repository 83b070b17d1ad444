"""Depth order between a student and a teacher: the relational terms, with the teacher for the truth."""

from dataclasses import replace

import pytest
import torch

from harness import objectives
from harness.objectives.term import Context, Output
from tests.objectives.promises import FIFTEEN
from tests.objectives.test_semi import batch_of

PAIRS = [
    ("relational_consistency", "spatial_rdc", {"form": "logistic", "pairs": "skeleton"}),
    ("relational_consistency", "spatial_rdc", {"weight": "occluded", "margin": 0.02}),
    ("relational_consistency_temporal", "temporal_rdc", {"frames": "radius", "radius": 2, "coords": "xyz"}),
]


@pytest.fixture
def scene():
    given, student, teacher = batch_of(2), batch_of(3).target.nan_to_num(), batch_of(4).target.nan_to_num()
    student[~given.valid] = torch.nan
    hidden = replace(given, target=torch.full_like(given.target, torch.nan))
    extra = {"unlabelled": student.requires_grad_(), "unlabelled_teacher": teacher.requires_grad_()}
    labelled = replace(batch_of(1), unlabelled=hidden)
    return Output(pose=labelled.target, extra=extra), labelled


@pytest.mark.parametrize(("name", "like", "options"), PAIRS)
def test_it_is_the_relational_term_with_the_teacher_for_the_truth(scene, name, like, options):
    output, batch = scene
    student, teacher = output.extra["unlabelled"], output.extra["unlabelled_teacher"]
    term = objectives.build_term(name, skeleton=FIFTEEN, **options)
    plain = objectives.build_term(like, skeleton=FIFTEEN, **{"form": "margin", "min_gap": 0.02, **options})
    value = term(output, batch, Context())
    given = batch.unlabelled
    expected = plain.value(student, teacher.detach(), given.visible, given.valid, given.keys)
    assert value.item() == expected.item() > 0
    ours, theirs = (torch.autograd.grad(x, student)[0] for x in (value, expected))
    assert torch.equal(ours, theirs) and ours.any() and (ours[~given.valid] == 0).all()
    assert 0 < term.active(output, batch, Context()) < 1


@pytest.mark.parametrize("name", ["relational_consistency", "relational_consistency_temporal"])
def test_the_teacher_gets_no_gradient(scene, name):
    output, batch = scene
    value = objectives.build_term(name, skeleton=FIFTEEN)(output, batch, Context())
    value.backward()
    assert output.extra["unlabelled"].grad.any() and output.extra["unlabelled_teacher"].grad is None


def test_agreement_by_the_margin_costs_nothing_and_a_flat_pose_does(scene):
    output, batch = scene
    teacher = output.extra["unlabelled_teacher"].detach()
    term = objectives.build_term("relational_consistency", skeleton=FIFTEEN)
    agreeing = replace(output, extra={"unlabelled": teacher * 1.5, "unlabelled_teacher": teacher})
    flat = replace(output, extra={"unlabelled": teacher * 0.0, "unlabelled_teacher": teacher})
    assert term(agreeing, batch, Context()) == 0 < term(flat, batch, Context())


def test_what_is_missing_is_told(scene):
    output, batch = scene
    term = objectives.build_term("relational_consistency", skeleton=FIFTEEN)
    for given, seen in ((Output(pose=output.pose), batch), (output, replace(batch, unlabelled=None))):
        with pytest.raises(ValueError, match="needs unlabelled windows"):
            term(given, seen, Context())


@pytest.mark.parametrize("name", ["relational_consistency", "relational_consistency_temporal"])
def test_gradients_by_differences(scene, name):
    output, batch = scene
    term = objectives.build_term(name, skeleton=FIFTEEN, form="logistic")

    def value(student):
        return term(replace(output, extra={**output.extra, "unlabelled": student}), batch, Context())

    student = output.extra["unlabelled"].detach().double().nan_to_num(1.0).requires_grad_()
    assert torch.autograd.gradcheck(value, student, fast_mode=True)
