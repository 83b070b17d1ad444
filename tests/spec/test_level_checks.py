"""Occlusion levels that the data's skeleton can't have are refused before anything runs, where the spec says them."""

import pytest

from harness.errors import UserError
from harness.spec import load

SPEC = """\
name: trial
data: {dataset: synthetic, window: 9, options: {skeleton: h36m17}}
backbone: ridge
train: {occlusion: "random_joints:of=17@0.5", validate_on: [none]}
test: {occlusion: [none, "random_joints:of=15@0.5"]}
objectives: {abs: {mpjpe: 1}}
grid: {seed: 2}
"""


@pytest.fixture
def check(tmp_path):
    def read(old="", new=""):
        path = tmp_path / "trial.yaml"
        path.write_text(SPEC.replace(old, new))
        return load(path, data="check")

    return read


def test_so_many_joints_as_there_are_can_be_counted(check):
    assert len(check().runs) == 2


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("of=17", "of=18", "trial.yaml:4: train.occlusion"),
        ("[none]", '["none", "jitter+random_joints:of=18@0.1"]', "trial.yaml:4: train.validate_on[1]"),
        ("of=15", "of=18", "trial.yaml:5: test.occlusion[1]"),
    ],
)
def test_more_joints_than_the_skeletons_are_refused(check, old, new, where):
    with pytest.raises(UserError, match="random_joints:of=18 is more than the 17 joints of 'h36m17'") as caught:
        check(old, new)
    assert where in str(caught.value)


def test_it_is_the_skeleton_of_the_data_that_counts(check):
    with pytest.raises(UserError, match="random_joints:of=17 is more than the 15 joints"):
        check("skeleton: h36m17", "skeleton: humaneva15")
