"""The ``study:`` block: what it says when little is said, and one message for each mistake, at its line."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load

RDC = "objectives.spatial.spatial_rdc"
STUDY = f"""\
study:
  space:
    {RDC}.weight: {{log: [0.001, 1]}}
    {RDC}.form: {{categorical: [hinge, logistic]}}
    {RDC}.tau: {{float: [0.01, 0.1], when: {{{RDC}.form: logistic}}}}
  budget: {{trials: 40}}
  metric: val_mpjpe
  over: {{seeds: 2}}
"""


def test_a_spec_with_a_study_is_the_same_grid(write, base):
    plain, studied = load(write(base)), load(write(base.replace("form: margin", "form: hinge") + STUDY, "s.yaml"))
    assert plain.study is None and plain.tuning is None
    assert [run.seed for run in studied.runs] == [run.seed for run in plain.runs]
    assert studied.arms.keys() == plain.arms.keys()
    same = load(write(base.replace("form: margin", "form: hinge"), "h.yaml"))
    assert studied.arms == same.arms and studied.axes == same.axes


def test_what_is_not_said_is_pinned(write, base):
    study = load(write(base + STUDY.replace("logistic", "margin").replace("tau", "margin"))).study
    assert [(m.name, m.direction, m.levels) for m in study.metric] == [("val_mpjpe", "minimize", None)]
    assert (study.sampler.name, study.sampler.multivariate, study.sampler.constant_liar) == ("tpe", True, True)
    assert (study.pruner.name, study.pruner.grace, study.pruner.reduction) == ("asha", 1, 3)
    assert (study.seeds, study.per) == ([0, 1], ["backbone", "objective"])
    assert (study.budget.trials, study.budget.hours) == (40, None)


def test_metrics_know_their_better_side_and_levels(write, base):
    text = STUDY.replace("val_mpjpe", "[{name: val_mpjpe, levels: [severe]}, val_order_spatial, macs]")
    text = text.replace("seeds: 2", "seeds: [3, 5], occlusion: [none, severe]").replace("logistic", "soft")
    text = text.replace(f"    {RDC}.tau: {{float: [0.01, 0.1], when: {{{RDC}.form: soft}}}}\n", "")
    study = load(write(base + text)).study
    assert [(metric.name, metric.direction, metric.levels) for metric in study.metric] == [
        ("val_mpjpe", "minimize", ["severe"]),
        ("val_order_spatial", "maximize", ["none", "severe"]),
        ("macs", "minimize", None),
    ]
    assert study.pruner.name == "none"  # no one number to stop by
    assert study.seeds == [3, 5]


def test_what_makes_trials_comparable_is_in_the_digest_and_the_budget_is_not(write, base):
    text = base.replace("form: margin", "form: hinge") + STUDY

    def digest(old: str, new: str) -> str:
        assert old in text
        return load(write(text.replace(old, new))).study.digest

    same = digest("trials: 40", "trials: 40")
    assert digest("trials: 40", "hours: 3") == same
    assert digest("metric: val_mpjpe\n", "metric: [{name: val_mpjpe}]\n  sampler: random\n") == same
    changed = [
        digest("[0.001, 1]", "[0.001, 2]"),
        digest("[hinge, logistic]", "[hinge, logistic, soft]"),
        digest("metric: val_mpjpe", "metric: val_p_mpjpe"),
        digest("seeds: 2", "seeds: 3"),
        digest("seeds: 2", "seeds: 2, occlusion: [severe]"),
    ]
    assert len({same, *changed}) == 6


# what is wrong: (text to replace, replacement, key, parts of the message)
MISTAKES = {
    "misspelt key": ("budget:", "budgt:", "study.budgt", ["did you mean 'budget'?"]),
    "no budget": ("  budget: {trials: 40}\n", "", "study.budget", ["'budget' is missing"]),
    "empty budget": ("{trials: 40}", "{}", "study.budget", ["number of trials, hours or gpu_hours"]),
    "no time": ("trials: 40", "hours: 0", "study.budget.hours", ["greater than 0"]),
    "misspelt field": (f"{RDC}.tau", f"{RDC}.taw", f"study.space.{RDC}.taw", [f"did you mean '{RDC}.tau'?"]),
    "misspelt term": (f"{RDC}.tau", "objectives.spatial.spacial_rdc.tau", None, [f"'{RDC}.tau'?"]),
    "a field of the grid": (f"{RDC}.tau", "backbone", "study.space.backbone", ["the grid varies backbone already"]),
    "a seed": (f"{RDC}.tau", "seed", "study.space.seed", ["a seed isn't tuned"]),
    "what decides no weights": (f"{RDC}.tau", "test.protocol", "study.space.test.protocol", ["doesn't decide"]),
    "empty range": ("[0.001, 1]", "[1, 0.001]", f"study.space.{RDC}.weight.log", ["empty", "1 isn't below 0.001"]),
    "log of zero": ("[0.001, 1]", "[0, 1]", f"study.space.{RDC}.weight.log", ["positive ends"]),
    "no kind": ("{log: [0.001, 1]}", "{}", f"study.space.{RDC}.weight", ["one of float, log, int"]),
    "misspelt kind": ("log:", "lgo:", f"study.space.{RDC}.weight.lgo", ["did you mean 'log'?"]),
    "no space": ("metric: val_mpjpe", "space: {}", "study.space", ["duplicate key"]),
    "a choice that isn't allowed": ("[hinge, logistic]", "[logistic, logistik]", f"study.space.{RDC}.form",
                                    ["logistik can't be tried", "'logistic'?"]),
    "a field that no arm has": ("[0.001, 1]", "[0.001, 1], when: {objective: abs}", None, ["no arm of the grid has"]),
    "numbers for whole ones": (f"{RDC}.tau: {{float: [0.01, 0.1]", "train.batch: {float: [4, 8]", None,
                               ["can't be tried", "integer"]),
    "a negative weight": ("log: [0.001, 1]", "float: [-1, 1]", f"study.space.{RDC}.weight", ["-1 can't be tried"]),
    "a condition on nothing": (f"when: {{{RDC}.form", "when: {form", None, ["unknown field of the space 'form'"]),
    "a condition that never holds": ("form: logistic}", "form: soft}", f"study.space.{RDC}.tau.when.{RDC}.form",
                                     ["never soft"]),
    "a condition on an arm that isn't there": (f"when: {{{RDC}.form: logistic", "when: {objective: spatail", None,
                                               ["did you mean 'spatial'?"]),
    "a condition on itself": (f"when: {{{RDC}.form", f"when: {{{RDC}.tau", None, ["depends on itself"]),
    "a test metric": ("val_mpjpe", "mpjpe", "study.metric.name",
                      ["measured on test subjects", "can't be tested on them", "val_mpjpe"]),
    "a test metric by a longer name": ("val_mpjpe", "test_p_mpjpe", "study.metric.name", ["val_p_mpjpe"]),
    "a metric that isn't logged": ("val_mpjpe", "val_mpjpee", "study.metric.name", ["did you mean 'val_mpjpe'?"]),
    "the training loss": ("val_mpjpe", "loss", "study.metric.name", ["unknown metric 'loss'", "val_mpjpe"]),
    "a metric without a better side": ("val_mpjpe", "val_depth_spread", "study.metric.name", ["no better side"]),
    "the worse side": ("val_mpjpe", "{name: val_mpjpe, direction: maximize}", "study.metric.direction",
                       ["better when it is lower"]),
    "misspelt direction": ("val_mpjpe", "{name: val_mpjpe, direction: minimise}", None, ["'minimize'?"]),
    "a metric twice": ("val_mpjpe", "[val_mpjpe, val_mpjpe]", "study.metric[1].name", ["named twice"]),
    "a cost alone": ("val_mpjpe", "macs", "study.metric", ["least where nothing is learnt"]),
    "levels of a cost": ("val_mpjpe", "[val_mpjpe, {name: macs, levels: [none]}]", "study.metric[1].levels",
                         ["has no effect"]),
    "misspelt level": ("seeds: 2", "occlusion: [sever]", "study.over.occlusion[0]", ["did you mean 'severe'?"]),
    "level twice": ("seeds: 2", "occlusion: [none, none]", None, ["named twice"]),
    "no seeds": ("seeds: 2", "seeds: 0", "study.over.seeds", ["got 0"]),
    "asha for two metrics": ("val_mpjpe", "[val_mpjpe, val_mpjve]\n  pruner: asha", "study.pruner",
                             ["one number", "2 metrics", "pruner: none"]),
    "option of another pruner": ("metric: val_mpjpe", "pruner: {name: median, reduction: 2}", "study.pruner",
                                 ["'reduction' belongs to asha"]),
    "option of another sampler": ("metric: val_mpjpe", "sampler: {name: grid, startup: 3}", "study.sampler",
                                  ["'startup' belongs to tpe"]),
    "misspelt sampler": ("metric: val_mpjpe", "sampler: tpr", "study.sampler", ["did you mean 'tpe'?"]),
    "misspelt axis": ("metric: val_mpjpe", "per: [backbone, objectiv]", "study.per[1]", ["'objective'?"]),
    "arms without a name": ("metric: val_mpjpe", "per: [objective]", "study.per",
                            ["backbone varies too", "add backbone"]),
    "arms of one seed": ("metric: val_mpjpe", "per: [seed]", "study.per[0]", ["all its seeds"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_study_is_told_where_it_stands(write, base, mistake):
    old, new, key, parts = MISTAKES[mistake]
    assert old in STUDY
    path = write(base.replace("form: margin", "form: hinge") + STUDY.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load(path)
    error = caught.value
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if text == "study:")
    assert error.file == str(path) and error.line is not None and error.line >= line
    assert key is None or error.key == key
    for part in parts:
        assert part in error.message
    assert "\n" not in str(error)
