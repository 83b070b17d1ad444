"""`repose power`: hand-made pilots whose spreads can be worked out on paper."""

import math

import numpy as np
import pytest

from harness import spec as specs
from harness.cli.main import main
from harness.errors import UserError
from harness.report import power, records
from harness.report.statistics import seeds_needed

# spatial − abs: −1, −2, −3, −4, −5: sd √2.5; temporal − abs: two pairs, 0 and 2: sd √2
PILOT = {("abs", s): 100.0 + 7 * s for s in range(5)}
PILOT |= {("spatial", s): 99.0 + 6 * s for s in range(5)}
PILOT |= {("temporal", s): 100.0 + 9 * s for s in range(2)}


@pytest.fixture
def pilot(make):
    return make(PILOT, cameras=("seen", "unseen"), extra={"order_spatial": 80.0})


@pytest.fixture
def repose(capsys, monkeypatch):
    """The command on a made store: repose(made, *arguments) → (exit code, output, error)."""

    def repose(made, *arguments):
        made.spec.where = lambda key: None
        monkeypatch.setattr(specs, "load", lambda *_: made.spec)
        monkeypatch.setattr(records, "Store", lambda _: made)
        try:
            code = main(["power", "made.yaml", "--tracking-uri", "sqlite:///made.db", *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return repose


def read(made, questions, **options):
    return power.pilot(records.load(made.spec, made), questions, **options)


def test_spread_of_the_paired_differences_and_its_upper_limit(pilot):
    spatial, temporal = read(pilot, [("effect", 1.0)]).needs
    assert (spatial.arm, spatial.pairs, temporal.pairs) == ("spatial", 5, 2)
    assert spatial.sd == pytest.approx(math.sqrt(2.5)) and temporal.sd == pytest.approx(math.sqrt(2))
    # χ²(0.2) is 1.648777 with 4 degrees of freedom, 0.064185 with 1
    assert spatial.upper == pytest.approx(math.sqrt(2.5 * 4 / 1.648777), rel=1e-5)
    assert temporal.upper == pytest.approx(math.sqrt(2 / 0.064185), rel=1e-4)


def test_seeds_are_those_of_each_question_at_both_spreads(pilot):
    found = read(pilot, [("effect", 2.0), ("halfwidth", 1.0), ("margin", 3.0)], power=0.9)
    spatial = found.needs[0]
    for (at, cautious), asked in zip(
        spatial.seeds,
        ({"effect": 2.0, "level": 0.975}, {"halfwidth": 1.0}, {"margin": 3.0}),  # two arms: 5 % / 2
        strict=True,
    ):
        assert at == seeds_needed(spatial.sd, power=0.9, **asked)
        assert cautious == seeds_needed(spatial.upper, power=0.9, **asked) > at
    assert found.most == max(cautious for need in found.needs for _, cautious in need.seeds)


def test_the_area_under_the_curve_is_what_is_planned_for_unless_named(pilot):
    assert read(pilot, [("effect", 1.0)]).where == {"test_occlusion": "curve"}
    at_severe = read(pilot, [("effect", 1.0)], where={"test_occlusion": "severe", "cameras": "seen"})
    assert at_severe.where == {"test_occlusion": "severe", "cameras": "seen"}
    frame = pilot.frames[pilot.spec.runs[5].run_id]
    frame.loc[(frame["test_occlusion"] == "severe").to_numpy(), "value"] -= 30.0
    assert read(pilot, [("effect", 1.0)], where={"test_occlusion": "severe"}).needs[0].sd > 10
    assert read(pilot, [("effect", 1.0)], where={"test_occlusion": "none"}).needs[0].sd < 2


def test_one_arm_alone_needs_no_correction(pilot):
    one = read(pilot, [("effect", 1.0)], where={"objective": "spatial"})
    assert [need.arm for need in one.needs] == ["spatial"] and one.level == pytest.approx(0.95)
    assert one.needs[0].seeds[0][0] < read(pilot, [("effect", 1.0)]).needs[0].seeds[0][0]


def test_an_arm_with_one_pair_is_shown_without_a_number(make, repose):
    made = make({key: value for key, value in PILOT.items() if key != ("temporal", 1)})
    code, out, _ = repose(made, "--effect", "1")
    row = next(line for line in out.splitlines() if line.startswith("temporal"))
    assert code == 0 and row.split() == ["temporal", "1", "–", "–", "–"]
    assert "fewer than two pairs" in out


def test_the_command_prints_a_row_an_arm(pilot, repose):
    code, out, err = repose(
        pilot, "--effect", "1", "--effect", "4", "--halfwidth", "0.5", "--where", "cameras=seen,unseen"
    )
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "made: MPJPE, mm (cameras: seen/unseen, test_occlusion: curve)"
    assert lines[2].split("  ")[0] == "arm" and "to find 4 mm" in lines[2] and "to ± 0.5 mm" in lines[2]
    need = read(pilot, [("effect", 1.0)]).needs[0]
    assert lines[3].split()[:4] == ["spatial", "5", f"{need.sd:.2f}", f"{need.upper:.2f}"]
    assert f"{need.seeds[0][0]} – {need.seeds[0][1]}" in lines[3]
    assert "corrected for 2 arms" in out


def test_a_store_without_questions_is_asked_the_usual_ones(pilot, repose):
    _, out, _ = repose(pilot)
    assert all(f"to find {size} mm" in out for size in ("0.5", "1", "2", "5"))


def test_arms_still_falling_are_marked(pilot, repose):
    pilot.figures[pilot.spec.runs[6].run_id] = {"late_gain": 2.5, "falling": 1.0}
    out = repose(pilot)[1]
    assert "\nspatial‡" in out and "\ntemporal " in out and "still improving" in out


def test_equal_differences_need_no_more_than_a_test_does(make):
    made = make({(arm, s): 100.0 + s - 2 * (arm == "spatial") for arm in ("abs", "spatial") for s in range(3)})
    assert read(made, [("effect", 1.0)]).needs[0].seeds == ((3, 3),)


def test_what_is_out_of_reach_is_said(make, repose):
    noise = np.random.default_rng(0).normal(0, 50, 3)
    made = make({("abs", s): 100.0 for s in range(3)} | {("spatial", s): 100.0 + noise[s] for s in range(3)})
    assert "over 1,000,000" in repose(made, "--effect", "0.001")[1]


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (("--metric", "mpjp"), ("--metric: unknown metric 'mpjp'; did you mean 'mpjpe'?",)),
        (("--where", "test_oclusion=none"), ("--where: unknown axis", "did you mean 'test_occlusion'?")),
        (("--where", "cameras=up"), ("--where: unknown value of cameras 'up'", "seen, unseen")),
        (("--where", "objective=spatal"), ("unknown value of objective", "did you mean 'spatial'?")),
        (("--where", "severe"), ("--where: AXIS=VALUE is needed",)),
        (("--effect", "0"), ("--effect: a positive number is needed; got '0'",)),
        (("--margin", "wide"), ("--margin: a positive number is needed; got 'wide'",)),
        (("--power", "80"), ("--power: a number between 0 and 1 is needed; got '80'",)),
        (("--efect", "1"), ("unknown argument '--efect'; did you mean '--effect'?",)),
    ],
)
def test_bad_input_is_one_line(pilot, repose, arguments, parts):
    code, out, err = repose(pilot, *arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert all(part in err for part in parts)


def test_a_pilot_of_one_seed_tells_nothing(make):
    made = make({(arm, 0): 100.0 for arm in ("abs", "spatial")})
    with pytest.raises(
        UserError, match=r"no arm shares two finished seeds with the baseline \(objective: abs; at most 1"
    ):
        read(made, [("effect", 1.0)])


def test_without_a_baseline_there_are_no_differences(make):
    made = make(PILOT, baseline={})
    with pytest.raises(UserError, match=r"report.baseline: differences need a baseline"):
        read(made, [("effect", 1.0)])


def test_nothing_finished(make):
    made = make({("abs", 0): None, ("spatial", 0): None})
    with pytest.raises(UserError, match="no finished run"):
        read(made, [("effect", 1.0)])
