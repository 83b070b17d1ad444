"""Claims in a spec file: read, checked, and named by a digest that says the same for the same claim."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.spec.claims import Claim, compared

CLAIM = "{text: T, arm: spatial, versus: abs, where: {backbone: simple_baseline}, direction: lower"


def stated(more: str = "", claim: str = CLAIM) -> str:
    return f"claims:\n  - {claim}{more}}}\n"


def test_a_claim_is_read_with_its_values_as_labels_print_them(write, base):
    more = ", metric: mpjpe, at_least: 1, margin: 2.5"
    where = "where: {backbone: simple_baseline, test_occlusion: [severe, minor, severe], cameras: [seen]}"
    text = stated(more).replace("where: {backbone: simple_baseline}", where)
    [claim] = load(write(base + text)).claims
    assert claim.arm == {"objective": "spatial"} and claim.versus == {"objective": "abs"}
    assert claim.where == {"backbone": "simple_baseline", "cameras": "seen", "test_occlusion": ["minor", "severe"]}
    assert (claim.metric, claim.direction, claim.at_least, claim.margin) == ("mpjpe", "lower", 1.0, 2.5)


def test_what_is_not_said(write, base):
    [claim] = load(write(base + stated())).claims
    assert (claim.metric, claim.at_least, claim.margin) == ("mpjpe", 0.0, None)
    assert load(write(base)).claims == ()


def test_the_area_under_the_curve_is_a_place_to_claim_at(write, base):
    text = stated().replace("{backbone: simple_baseline}", "{backbone: simple_baseline, test_occlusion: curve}")
    [claim] = load(write(base + text)).claims
    assert claim.where["test_occlusion"] == "curve"


def test_claims_change_no_run(write, base):
    plain, claimed = load(write(base)), load(write(base + stated(), "claimed.yaml"))
    assert [run.run_id for run in plain.runs] == [run.run_id for run in claimed.runs]
    assert plain.digest != claimed.digest


SAME = [
    ("arm: spatial", "arm: {objective: spatial}"),
    ("text: T", "text: ' T\n '"),
    ("{backbone: simple_baseline}", "{backbone: [simple_baseline]}"),
    ("direction: lower", "direction: lower, at_least: 0.0, metric: mpjpe"),
]
OTHER = [
    ("text: T", "text: U"),
    ("direction: lower", "direction: higher"),
    ("direction: lower", "direction: lower, at_least: 0.5"),
    ("direction: lower", "direction: lower, margin: 0.5"),
    ("direction: lower", "direction: lower, metric: p_mpjpe"),
    ("arm: spatial, versus: abs", "arm: abs, versus: spatial"),
    ("simple_baseline}", "videopose3d-s}"),
    ("{backbone: simple_baseline}", "{backbone: simple_baseline, test_occlusion: severe}"),
]


@pytest.mark.parametrize(("old", "new"), SAME + OTHER)
def test_the_digest_names_what_is_claimed_however_it_is_spelt(write, base, old, new):
    assert old in CLAIM
    [first] = load(write(base + stated())).claims
    [second] = load(write(base + stated(claim=CLAIM.replace(old, new)), "second.yaml")).claims
    assert (first.digest("trial") == second.digest("trial")) == ((old, new) in SAME)


def test_the_digest_is_of_the_specs_name_too_and_never_changes():
    claim = Claim(text="T", arm={"objective": "a"}, versus={"objective": "b"}, direction="lower", at_least=1)
    assert claim.digest("trial") != claim.digest("other")
    # Registrations are found by it: a digest that changes here makes every claim of every user post hoc.
    assert claim.digest("trial") == "6448ff73525dfc04"


# what is wrong: (text to replace in the claim, replacement, key, parts of the message)
MISTAKES = {
    "arm that is not there": ("arm: spatial", "arm: spatail", "claims[0].arm", ["did you mean 'spatial'?"]),
    "arm that is not run": ("arm: spatial", "arm: both", "claims[0].arm", ["unknown objective 'both'", "abs, spatial"]),
    "other that is not there": ("versus: abs", "versus: abz", "claims[0].versus", ["did you mean 'abs'?"]),
    "axis of an arm": ("arm: spatial", "arm: {objctive: spatial}", "claims[0].arm.objctive", ["'objective'?"]),
    "value of an arm": ("arm: spatial", "arm: {backbone: simple}", "claims[0].arm.backbone", ["'simple_baseline'?"]),
    "seed of an arm": ("arm: spatial", "arm: {seed: 0}", "claims[0].arm.seed", ["all its seeds"]),
    "no arm": ("arm: spatial", "arm: {}", "claims[0].arm", ["named by an objective"]),
    "arm against itself": ("versus: abs", "versus: {objective: spatial}", "claims[0].versus", ["with itself"]),
    "metric": ("direction", "metric: mpjp, direction", "claims[0].metric", ["did you mean 'mpjpe'?"]),
    "direction": ("lower", "lowr", "claims[0].direction", ["did you mean 'lower'?"]),
    "no direction": (", direction: lower", "", "claims[0].direction", ["'direction' is missing"]),
    "no text": ("text: T", "text: ' '", "claims[0].text", ["a sentence is needed"]),
    "key": ("direction: lower", "direction: lower, atleast: 1", "claims[0].atleast", ["did you mean 'at_least'?"]),
    "negative": ("direction: lower", "direction: lower, at_least: -1", "claims[0].at_least", ["got -1"]),
    "empty margin": ("direction: lower", "direction: lower, margin: 0", "claims[0].margin", ["greater than 0"]),
    "level": ("{backbone: simple_baseline}", "{test_occlusion: sever}",
              "claims[0].where.test_occlusion", ["'severe'?"]),
    "camera": ("{backbone: simple_baseline}", "{cameras: sen}", "claims[0].where.cameras", ["did you mean 'seen'?"]),
    "axis": ("{backbone: simple_baseline}", "{backbon: x}", "claims[0].where.backbon", ["did you mean 'backbone'?"]),
    "no value": ("{backbone: simple_baseline}", "{backbone: []}", "claims[0].where.backbone", ["no value of backbone"]),
    "weights": ("{backbone: simple_baseline}", "{weights: bst}", "claims[0].where.weights", ["did you mean 'best'?"]),
    "seed": ("{backbone: simple_baseline}", "{seed: 0}", "claims[0].where.seed", ["over all seeds"]),
    "axis of the arms": ("{backbone: simple_baseline}", "{objective: abs}", "claims[0].where.objective", ["already"]),
    "curve among levels": ("{backbone: simple_baseline}", "{test_occlusion: [curve, severe]}",
                           "claims[0].where.test_occlusion", ["stands alone"]),
    "several pairs": (", where: {backbone: simple_baseline}", "", "claims[0]",
                      ["2 pairs of arms", "name one value of backbone"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands(write, base, mistake):
    old, new, key, parts = MISTAKES[mistake]
    assert old in CLAIM
    path = write(base + stated(claim=CLAIM.replace(old, new)))
    with pytest.raises(UserError) as caught:
        load(path)
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), 14, key)
    for part in parts:
        assert part in caught.value.message


def test_the_same_claim_twice(write, base):
    text = stated() + stated().partition("\n")[2].replace("arm: spatial", "arm: {objective: spatial}")
    with pytest.raises(UserError, match=r":15: claims\[1\]: the same claim as claims\[0\]"):
        load(write(base + text))


def test_curve_needs_a_curve(write, base):
    text = stated().replace("{backbone: simple_baseline}", "{test_occlusion: curve}")
    with pytest.raises(UserError, match=r"unknown value of test_occlusion 'curve' \(known: severe\)"):
        load(write(base + "test: {occlusion: [severe]}\n" + text))


def test_two_arms_that_nothing_equal_connects(write, base):
    only = "include: [{backbone: ridge, objective: temporal, seed: 0}]\n"
    text = stated(claim="{text: T, arm: temporal, versus: abs, direction: lower")
    with pytest.raises(UserError, match="no two arms differ as objective temporal and objective abs do"):
        load(write(base + only + text))


def test_which_arms_are_compared():
    arms = [{"objective": o, "backbone": b, "lr": r} for b in ("x", "y") for o in ("a", "b") for r in ("1", "2")]

    def pairs(arm, versus, **where):
        claim = Claim(text="T", arm=arm, versus=versus, where=where, direction="lower")
        return [("".join(one.values()), "".join(other.values())) for one, other in compared(claim, arms)]

    assert pairs({"objective": "a"}, {"objective": "b"}, backbone="x", lr="1") == [("ax1", "bx1")]
    assert pairs({"objective": "a"}, {"objective": "b"}, backbone="x") == [("ax1", "bx1"), ("ax2", "bx2")]
    # What one side alone names is equal on the other where such an arm exists.
    assert pairs({"objective": "a", "backbone": "y"}, {"objective": "b"}, lr="1") == [("ay1", "by1")]
    assert pairs({"backbone": "y"}, {"objective": "a", "backbone": "x"}, lr="1") == [("ay1", "ax1"), ("by1", "ax1")]
    assert pairs({"backbone": "y", "objective": "b"}, {"backbone": "x", "objective": "a"}, lr="2") == [("by2", "ax2")]
