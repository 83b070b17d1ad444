import itertools
import re
import time
from dataclasses import replace

import pandas as pd
import pytest

from harness.errors import UserError
from harness.report import records
from harness.report.figures import LINES, cost, figures
from harness.skeleton import H36M17
from harness.spec.report_section import FIGURES


def texts(svg: str) -> list[str]:
    return [re.sub(r"\s+", " ", text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_a_spec_can_name_every_figure_and_no_other():
    assert set(LINES) == set(FIGURES)


def test_what_the_evidence_can_not_fill_is_left_out_or_told_where_it_was_asked_for(networks):
    everything = figures(networks)
    assert set(everything) == {"occlusion", "difference", "depth_order"} and not everything.lacking
    asked = figures(networks, ["cost", "occlusion", "lambda", "learning", "terms", "joints"])
    assert list(asked) == ["occlusion"]
    assert asked.lacking == {
        "cost": "nobody counted the multiplications of these networks",
        "lambda": "no axis of the grid has 3 numbers or more",
        "learning": "no run left a validation curve",
        "terms": "no run of several terms left its curves",
        "joints": "MPJPE isn't recorded for each joint",
    }


def test_options_and_a_figure_drawn_twice(networks):
    drawn = figures(networks, [{"depth_order": {"level": "severe"}}, "depth_order"])
    assert list(drawn) == ["depth_order", "depth_order2"]
    assert "At test occlusion severe." in drawn["depth_order"].caption
    assert "Averaged over test levels (none, severe)." in drawn["depth_order2"].caption


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["oclusion"], "unknown figure 'oclusion'; did you mean 'occlusion'"),
        ([{"cost": {"metrik": "mpjpe"}}], "unknown option of the figure 'cost' 'metrik'; did you mean 'metric'"),
        ([{"cost": 3}], "options of the figure 'cost' must be a mapping"),
        ([{"joints": {"level": "sever"}}], "unknown level of a figure 'sever'; did you mean 'severe'"),
        ([{"lambda": {"axis": "objective"}}], "unknown numeric axis of a figure 'objective'"),
        ([{"lambdas": {"axes": ["objective"]}}], "unknown numeric axis of a figure 'objective'"),
        ([{"occlusion": {"metric": "mpjve"}}], "no finished run has logged the metric 'mpjve'"),
    ],
)
def test_wrong_names_are_told(networks, chosen, message):
    with pytest.raises(UserError, match=re.escape(message)):
        figures(networks, chosen)


def test_equal_evidence_gives_equal_bytes_at_any_time(networks):
    first = figures(networks, ["occlusion"])["occlusion"]
    time.sleep(1.1)  # PDF dates have seconds
    again = figures(networks, ["occlusion"])["occlusion"]
    assert first == again and first.pdf.startswith(b"%PDF") and b"/CreationDate" not in first.pdf


def test_processes_of_occlusion_have_a_curve_each(processes, networks):
    drawn = figures(processes, ["occlusion"])["occlusion"]
    assert "against severity, a panel for each process" in drawn.caption
    shown = drawn.svg
    assert "limbs" in shown and "frames:length=9" in shown and ">severity<" in shown
    assert "against test occlusion" in figures(networks, ["occlusion"])["occlusion"].caption


def test_a_pdf_embeds_fonts_that_publishers_take(networks):
    assert b"/Type3" not in figures(networks, ["difference"])["difference"].pdf


def test_arms_of_a_swept_weight_are_compared_with_the_objective_that_lacks_it(weights):
    drawn = figures(weights, ["difference", "lambda"])
    assert not drawn.lacking
    assert "both · λ spatial_rdc 0.1 · λ temporal_rdc 0.01" in texts(drawn["difference"].svg)
    assert "less abs" in " ".join(texts(drawn["lambda"].svg))


def test_a_weight_of_zero_has_its_place_on_a_log_scale(weights):
    shown = texts(figures(weights, [{"lambda": {"axis": weights.axes[1]}}])["lambda"].svg)
    # A panel for the area and each of two levels.
    assert [shown.count(x) for x in ("0.01", "0.1")] == [3, 3] and shown.count("0") >= 3
    assert "λ temporal_rdc = 0.01" in shown


def test_without_a_baseline_curves_show_the_error_itself(weights):
    alone = replace(weights, baseline={})
    shown = " ".join(texts(figures(alone, ["lambda"])["lambda"].svg))
    assert "MPJPE, mm" in shown and "less" not in shown and "abs" in shown


def test_a_heat_map_prints_the_mean_over_seeds_of_every_cell(weights):
    shown = texts(figures(weights, ["lambdas"])["lambdas"].svg)
    frame = weights.frame
    cells = frame[(frame["objective"] == "both") & (frame["metric"] == "mpjpe")]
    means = cells.groupby([*weights.axes, "test_occlusion"], observed=True)["value"].mean()
    assert len(means) == 27
    assert sorted(t for t in shown if re.fullmatch(r"\d{2,}\.\d", t)) == sorted(f"{mean:.1f}" for mean in means)
    assert "none · abs 105.0" in shown


