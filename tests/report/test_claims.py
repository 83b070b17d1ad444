"""Claims decided on evidence made by hand: which runs may decide, and what the table says of it."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from harness import report
from harness.errors import UserError
from harness.report import claims_view, writers
from harness.report.claims import before_runs, findings
from harness.spec.claims import Claim
from harness.tracking import Registration
from tests.report.conftest import evaluation

GAINS = (8.0, 9.0, 10.0, 11.0, 12.0)
START = 1_700_000_000.0


def claim(text: str = "Spatial lowers the error", **changes) -> Claim:
    said = {"arm": {"objective": "spatial"}, "versus": {"objective": "abs"}, "direction": "lower", **changes}
    return Claim(text=text, **said)


@pytest.fixture
def study(make):
    """study(*claims, …) → a finished sweep of two arms whose five runs each had converged; spatial is 10 mm better."""

    def build(*claims: Claim, gains=GAINS, errors=None, registered=START, cameras=("seen",), **options):
        runs = {("abs", s): 100.0 + s for s in range(len(gains))}
        runs |= {("spatial", s): 100.0 + s - gain for s, gain in enumerate(gains)}
        made = make(runs | (errors or {}), cameras=cameras, **options)
        made.spec.claims, made.spec.digest = claims, "now"
        for one in made.spec.runs:
            made.figures[one.run_id] = {"late_gain": 0.1, "falling": 0.0, "parameters": 10.0}
        finished = made.finished
        made.finished = lambda ids: {
            r: SimpleNamespace(**vars(record), started=START) for r, record in finished(ids).items()
        }
        made.registered = lambda spec: {
            c.digest(spec.name): Registration(registered, "now") for c in spec.claims if registered is not None
        }
        return made

    return build


def found(made):
    evidence = report.collect(made.spec, source=made).evidence
    return findings(evidence, made.spec.claims, made.spec.name, made.spec.digest)


def shown(made):
    return claims_view.claims_table(made.spec, report.collect(made.spec, source=made).evidence)


def run_of(made, objective, seed):
    return next(r.run_id for r in made.spec.runs if r.labels["objective"] == objective and r.seed == seed)


def test_a_claim_is_decided_where_it_says(study):
    [one] = found(study(claim(where={"test_occlusion": "severe"}, at_least=5.0)))
    assert (one.decision.verdict, one.registered, one.averaged) == ("supported", True, {})
    assert one.decision.paired.difference.mean == pytest.approx(-10.0) and one.decision.paired.n == 5
    assert (one.arm.labels["objective"], one.versus.labels["objective"]) == ("spatial", "abs")


def test_arms_are_named_in_the_words_of_the_spec_and_kept_in_the_records(study):
    made = study(claim())
    made.spec.report.labels = {"objective": {"abs": "L1"}, "spatial": "with order"}
    made.figures[run_of(made, "abs", 0)] |= {"falling": 1.0}
    told = report.collect(made.spec, source=made)
    [row] = told.claims.rows
    assert row.keys == ("with order", "L1")
    assert told.claims.recipe.columns[0]["arm"]["objective"] == "spatial"
    assert any("Still falling" in line and "L1 (1 of 5 runs" in line for line in told.warnings)


def test_a_claim_about_values_that_tuning_did_not_find_is_named(study):
    made = study(claim())
    made.spec.awaited = (claim("Tuning pays."),)
    notes = " ".join(shown(made).notes)
    assert "tuning hasn't changed an arm that it is about: Tuning pays." in notes and "pays.." not in notes
    assert "tuning hasn't" not in " ".join(shown(study(claim())).notes)


def test_each_level_has_its_own_verdict_and_what_is_not_named_is_averaged(study):
    everywhere = claim(at_least=7.0)
    levels = [claim(where={"test_occlusion": level}, at_least=7.0) for level in ("none", "severe", "curve")]
    made = study(everywhere, *levels, cameras=("seen", "unseen"))
    for one in made.spec.runs:  # at severe, spatial has lost 6 of its 10 mm
        frame = made.frames[one.run_id]
        worse = (frame["test_occlusion"] == "severe") & (one.labels["objective"] == "spatial")
        frame.loc[worse, "value"] += 6.0
    overall, none, severe, curve = found(made)
    assert overall.averaged == {"test_occlusion": ("none", "severe"), "cameras": ("seen", "unseen")}
    assert overall.decision.paired.difference.mean == pytest.approx(-7.0)
    assert none.averaged == {"cameras": ("seen", "unseen")} == curve.averaged
    verdicts = [one.decision.verdict for one in (overall, none, severe, curve)]
    assert verdicts == ["inconclusive", "supported", "refuted", "inconclusive"]
    assert curve.decision.paired.difference.mean == pytest.approx(-7.0)  # two levels: the mean of both ends


def test_other_weights_and_metrics(study):
    made = study(claim(where={"weights": "last"}), claim(metric="p_mpjpe", direction="higher"))
    for one in made.spec.runs:
        values = {"mpjpe": 100.0, "p_mpjpe": 70.0 + one.seed + 3 * (one.labels["objective"] == "spatial")}
        frame = evaluation(values)
        worse = (frame["weights"] == "last") & (frame["metric"] == "mpjpe")
        frame.loc[worse, "value"] += 2.0 * one.seed * (one.labels["objective"] == "spatial") + one.seed
        made.frames[one.run_id] = frame
    last, other = found(made)
    assert last.decision.paired.difference.mean == pytest.approx(4.0) and last.decision.verdict == "refuted"
    assert other.decision.paired.difference.mean == pytest.approx(3.0) and other.decision.verdict == "supported"


def test_what_is_averaged_is_what_has_a_number(study):
    """Occluded joints have no error where nothing is hidden, and parts of a metric without a whole are averaged."""
    both = claim(metric="order_spatial", direction="higher", where={"weights": ["best", "last"]})
    made = study(claim(metric="mpjpe_occluded"), both)
    for one in made.spec.runs:
        frame = evaluation({"mpjpe": 100.0, "mpjpe_occluded": 120.0 + one.seed, "order_spatial": 80.0 + one.seed})
        frame = frame[(frame["metric"] != "mpjpe_occluded") | (frame["test_occlusion"] == "severe")]
        parts = [frame[frame["metric"] == "order_spatial"].assign(group=gap) for gap in ("near", "far")]
        made.frames[one.run_id] = pd.concat([frame[frame["metric"] != "order_spatial"], *parts], ignore_index=True)
    occluded, order = found(made)
    assert occluded.averaged == {}
    levels = {"test_occlusion": ("none", "severe"), "weights": ("best", "last")}
    assert order.averaged == {**levels, "group": ("far", "near")}
    assert "group (far, near)" in shown(made).notes[1] and "weights (best, last)" in shown(made).notes[1]


def test_runs_that_had_not_converged_decide_nothing(study):
    made = study(claim())
    made.figures[run_of(made, "abs", 3)]["falling"] = 1.0
    [one] = found(made)
    assert one.decision.verdict == "undecided"
    assert one.decision.reasons == ("1 of its 10 runs were still falling when training ended",)
    assert one.decision.paired.difference.mean == pytest.approx(-10.0), "the numbers are shown all the same"


def test_other_arms_that_had_not_converged_do_not_matter(study):
    made = study(claim(), errors={("temporal", s): 50.0 + s for s in range(5)})
    made.figures[run_of(made, "temporal", 0)]["falling"] = 1.0
    assert found(made)[0].decision.verdict == "supported"


def test_runs_that_do_not_tell_whether_they_had_converged_decide_nothing(study):
    made = study(claim())
    made.figures[run_of(made, "abs", 0)]["late_gain"] = float("nan")
    [one] = found(made)
    assert one.decision.verdict == "undecided" and "too few validation points" in one.decision.reasons[0]


def test_what_has_no_parameters_has_nothing_to_converge(study):
    made = study(claim())
    for seed in range(5):
        made.figures[run_of(made, "abs", seed)] = {"late_gain": float("nan"), "falling": 0.0, "parameters": 0.0}
    assert found(made)[0].decision.verdict == "supported"


def test_one_seed_decides_nothing(study):
    [one] = found(study(claim(), gains=(10.0,)))
    assert one.decision.verdict == "undecided" and "two are the least" in one.decision.reasons[0]


def test_missing_runs_leave_it_undecided(study):
    made = study(claim())
    del made.frames[run_of(made, "abs", 4)]
    [one] = found(made)
    assert one.decision.verdict == "undecided" and one.decision.reasons == ("1 of its 10 runs aren't finished",)
    for seed in range(4):
        del made.frames[run_of(made, "abs", seed)]
    row = shown(made).rows[0]
    assert [cell.text for cell in row.cells][:2] == ["undecided", "missing"] and row.cells[1].missing


def test_levels_that_are_not_tested_yet_leave_it_undecided(study):
    made = study(claim())
    one = run_of(made, "spatial", 2)
    made.frames[one] = made.frames[one][made.frames[one]["test_occlusion"] == "none"]
    [undecided] = found(made)
    assert undecided.decision.verdict == "undecided" and "aren't tested yet" in undecided.decision.reasons[0]
    made.spec.claims = (claim(where={"test_occlusion": "none"}),)
    assert found(made)[0].decision.verdict == "supported"


def test_a_metric_that_nobody_logged_is_told_with_those_that_were(study):
    [one] = found(study(claim(metric="mpjve")))
    assert one.decision.verdict == "undecided"
    assert one.decision.reasons == ("no finished run has logged mpjve (logged: mpjpe)",)


def test_a_metric_without_a_value_in_some_runs(study):
    made = study(claim(metric="mpjve"))
    made.frames[run_of(made, "abs", 0)] = evaluation({"mpjpe": 100.0, "mpjve": 3.0})
    [one] = found(made)
    assert one.decision.verdict == "undecided" and "no value there" in one.decision.reasons[0]


def test_unequal_seeds_are_paired_down_and_said(study):
    made = study(claim(), errors={("spatial", 7): 1.0})
    made.figures[run_of(made, "spatial", 7)]["falling"] = 1.0  # not among the pairs, so it doesn't matter
    [one] = found(made)
    assert (one.decision.verdict, one.decision.paired.n) == ("supported", 5)
    assert "without seed 7" in shown(made).notes[0]


def test_arms_that_differ_in_more_are_compared_all_else_equal(study):
    longer = {("abs", s, 9000): 50.0 + s for s in range(5)} | {("spatial", s, 9000): 49.0 + s * 0.9 for s in range(5)}
    made = study(claim(where={"train.steps": "3000"}), claim(where={"train.steps": "9000"}), errors=longer)
    short, long = found(made)
    assert short.decision.paired.difference.mean == pytest.approx(-10.0)
    assert long.decision.paired.difference.mean == pytest.approx(-1.2)
    made.spec.claims = (claim(),)
    with pytest.raises(UserError, match="2 pairs of arms; expected one"):
        found(made)


@pytest.mark.parametrize(
    ("registered", "before"), [(START - 1, True), (START, True), (START + 0.001, False), (None, False)]
)
def test_a_claim_that_came_after_a_run_had_started_is_post_hoc(study, registered, before):
    made = study(claim(), registered=registered)
    [one] = found(made)
    assert (one.registered, one.decision.verdict) == (before, "supported")
    table = shown(made)
    assert table.rows[0].cells[3].text == ("before the runs" if before else "post hoc")
    assert any(note.startswith("Post hoc: ") for note in table.notes) != before


def test_an_attempt_that_was_stopped_is_a_start(study):
    made = study(claim(), registered=START - 1)
    made.begun = lambda run_ids: {run_of(made, "abs", 2): START - 2}
    assert not found(made)[0].registered
    made.begun = lambda run_ids: {run_of(made, "abs", 2): START}
    assert found(made)[0].registered


def test_every_run_that_decides_must_have_started_later():
    known, started = Registration(START, "s"), {"a": "2023-11-14T22:13:20+00:00", "b": "2023-11-14T22:13:19.999+00:00"}
    assert before_runs(known, started, ["a"]) and not before_runs(known, started, ["a", "b"])
    assert before_runs(known, started, ["never started"]) and not before_runs(None, started, ["a"])


def test_a_spec_that_changed_since_is_said(study):
    made = study(claim())
    made.registered = lambda spec: {spec.claims[0].digest(spec.name): Registration(START, "then")}
    assert "changed since the claim was registered (its digest was then)" in shown(made).notes[0]
    assert "changed since" not in shown(study(claim())).notes[0]


def test_the_table_holds_sentences_verdicts_and_numbers(study):
    sure = claim("Spatial lowers the error by 5 mm", at_least=5.0, where={"test_occlusion": "curve"})
    open_ = claim("It does so by 9.5 mm", at_least=9.5, margin=0.25)
    table = shown(study(sure, open_))
    first, second = table.rows
    assert (first.band, first.keys) == ("1. Spatial lowers the error by 5 mm", ("spatial", "abs"))
    half = 2.776445 * (2.5 / 5) ** 0.5
    ends = f"{-10 - half:.2f}, {-10 + half:.2f}"
    assert [cell.text for cell in first.cells] == [
        "supported",
        f"-10.00 mm [{ends}] (5)",
        "≥ 5.0 mm lower",
        "before the runs",
    ]
    assert second.cells[2].text == "≥ 9.5 mm lower, margin ±0.25 mm"
    assert second.cells[2].numbers == {"direction": "lower", "at_least": "9.5", "margin": "0.25"}
    seeds = second.cells[0].numbers["seeds_needed"]
    assert f"{int(seeds):,} seeds would decide it with 80 % probability" in table.notes[1]
    assert table.notes[0] == "1: MPJPE, area under the occlusion curve."
    assert any("nothing is corrected for there being 2" in note for note in table.notes)
    assert any("trapezoid" in note for note in table.notes), "how the area is taken"
    for render in (writers.plain, writers.markdown, writers.latex, writers.page_table):
        text = render(table)
        for said in ("Spatial lowers the error by 5 mm", "supported", "inconclusive", "before the runs"):
            assert said in text


def test_what_a_row_is_made_of_is_told_in_full(study):
    made = study(claim(where={"test_occlusion": "severe"}, at_least=1.0))
    recipe = shown(made).recipe
    assert recipe.kind == "claim" and len(recipe.columns) == 1
    of = recipe.columns[0]
    assert (of["arm"]["objective"], of["versus"]["objective"], of["metric"]) == ("spatial", "abs", "mpjpe")
    assert (of["test_occlusion"], of["cameras"], of["weights"], of["mean"]) == ("severe", ["seen"], "best", "value")


def test_a_spec_without_claims_has_no_table(study):
    assert shown(study()) is None
