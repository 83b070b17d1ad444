"""Pairs of joints along a skeleton."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives.joint_pairs import joint_pairs
from harness.skeleton import H36M17, Skeleton
from tests.objectives.reference import relational
from tests.objectives.relational_cases import ALONG, FIFTEEN, FORMS, gradient, poses

torch.set_num_threads(1)


@pytest.mark.parametrize("kind", ALONG)
def test_pairs_along_a_skeleton_need_one_that_fits(kind):
    pred, target = poses(1, 3, 9)
    with pytest.raises(ValueError, match="9 joints"):
        objectives.build("spatial_rdc", pairs=kind)(pred, target)
    with pytest.raises(ValueError, match="has 17"):
        objectives.build_term("spatial_rdc", pairs=kind, skeleton=H36M17).value(pred, target)
    point = Skeleton("point", ("Hip",), (-1,), (0,), {}, {})
    with pytest.raises(UserError, match="has none"):
        objectives.build_term("spatial_rdc", pairs=kind, skeleton=point).value(pred[:, :, :1], target[:, :, :1])


@pytest.mark.parametrize("kind", ALONG)
@pytest.mark.parametrize("form", FORMS)
def test_pairs_follow_any_skeleton(kind, form):
    pred, target = poses(2, 3, 15)
    for options in ({}, {"k": 1}, {"k": 6}) if kind == "nearest" else ({},):
        term = objectives.build_term("spatial_rdc", pairs=kind, form=form, skeleton=FIFTEEN, **options)

        def slow(p, kind=kind, options=options):
            return relational("spatial", p, target, form=form, kind=kind, bones=list(FIFTEEN.bones), **options)

        torch.testing.assert_close(gradient(term.value, pred, target), gradient(slow, pred), rtol=1e-9, atol=1e-12)


def test_nearest_goes_from_bones_to_all_pairs():
    assert set(joint_pairs("nearest", 1, H36M17, 17)) == set(H36M17.bones)
    assert set(joint_pairs("nearest", 16, H36M17, 17)) == set(itertools.combinations(range(17), 2))
    chosen = [set(joint_pairs("nearest", k, H36M17, 17)) for k in range(1, 17)]
    assert all(fewer <= more for fewer, more in itertools.pairwise(chosen))
    # Only joints with a single neighbour look further for a second one: feet, wrists and the head.
    assert {(1, 3), (4, 6), (11, 13), (14, 16), (8, 10)} == chosen[1] - chosen[0]


def test_nearest_pairs_mirror():
    mirror = H36M17.mirror
    for k in range(1, 17):
        pairs = set(joint_pairs("nearest", k, H36M17, 17))
        assert pairs == {tuple(sorted((mirror[i], mirror[j]))) for i, j in pairs}
