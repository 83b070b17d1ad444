"""The player's piece of the page: the numbers it holds are those that were predicted, and nothing breaks out."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.report.player import Unplayable, absent, show, still
from harness.report.player.excerpt import cut
from harness.skeleton import H36M17, Skeleton

DATA = re.compile(r'<script type="application/json" id="player-data">(.*?)</script>', re.DOTALL)


@pytest.fixture
def undrawn(monkeypatch):
    """Leaves out the figure, which takes longer than all the rest."""
    monkeypatch.setattr(still, "draw", lambda *_: None)


def held(fragment):
    """What the page's script reads."""
    return json.loads(DATA.search(fragment)[1])


def numbers(packed, *shape):
    return np.frombuffer(base64.b64decode(packed["values"]), "<i2").reshape(shape) * packed["unit"]


def test_it_holds_the_predicted_numbers(undrawn, chosen):
    choice, both = chosen(2, frames=300, fps=50.0)
    data = held(show(choice, both).fragment)
    assert data["bones"] == [list(bone) for bone in H36M17.bones] and data["joints"] == 17
    for clip, (base, other) in zip(data["clips"], both, strict=True):
        assert (clip["step"], clip["fps"], clip["frames"], clip["total"]) == (2, 25.0, 150, 300)
        rows = slice(clip["start"], None, 2)
        inputs = numbers(clip["inputs"], 150, 17, 2)
        assert np.abs(inputs - base.inputs[rows]).max() <= 0.51 * clip["inputs"]["unit"] < 1e-4
        poses = numbers(clip["poses"], 150, 3, 17, 3)
        for shown, wanted in zip(poses.swapaxes(0, 1), (base.truth, base.poses, other.poses), strict=True):
            centred = wanted - wanted[:, :1]
            assert np.abs(shown - centred[rows]).max() <= 0.51 * clip["poses"]["unit"] < 1e-4  # a tenth of a mm
        bits = np.unpackbits(np.frombuffer(base64.b64decode(clip["visible"]), np.uint8))[: 150 * 17]
        assert np.array_equal(bits.reshape(150, 17).astype(bool), base.visible[rows])
        off = 1000 * np.linalg.norm(poses[:, 2] - poses[:, 0], axis=-1).mean(-1)
        assert np.array(clip["errors"])[:, 1] == pytest.approx(off, abs=0.2)


def test_the_stretch_that_tells_most_is_shown(undrawn, chosen, played):
    choice, _ = chosen()
    base = np.full(1000, 60.0)
    other = np.where((np.arange(1000) >= 500) & (np.arange(1000) < 900), 50.0, 60.0)
    share = 16 / 17
    pick = replace(choice.picks[0], errors=(60 * share, other.mean() * share))
    (clip,) = held(show(replace(choice, picks=(pick,)), [played(base, other, frames=1000)]).fragment)["clips"]
    assert (clip["start"], clip["frames"] * clip["step"]) == (500, 400)
    assert {tuple(pair) for pair in clip["errors"]} == {(round(60 * share, 1), round(50 * share, 1))}


def test_weights_that_do_not_give_the_recorded_errors_are_not_shown(undrawn, chosen):
    choice, both = chosen()
    pick = choice.picks[0]
    near = replace(pick, errors=(pick.errors[0] + 0.05, pick.errors[1]))  # another processor
    assert show(replace(choice, picks=(near,)), both).fragment
    far = replace(pick, errors=(pick.errors[0] + 1, pick.errors[1]))
    with pytest.raises(Unplayable, match=r"give 56\.5 mm on S1/clip0, where 57\.5 mm were recorded"):
        show(replace(choice, picks=(far,)), both)


def chain(joints):
    """A skeleton of many joints in a row."""
    names = tuple(f"j{i}" for i in range(joints))
    return Skeleton("chain", names, tuple(range(-1, joints - 1)), tuple(range(joints)), limbs={}, halves={})


@pytest.mark.parametrize(("clips", "skeleton"), [(4, H36M17), (12, H36M17), (4, chain(133))])
def test_it_stays_under_a_megabyte(undrawn, chosen, clips, skeleton):
    choice, both = chosen(clips, frames=2000, skeleton=skeleton)
    fragment = show(choice, both).fragment
    assert len(fragment) < 1_000_000
    assert len(held(fragment)["clips"]) == clips


def test_more_clips_than_fit_are_counted(undrawn, chosen):
    choice, both = chosen(12, frames=60, skeleton=chain(500))
    fragment = show(choice, both).fragment
    shown = len(held(fragment)["clips"])
    assert 1 <= shown < 12 and len(fragment) < 1_000_000
    assert f"{12 - shown} more of the 12 asked for don't fit" in fragment


def test_names_stay_names(undrawn, chosen):
    choice, both = chosen()
    hostile = "</script><img src=x onerror=alert(1)>"
    choice = replace(choice, names=(hostile, "b"), shared=hostile)
    choice = replace(choice, picks=(replace(choice.picks[0], clip=hostile, action=hostile),))
    fragment = show(choice, both).fragment
    assert "<img" not in fragment and fragment.count("</script>") == 2
    assert held(fragment)["names"] == [hostile, "b"]
    assert "<img" not in absent(hostile)


def test_it_fetches_nothing_and_says_what_it_shows(undrawn, chosen):
    choice, both = chosen()
    shown = show(choice, both)
    rest = DATA.sub("", shown.fragment)
    assert not re.search(r"https?:|src=|url\(|import ", rest)
    assert "seed 3" in rest and "severe test occlusion" in rest and all(run in rest for run in choice.runs)
    assert "<noscript>" in rest
    assert "S1/clip0 (walk), unseen camera 0: 56.5 → 47.1 mm" in rest


def test_the_still_is_a_figure_for_paper(chosen):
    choice, both = chosen(2)
    drawn = show(choice, both).still
    assert drawn.pdf.startswith(b"%PDF") and "seed 3" in drawn.caption
    assert "S1/clip1, frame" in drawn.svg and "47.1 mm" in drawn.svg
    again = show(choice, both).still
    assert (again.svg, again.pdf) == (drawn.svg, drawn.pdf)


def test_frames_that_are_not_scored_say_so_and_count_for_nothing(undrawn, chosen, played):
    choice, _ = chosen()
    scored = np.arange(300) < 100
    share = 16 / 17
    wild = np.where(scored, 50.0, 500.0)  # what the network makes of the rest is nobody's business
    both = played(np.where(scored, 60.0, 30.0), wild)
    for one in both:
        one.scored = scored
    pick = replace(choice.picks[0], errors=(60 * share, 50 * share))
    (clip,) = held(show(replace(choice, picks=(pick,)), [both]).fragment)["clips"]
    bits = np.unpackbits(np.frombuffer(base64.b64decode(clip["unscored"]), np.uint8))[: clip["frames"]]
    assert np.array_equal(bits.astype(bool), ~scored[clip["start"] :: clip["step"]][: clip["frames"]])
    excerpt = cut(pick, both, 150)
    assert excerpt.start == 0 and excerpt.scored[excerpt.plainest]
