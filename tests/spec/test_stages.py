"""The ``seeds`` section: what it means for the runs, and what is refused with its line."""

import pytest

from harness.errors import UserError
from harness.spec import load

SPEC = """\
name: trial
data: {dataset: synthetic, window: 9}
backbone: ridge
test: {occlusion: [none, severe]}
objectives: {abs: {mpjpe: 1}, other: {mpjpe: 2}}
grid: {objective: [abs, other]}
seeds: {pilot: 3, max: 5, halfwidth: 1}
report: {baseline: {objective: abs}}
"""


@pytest.fixture
def spec(tmp_path):
    def read(old="", new="", **more):
        path = tmp_path / "trial.yaml"
        path.write_text(SPEC.replace(old, new))
        return load(path, **more)

    return read


def test_the_first_seeds_are_the_pilot(spec):
    found = spec("halfwidth: 1", "halfwidth: 1, first: 7")
    assert found.axes["seed"] == ["7", "8", "9", "10", "11"] and found.pilot == (7, 8, 9)
    now = found.narrowed({})
    assert now.axes["seed"] == ["7", "8", "9"] and {len(ids) for ids in now.arms.values()} == {3}
    assert now.digest == found.digest


def test_runs_are_those_of_a_plain_grid(spec):
    staged = spec()
    plain = spec("seeds: {pilot: 3, max: 5, halfwidth: 1}\n", "", seeds=5)
    assert [run.run_id for run in staged.runs] == [run.run_id for run in plain.runs] and plain.pilot == ()


def test_a_contrast_is_named_by_its_pilots_and_what_is_measured(spec):
    (first,) = spec().stages.digests
    assert spec("max: 5, halfwidth: 1", "max: 9, halfwidth: 3").stages.digests == [first]
    for old, new in (("pilot: 3", "pilot: 4"), ("none, severe", "none, minor"), ("trial", "another")):
        assert spec(old, new).stages.digests != [first]
    assert spec("halfwidth: 1", "halfwidth: 1, metric: p_mpjpe").stages.digests != [first]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pilot: 3", "pilot: 2", "seeds.pilot"),
        ("max: 5", "max: 2", "less than the pilot"),
        ("halfwidth: 1", "halfwidth: 0", "seeds.halfwidth"),
        ("halfwidth: 1", "halfwidth: 1, metric: mpjp", "did you mean 'mpjpe'"),
        ("halfwidth: 1", "halfwidth: 1, where: {cameras: sen}", "did you mean 'seen'"),
        ("halfwidth: 1", "halfwidth: 1, where: {objective: abs}", "one rule holds for all arms"),
        ("other]}", "other], seed: 3}", "given twice"),
        ("seeds:", "exclude: [{seed: 1}]\nseeds:", "a point can't name others"),
        ("report: {baseline: {objective: abs}}", "", "name it in report.baseline"),
        ("[abs, other]", "[abs]", "no arm has a baseline"),
    ],
)
def test_what_is_refused(spec, old, new, said):
    with pytest.raises(UserError, match=r"trial\.yaml:[0-9]+") as caught:
        spec(old, new)
    assert said in str(caught.value)
