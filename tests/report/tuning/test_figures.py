"""Figures of a study: what each shows, and what it says where it can't be drawn."""

from __future__ import annotations

import re

import pytest

from harness import report
from harness.errors import UserError
from harness.report.figures import figures
from harness.report.figures.tuning_history import places, sparse
from harness.report.tuning.study import Arm, Trial
from tests.report.tuning.conftest import FORM, SPATIAL, TEMPORAL, trial

EVERY = ["tuning_fresh", "tuning_history", "tuning_importance", "tuning_slices", "tuning_contour", "tuning_front"]


def drawn(made, chosen):
    return figures(report.collect(made.spec, source=made).evidence, chosen)


def texts(svg):
    return [re.sub(r"\s+", " ", text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_one_metric_has_every_figure_but_the_front(tuned):
    found = drawn(tuned(), EVERY)
    assert list(found) == EVERY[:-1]
    assert found.lacking == {"tuning_front": "the study has one metric, and so one best trial"}
    history = texts(found["tuning_history"].svg)
    assert {"spatial", "both", "stopped early", "best so far", "validation MPJPE, mm"} <= set(history)
    assert "abs" not in history  # it had nothing to tune
    assert {"λ spatial_rdc", "λ temporal_rdc", "70", "30"} <= set(texts(found["tuning_importance"].svg))
    assert {"λ spatial_rdc", "spatial_rdc.form", "hinge", "logistic"} <= set(texts(found["tuning_slices"].svg))
    contour = texts(found["tuning_contour"].svg)
    assert {"both", "λ spatial_rdc", "λ temporal_rdc"} <= set(contour) and "spatial" not in contour
    fresh = texts(found["tuning_fresh"].svg)
    assert {"spatial", "both", "tuned values, in the study", "the spec's own values, fresh seeds"} <= set(fresh)


def test_where_most_trials_were_stopped_their_order_is_drawn(tuned, content):
    both = content["arms"][2]
    both["trials"] = [
        one if one["number"] in (0, both["best"][0]) else {**one, "state": "PRUNED", "values": None}
        for one in both["trials"]
    ]
    found = drawn(tuned(content), ["tuning_contour", "tuning_slices", "tuning_history"])
    assert found["tuning_contour"].caption.startswith("Trials that did better, %")
    assert "Where most trials were stopped early" in found["tuning_slices"].caption  # the other arm's ended
    assert "validation MPJPE, mm, or trials that did better, %" in texts(found["tuning_slices"].svg)


def test_of_stopped_trials_the_further_and_then_the_better_is_ahead():
    about = [("COMPLETE", [3.0], []), ("PRUNED", None, [(1, 9.0)]), ("PRUNED", None, [(1, 8.0), (3, 7.0)])]
    about += [("COMPLETE", [2.0], []), ("PRUNED", None, [(1, 5.0)]), ("FAIL", None, [(1, 1.0)])]
    trials = [
        Trial(number=i, state=state, params={}, values=values, intermediate=course)
        for i, (state, values, course) in enumerate(about)
    ]
    arm = Arm(arm={}, trials=trials, best=[3])
    assert places(arm, higher=False) == {3: 0, 0: 25, 2: 50, 4: 75, 1: 100} and sparse(arm)
    assert places(arm, higher=True) == {0: 0, 3: 25, 2: 50, 1: 75, 4: 100}


def test_equal_studies_give_equal_bytes(tuned):
    assert drawn(tuned(), ["tuning_contour"]) == drawn(tuned(), ["tuning_contour"])


def test_several_metrics_have_a_front_and_a_history_each(tuned, content):
    content["study"]["metrics"].append({"name": "macs", "direction": "minimize"})
    for arm in content["arms"][1:]:
        pairs = [(98.0, 3e6), (97.0, 4e6), (96.0, 5e7), (99.0, 6e6)]
        arm["trials"] = [trial(i, {SPATIAL: 0.1 * (i + 1), FORM: "hinge"}, pair) for i, pair in enumerate(pairs)]
        arm["best"], arm["default"] = [0, 1, 2], arm["trials"][0]
    found = drawn(tuned(content), ["tuning_front", "tuning_history", "tuning_contour"])
    assert {"MACs (lower is better)", "spatial", "both"} <= set(texts(found["tuning_front"].svg))
    assert {"MACs", "validation MPJPE, mm"} <= set(texts(found["tuning_history"].svg))
    assert found.lacking == {"tuning_contour": "no arm has two tuned fields with numbers"}


def test_without_a_study_none_is_drawn_and_the_reason_is_told(ablation):
    found = drawn(ablation, EVERY)
    assert not found and set(found.lacking) == set(EVERY)
    assert set(found.lacking.values()) == {"there is no study, or `repose tune` hasn't written it yet"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([FORM, SPATIAL], f"unknown tuned number '{FORM}'"),
        ([SPATIAL], "a contour has two fields"),
    ],
)
def test_wrong_fields_of_a_contour_are_told(tuned, fields, message):
    with pytest.raises(UserError, match=re.escape(message)):
        drawn(tuned(), [{"tuning_contour": {"fields": fields}}])


def test_trials_in_a_line_have_no_plane(tuned, content):
    for number, one in enumerate(content["arms"][2]["trials"]):
        one["params"] |= {SPATIAL: 10 ** (-3 + number / 4), TEMPORAL: 10 ** (-3 + number / 4)}
    found = drawn(tuned(content), ["tuning_contour"])
    assert "no arm has 5 trials" in found.lacking["tuning_contour"]
