"""Objectives whose terms don't go together, or don't go with the data's skeleton: refused where the spec says it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.cli.main import main
from harness.data import imported_file
from harness.data.dataset import Clip, Split
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import Skeleton
from harness.spec import load

LOOSE = Skeleton("loose", ("a", "b", "c", "d"), (-1, -1, -1, -1), (0, 1, 2, 3), {"x": (1, 2)}, {"upper": (2, 3)})
CHAIN = Skeleton("chain", ("a", "b", "c"), (-1, 0, 1), (0, 1, 2), {"x": (1, 2)}, {"upper": (1, 2)})
STICK = Skeleton("stick", ("a", "b"), (-1, 0), (0, 1), {"x": (1,)}, {"upper": (1,)})


@pytest.fixture
def on(tmp_path, write):
    """A function (skeleton, a term, the grid) → spec on a clip file of that skeleton."""

    def make(skeleton: Skeleton, term: str, grid: str = "") -> str:
        rest = np.random.default_rng(0).normal(size=(1, len(skeleton), 3)).astype(np.float32)
        rest *= 0.5 / max(np.linalg.norm(rest[0, a] - rest[0, b]) for a, b in skeleton.bones or [(0, 1)])
        clips = tuple(
            Clip(name=f"S{n}/walk", subject=f"S{n}", performer=None, action="walk", fps=50.0, cameras=(),
                 positions=rest + np.zeros((30, 1, 1), dtype=np.float32))
            for n in range(6)
        )  # fmt: skip
        split = Split(train=("S0", "S1", "S2", "S3"), validation=("S4",), test=("S5",))
        found = Imported(name="t", skeleton=skeleton, clips=clips, licence="none", splits={"default": split})
        imported_file.write(tmp_path / "t.npz", found, kind="test", files=[])
        return str(
            write(f"""\
name: trial
data: {{dataset: clips, path: {tmp_path / "t.npz"}, window: 9}}
train: {{steps: 4, batch: 2, validate_on: [none]}}
backbones: {{s: {{base: videopose3d, filter_widths: [3], channels: 8}}}}
objectives:
  a:
    mpjpe: 1
    {term}
grid:
  backbone: s
  objective: a
{grid}""")
        )

    return make


@pytest.mark.parametrize(
    ("skeleton", "term", "key", "message"),
    [
        (LOOSE, "spatial_rdc: {weight: 1, pairs: skeleton}", ".pairs", "pairs: skeleton needs a skeleton with bones"),
        (LOOSE, "spatial_rdc: {weight: 0, pairs: nearest}", ".pairs", "pairs: nearest needs a skeleton with bones"),
        (LOOSE, "ordinal_depth: {weight: 1, pairs: skeleton}", ".pairs", "'loose', the data's, has none"),
        (LOOSE, "relational_consistency: {weight: 1, pairs: skeleton}", ".pairs", "needs a skeleton with bones"),
        (LOOSE, "bone_length: 1", "", "bone_length needs a skeleton with bones"),
        (LOOSE, "semi_bone_length: 1", "", "needs a skeleton with bones"),
        (LOOSE, "adversarial: 1", "", "needs a skeleton with bones"),
        (CHAIN, "bone_symmetry: 1", "", "bones on the left and on the right"),
        (STICK, "limb_angle: 1", "", "two bones that share a joint"),
        (CHAIN, "weighted_mpjpe: {weight: 1, per_joint: [1, 1]}", ".per_joint", "2 weights.*'chain' 3 joints"),
    ],
)
def test_a_term_that_the_skeleton_cannot_have_is_refused_with_its_line(on, skeleton, term, key, message):
    path = on(skeleton, term)
    for _ in range(2):  # as read, and as remembered
        with pytest.raises(UserError, match=message) as caught:
            load(path, data="check")
        assert (caught.value.file, caught.value.line) == (path, 8)
        assert caught.value.key == f"objectives.a.{term.partition(':')[0]}{key}"


def test_the_command_says_so_in_one_line(on, capsys):
    path = on(LOOSE, "spatial_rdc: {weight: 1, pairs: skeleton}")
    assert main(["validate", path]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"repose: error: {path}:8: objectives.a.spatial_rdc.pairs: ") and said.count("\n") == 1


def test_pairs_on_an_axis_are_located_there(on):
    axis = "  objectives.a.spatial_rdc.pairs: [all, nearest]\n"
    with pytest.raises(UserError, match="pairs: nearest needs a skeleton with bones") as caught:
        load(on(LOOSE, "spatial_rdc: 1", axis), data="check")
    assert caught.value.line == 12


@pytest.mark.parametrize("skeleton", [LOOSE, CHAIN, STICK])
def test_other_skeletons_have_the_terms_that_they_can_have(on, skeleton):
    axis = "  objectives.a.spatial_rdc.pairs: [all, nearest]\n" if skeleton.bones else ""
    assert load(on(skeleton, "spatial_rdc: 1", axis), data="check").runs


@pytest.mark.parametrize(
    ("terms", "key", "message"),
    [
        ("{visibility: 1}", "", "visibility reaches the predicted pose: there is nothing to train with"),
        ("{mpjpe: 0, visibility: 1, trajectory_mpjpe: 1}", "", "trajectory_mpjpe or visibility reaches"),
        ("{mpjpe: 1, visibility: {weight: 1, scale: gradient}}", ".visibility.scale", "can't be measured"),
        ("{trajectory_mpjpe: 1, mpjve: {weight: 1, scale: gradient}}", ".mpjve.scale", "one must count from the start"),
        (
            "{mpjpe: 1, relational_consistency: 1, relational_consistency_temporal: {weight: 1, decay: 0.9}}",
            ".relational_consistency_temporal.decay",
            "'decay'.* 0.999 and 0.9",
        ),
        ("{mpjpe: 1, spatial_rdc: {weight: 1, warmpu: 1}}", ".spatial_rdc.warmpu", "did you mean 'warmup'?"),
        ("{mpjpe: {weight: 1, rmap: [1, 2]}}", ".mpjpe.rmap", "did you mean 'ramp'?"),
        ("{mpjpe: 1, mpjve: {weight: 1, ramp: [2]}}", ".mpjve.ramp", "a ramp is two epochs"),
        ("{mpjpe: 1, mpjve: {weight: 1, ramp: 2}}", ".mpjve.ramp", "a ramp is two epochs"),
    ],
)
def test_terms_that_do_not_go_together(write, base, terms, key, message):
    text = base.replace("abs: {mpjpe: 1}", f"abs: {terms}")
    with pytest.raises(UserError, match=message) as caught:
        load(write(text))
    assert (caught.value.line, caught.value.key) == (5, f"objectives.abs{key}")


def test_a_part_of_an_objective_may_train_a_companion_alone(write, base):
    text = base.replace("abs: {mpjpe: 1}", "abs: [one, head]\n  one: {mpjpe: 1}\n  head: {visibility: 1}")
    assert {frozenset(run.objective) for run in load(write(text)).runs} >= {frozenset({"mpjpe", "visibility"})}
