"""Levels that a spec puts together: one grammar, one spelling, hashed with what they are made of."""

from __future__ import annotations

import pytest

from harness import level_names, occlusion, registry, registry_lines
from harness.errors import UserError
from harness.spec import load
from harness.spec.identity import condition, run_id
from harness.spec.run import Run


@pytest.mark.parametrize(
    ("level", "parts"),
    [
        ("limbs", ["'limbs' is a process: give its severity too, e.g. limbs@0.5"]),
        ("limb@0.5", ["unknown process of occlusion 'limb'", "did you mean 'limbs'?"]),
        ("severe@0.5", ["'severe' is a level, with a severity of its own"]),
        ("limbs@0", ["from 0.001 to 1", "got 0", "nothing hidden: none"]),
        ("limbs@1.5", ["from 0.001 to 1", "got 1.5"]),
        ("limbs@0.5.5", ["from 0.001 to 1", "got 0.5.5"]),
        ("limbs@half", ["names no occlusion level", "stretches:length=60@0.5"]),
        ("limbs@0.5@0.6", ["names no occlusion level"]),
        ("limbs@0.50", ["is written 'limbs@0.5'", "a level has one name"]),
        ("limbs+joints@0.5", ["is written 'joints+limbs@0.5'"]),
        ("stretches:length=30@0.5", ["is written 'stretches@0.5'"]),
        ("limbs+limbs@0.5", ["a process is named twice"]),
        ("stretches:length=5:length=6@0.5", ["an option is given twice"]),
        ("stretches:lenght=5@0.5", ["unknown option of stretches 'lenght'", "did you mean 'length'?"]),
        ("stretches:length=0@0.5", ["greater than or equal to 1", "got '0'"]),
        ("stretches:of=hands@0.5", ["'joints' or 'limbs'", "got 'hands'"]),
        ("limbs@0.5:zeros", ["unknown fill 'zeros'", "did you mean 'zero'?"]),
        ("jitter@0.5:zero", ["':zero' has no effect", "jitter has answers of its own"]),
    ],
)
def test_one_message_for_each_mistake(level, parts, write, base):
    path = write(base.replace("moderate", f'"{level}"'))
    with pytest.raises(UserError) as caught:
        load(path)
    assert (caught.value.file, caught.value.line) == (str(path), 3)
    assert (caught.value.key or "").startswith("train.occlusion")
    assert all(part in caught.value.message for part in parts), caught.value.message


def test_test_levels_and_axes_are_checked_alike(write, base):
    with pytest.raises(UserError, match="unknown process of occlusion 'limb'") as caught:
        load(write(base + "test: {occlusion: [none, limb@0.5]}\n"))
    assert caught.value.key == "test.occlusion[1]"
    with pytest.raises(UserError, match=r"is written 'limbs@0\.5'"):
        load(write(base.replace("seed: 2", "train_occlusion: [none, limbs@.5]")))


def test_leaving_one_process_out_is_one_line(write, base):
    line = "train_occlusion: [frames+limbs@0.4, frames+stretches:length=60@0.4, limbs+stretches:length=60@0.4]"
    tests = "test: {occlusion: [none, frames@0.4, limbs@0.4, 'stretches:length=60@0.4']}\n"
    spec = load(write(base.replace("seed: 2", line) + tests))
    assert len(spec.runs) == 12 and len({run.run_id for run in spec.runs}) == 12
    made = occlusion.level(spec.runs[0].train.occlusion).processes
    assert [process.name for process in made] == ["frames 5", "any limb"]


def identity(level: str) -> str:
    data, objective = {"fingerprint": "0123456789abcdef"}, {"mpjpe": {"weight": 1}}
    run = {"backbone": {"name": "ridge"}, "objective": objective, "data": data, "train": {"occlusion": level}}
    return run_id(Run.model_validate(run))


def test_processes_versions_severity_and_options_are_hashed(monkeypatch):
    levels = ["limbs@0.5", "limbs@0.6", "joints+limbs@0.5", "limbs@0.5:zero", "stretches@0.5", "stretches:length=9@0.5"]
    ids = [identity(level) for level in levels]
    assert len(set(ids)) == len(ids)
    module, version, summary = registry_lines.PROCESSES["limbs"]
    monkeypatch.setitem(registry_lines.PROCESSES, "limbs", (module, version + 1, summary))
    registry.entries.cache_clear()
    try:
        changed = [identity(level) != known for level, known in zip(levels, ids, strict=True)]
        assert changed == [True, True, True, True, False, False]
        assert condition("limbs@0.5", "seen") == "limbs@0.5@2/seen"
    finally:
        monkeypatch.undo()
        registry.entries.cache_clear()


def test_conditions_name_the_versions_of_all_processes():
    assert condition("limbs@0.5", "seen") == "limbs@0.5@1/seen"
    assert condition("joints+limbs@0.5:mean", "unseen") == "joints+limbs@0.5:mean@1+1/unseen"


def test_every_process_makes_levels_and_editors_take_their_names():
    import re

    pattern = re.compile(level_names.pattern(registry.entries("processes")))
    for name, entry in registry.entries("processes").items():
        level = occlusion.level(f"{name}@0.5")
        assert pattern.match(level.name) and level.version == entry.version == level.processes[0].version
        assert occlusion.level(level.name) == level


def test_schedules_climb_a_level_put_together(write, base):
    for schedule in ("mixed", "rising"):
        train = f"occlusion: limbs@0.8, epochs: 2, occlusion_schedule: {schedule}"
        assert load(write(base.replace("occlusion: moderate", train))).runs