def test_costs_are_drawn_once_they_differ(networks):
    def costs(**macs):
        return {run_id: {"macs": macs[arm.labels["backbone"]]} for arm in networks.arms for run_id in arm.runs.values()}

    equal = figures(replace(networks, costs=costs(large=5e6, little=5e6)), ["cost"])
    assert equal.lacking == {"cost": "all arms cost the same"}
    shown = texts(figures(replace(networks, costs=costs(large=5e8, little=2e6)), ["cost"])["cost"].svg)
    assert {"large", "little", "abs", "spatial"} <= set(shown)


@pytest.mark.parametrize("places", [[0.5] * 9, [0.0, 0.01, 0.5, 0.52, 0.53, 1.0], [0.97, 0.98, 1.0], [0.3], [0.2, 0.8]])
def test_names_above_the_costs_keep_apart_and_near_their_place(places):
    found = cost.spread(places, 0.07)
    assert all(b - a >= 0.07 - 1e-12 for a, b in itertools.pairwise(found))
    assert found[0] >= 0 and found[-1] <= 1 + 1e-12
    crowd = 0.07 * (len(places) - 1)
    assert all(abs(a - b) <= crowd for a, b in zip(found, places, strict=True))
    if min([b - a for a, b in itertools.pairwise(places)], default=1) >= 0.07:
        assert found == pytest.approx(places)


def test_more_names_than_fit_stand_as_far_apart_as_they_can():
    assert cost.spread([0.4] * 21, 0.07) == pytest.approx([i / 20 for i in range(21)])


def with_joints(frame: pd.DataFrame, errors: dict[str, float]) -> pd.DataFrame:
    whole = frame[(frame["metric"] == "mpjpe") & (frame["joint"] == "all")]
    rest = frame[frame["joint"] == "all"]
    return pd.concat([rest, *(whole.assign(joint=name, value=value) for name, value in errors.items())])


@pytest.fixture
def jointed(make):
    """joined(joints, gain) → evidence in which ``spatial`` is lower by ``gain[joint]``."""

    def build(joints, gain):
        made = make({(name, seed): 100.0 + seed for name in ("abs", "spatial") for seed in range(3)})
        for run in made.spec.runs:
            better = gain if run.labels["objective"] == "spatial" else {}
            # Differences need some spread: seeds agree to a tenth.
            errors = {j: 50.0 + 10 * run.seed - better.get(j, 0) * (1 + 0.1 * run.seed) for j in joints}
            made.frames[run.run_id] = with_joints(made.frames[run.run_id], errors)
        return records.load(made.spec, made)

    return build


def test_joints_are_drawn_on_a_body_with_signed_differences(jointed):
    drawn = figures(jointed(H36M17.joints, {"LWrist": 4.0, "RKnee": -2.0}), ["joints"])["joints"]
    shown = texts(drawn.svg)
    assert "-4.4" in shown and "+2.2" in shown and "60" in shown
    assert "LWrist" not in shown and "test occlusion severe" in drawn.caption


def test_joints_that_make_no_known_body_stand_in_a_row(jointed):
    shown = texts(figures(jointed(("tail", "left wing", "beak"), {"beak": 4.0}), ["joints"])["joints"].svg)
    assert {"tail", "left wing", "beak"} <= set(shown)


def test_terms_show_values_and_shares(make):
    made = make({("abs", 0): 100.0, ("spatial", 0): 99.0})
    made.points[made.spec.runs[1].run_id] = [
        (f"{what}.{name}", step, value)
        for what, name, value in (
            ("term", "mpjpe", 0.1),
            ("term", "spatial_rdc", 0.01),
            ("share", "mpjpe", 0.9),
            ("share", "spatial_rdc", 0.1),
        )
        for step in (100, 200)
    ]
    drawn = figures(records.load(made.spec, made), ["terms"])["terms"]
    assert {"mpjpe", "spatial_rdc", "spatial", "10 %", "100 %"} <= set(texts(drawn.svg)) and "abs" not in texts(
        drawn.svg
    )


def test_the_specs_words_stand_in_figures_and_captions(weights, networks):
    words = {"abs": "absolute error", "test_occlusion": {"severe": "most hidden"}, "little": "the small one"}
    drawn = figures(replace(networks, words=words), ["occlusion", "difference", {"depth_order": {"level": "severe"}}])
    shown = texts(drawn["occlusion"].svg)
    assert {"absolute error · the small one", "most hidden", "none"} <= set(shown)
    assert not {"abs · little", "severe"} & set(shown)
    assert {"most hidden"} <= set(texts(drawn["difference"].svg)) and "absolute error" in drawn["difference"].svg
    assert "At test occlusion most hidden." in drawn["depth_order"].caption
    swept = figures(replace(weights, words={"abs": "alone", "both": "together"}), ["lambda", "lambdas"])
    assert "less alone" in "".join(texts(swept["lambda"].svg))
    assert any(text.startswith("severe · alone") for text in texts(swept["lambdas"].svg))
