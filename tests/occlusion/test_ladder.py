import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness import occlusion, registry
from harness.occlusion import ladder

SHIPPED = ("none", "minor", "moderate", "severe")


def test_places_are_the_severities_that_levels_have():
    assert ladder.positions(("severe", "none", "moderate")) == {"none": 0.0, "moderate": 0.4, "severe": 0.7}
    for name in SHIPPED:
        assert ladder.positions((name,)) == {name: occlusion.level(name).severity}


def test_order_is_that_of_severity_and_not_as_named():
    assert list(ladder.positions(tuple(reversed(SHIPPED))) or ()) == list(SHIPPED)


@pytest.fixture
def register(monkeypatch, tmp_path):
    """register(name, body): a level whose function returns ``body``, in a module of its own."""
    known = dict(registry.entries("occlusions"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries", lambda kind: known)
    ladder._declared.cache_clear()

    def add(name: str, body: str, imports: str = "from harness.occlusion.levels import FILL, LADDER") -> None:
        source = f"{imports}\nfrom harness.occlusion.composition import Level\n\n\ndef level():\n    return {body}\n"
        (tmp_path / f"level_{name}.py").write_text(source)
        known[name] = registry.Entry("occlusions", name, f"level_{name}:level", 1, "")

    yield add
    ladder._declared.cache_clear()


def test_a_level_of_another_module_stands_on_the_same_ladder(register):
    register("between", 'Level("between", 1, severity=0.55, processes=LADDER, fill=FILL)')
    expected = {"none": 0.0, "moderate": 0.4, "between": 0.55, "severe": 0.7}
    assert ladder.positions(("none", "moderate", "severe", "between")) == expected


@pytest.mark.parametrize(
    "body, imports",
    [
        ('Level("odd", 1, 0.5, (JOINTS,), FILL)', "from harness.occlusion.levels import FILL, JOINTS"),
        ('Level("odd", 1, 0.7, LADDER, FILL)', "from harness.occlusion.levels import FILL, LADDER"),
        ('Level("odd", 1, 7 / 10, LADDER, FILL)', "from harness.occlusion.levels import FILL, LADDER"),
        ('Level("odd", 1)', ""),
        ("None", ""),
    ],
    ids=["other processes", "a severity twice", "no plain number", "nothing said", "no level"],
)
def test_levels_that_no_severity_orders(register, body, imports):
    register("odd", body, imports)
    assert ladder.positions(("none", "severe", "odd")) is None


def test_a_level_without_occlusion_belongs_to_every_ladder(register):
    register("alone", 'Level("alone", 1, 0.5, (JOINTS,), FILL)', "from harness.occlusion.levels import FILL, JOINTS")
    assert ladder.positions(("alone", "none")) == {"none": 0.0, "alone": 0.5}


def test_a_name_that_is_not_registered_has_no_place():
    assert ladder.positions(("none", "nowhere")) is None


def test_places_are_read_without_torch():
    code = """
        import sys
        from harness.occlusion.ladder import positions
        assert positions(("none", "severe"))
        sys.exit("torch" in sys.modules)
    """
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=root).returncode == 0


def test_rungs_are_the_levels_of_one_ladder_up_to_a_level(register):
    assert ladder.rungs("moderate") == {"none": 0.0, "minor": 0.25, "moderate": 0.4}
    assert ladder.rungs("none") == {"none": 0.0} and ladder.rungs("nowhere") == {}
    register("between", 'Level("between", 1, 0.3, LADDER, FILL)')
    assert list(ladder.rungs("moderate")) == ["none", "minor", "between", "moderate"]
    register("alone", 'Level("alone", 1, 0.5, (JOINTS,), FILL)', "from harness.occlusion.levels import FILL, JOINTS")
    assert ladder.rungs("alone") == {"none": 0.0, "alone": 0.5}


def test_levels_put_together_in_a_spec_stand_at_the_severity_they_say():
    levels = ("limbs@0.5", "none", "limbs@0.125", "limbs@1")
    assert ladder.positions(levels) == {"none": 0.0, "limbs@0.125": 0.125, "limbs@0.5": 0.5, "limbs@1": 1.0}
    for other in ("limbs@0.7:zero", "joints@0.7", "severe", "limbs+joints@0.7", "limbz@0.7"):
        assert ladder.positions((*levels, other)) is None, other


def test_rungs_of_a_level_put_together_are_quarters_of_its_severity():
    assert ladder.rungs("stretches:length=60@0.5:mean") == {
        "none": 0.0,
        "stretches:length=60@0.125:mean": 0.125,
        "stretches:length=60@0.25:mean": 0.25,
        "stretches:length=60@0.375:mean": 0.375,
        "stretches:length=60@0.5:mean": 0.5,
    }
    for rung, severity in list(ladder.rungs("joints+limbs@0.3").items())[1:]:
        assert occlusion.level(rung).severity == severity
    assert ladder.rungs("limbz@0.5") == {}


def test_curves_are_told_apart_by_process():
    limbs, frames = ("limbs@0.5", "limbs@0.25"), ("frames@0.5",)
    assert ladder.curves(("none", *limbs)) == {}, "one curve is no several"
    assert ladder.curves((*limbs, *frames)) == {}, "frames have one severity"
    assert ladder.curves(("none", *limbs, *frames, "severe")) == {
        "limbs": {"none": 0.0, "limbs@0.25": 0.25, "limbs@0.5": 0.5},
        "frames": {"none": 0.0, "frames@0.5": 0.5},
        "severe": {"none": 0.0, "severe": 0.7},
    }


def test_areas_are_of_one_curve_or_of_one_for_each_process():
    assert ladder.areas(("severe",)) == {}
    assert ladder.areas(("severe", "none")) == {"": {"none": 0.0, "severe": 0.7}}
    assert ladder.areas(("none", "limbs@0.5", "frames@0.5")) == {
        "limbs": {"none": 0.0, "limbs@0.5": 0.5},
        "frames": {"none": 0.0, "frames@0.5": 0.5},
    }
    assert ladder.areas(("limbs@0.5", "frames@0.5")) == {}, "no curve goes through both"
    assert ladder.areas(("none", "nowhere")) == {"": {"none": 0.0, "nowhere": 1.0}}, "nobody knows better"
    assert ladder.processes(("none", "limbs@0.5", "limbs@0.7", "frames@0.5", "nowhere")) == 2
