"""Processes that a spec puts together: each keyed, nested, windowed alike, and hiding what it says."""

import hashlib

import pytest
import torch

from harness import occlusion, registry
from harness.errors import UserError
from harness.occlusion import Fill, Level, Scene, event
from harness.occlusion.random_joints import RandomJoints
from harness.skeleton import H36M17
from tests.occlusion.test_levels import chain

# Those that look at the body have tests of their own.
NAMES = ["joints", "limbs", "halves", "halves:half=lower", "random_joints", "random_joints:of=10", "parts", "one_joint"]
NAMES += ["frames", "stretches", "stretches:length=90:of=joints", "jitter", "noisy", "failure"]
PRINTED = ["ghafoor_joints", "ghafoor_parts", "ghafoor_frames", "lino", "poseformerv2", "banik", "motionbert"]


def scene(clips: int, frames: int, joints: int = 17) -> Scene:
    """Cameras whose images are 1000 pixels wide, and nothing in them."""
    size = torch.tensor([[1000.0, 800.0]]).expand(clips, -1)
    nobody = torch.zeros(clips, frames, joints, 3)
    return Scene(nobody, nobody[..., :2], torch.ones(clips, 9), size, torch.full((clips,), 50.0))


def drawn(name: str, keys, frames, skeleton=H36M17):
    return occlusion.level(name).draw(keys, frames, skeleton, scene=scene(*frames.shape, len(skeleton)))


def hidden_share(name: str, keys, frames) -> float:
    return (~drawn(name, keys, frames).visible).float().mean().item()


@pytest.mark.parametrize("name", NAMES)
def test_severities_nest_with_the_same_event_and_fill(name, clips):
    lower = drawn(f"{name}@0.3", *clips)
    for severity in (0.6, 1):
        higher = drawn(f"{name}@{severity}", *clips)
        hidden = ~lower.visible
        assert not higher.visible[hidden].any()
        assert torch.equal(higher.cause[hidden], lower.cause[hidden])
        assert torch.equal(higher.stretch_key[hidden], lower.stretch_key[hidden])
        assert (~higher.visible).sum() > hidden.sum() or name == "jitter"
        lower = higher


@pytest.mark.parametrize("name", [*(f"{name}@0.7" for name in NAMES), *PRINTED])
def test_a_window_and_a_batch_see_what_the_clips_see(name, clips):
    keys, frames = clips
    keys, frames = keys[:8], frames[:8] + 1000
    whole = drawn(name, keys, frames)
    order = torch.tensor([5, 2, 7])
    part = drawn(name, keys[order], frames[order, 137:164])
    for field in ("visible", "cause", "stretch_key", "shift", "certainty"):
        if getattr(whole, field) is not None:
            assert torch.equal(getattr(part, field), getattr(whole, field)[order, 137:164]), field


@pytest.mark.parametrize("name", NAMES)
def test_each_window_may_have_a_severity_of_its_own(name, clips):
    keys, frames = clips
    mixed = torch.tensor([0.0, 0.2, 0.9, 1.0], dtype=torch.float64).repeat(16)
    level = occlusion.level(f"{name}@0.5")
    own = level.draw(keys, frames, H36M17, severity=mixed, scene=scene(64, 300))
    for severity in (0.2, 0.9, 1):
        rows, one = mixed == severity, drawn(f"{name}@{severity}", keys, frames)
        assert torch.equal(own.stretch_key[rows], one.stretch_key[rows])
        if own.shift is not None:
            assert torch.allclose(own.shift[rows], one.shift[rows])
        if own.certainty is not None:
            assert torch.equal(own.certainty[rows], one.certainty[rows])
    assert own.visible[mixed == 0].all()
    assert own.shift is None or not own.shift[mixed == 0].any()


@pytest.mark.parametrize("joints", [15, 133])
@pytest.mark.parametrize("name", [*(f"{name}@0.7" for name in NAMES), *PRINTED])
def test_other_skeletons(name, joints):
    keys, frames = torch.arange(4), torch.arange(30).expand(4, -1)
    skeleton = chain(joints)
    found = drawn(name, keys, frames, skeleton)
    reported, visible = occlusion.apply(torch.randn(4, 30, joints, 2), found)
    assert reported.shape == (4, 30, joints, 2) and visible.shape == (4, 30, joints) and reported.isfinite().all()


def test_random_joints_hide_the_share_that_severity_says(clips):
    for severity in (0.1, 0.5, 0.9):
        assert hidden_share(f"random_joints@{severity}", *clips) == pytest.approx(severity, abs=0.004)
    hidden = ~drawn("random_joints@0.5", *clips).visible
    after = hidden[:, 1:][hidden[:, :-1]].float().mean().item()
    assert after == pytest.approx(0.5, abs=0.01), "a frame says nothing of the next"


@pytest.mark.parametrize(("severity", "count"), [(0.1, 1), (0.4, 4), (0.5, 5), (1, 10)])
def test_an_exact_number_of_joints_of_each_frame(severity, count, clips):
    hidden = ~drawn(f"random_joints:of=10@{severity}", *clips).visible
    assert (hidden.sum(dim=-1) == count).all()
    assert hidden.float().mean((0, 1)).std() < 0.01, "no joint is hidden more often than another"


def test_more_joints_than_the_skeleton_has_are_refused(clips):
    with pytest.raises(UserError, match="more than the 17 joints of h36m17"):
        drawn("random_joints:of=18@0.5", *clips)


def test_parts_stay_hidden_for_the_whole_clip(clips):
    keys, frames = clips
    hidden = ~drawn("parts@0.4", keys, frames).visible
    assert (hidden == hidden[:, :1]).all()
    limbs = torch.stack([hidden[:, 0, list(limb)].all(dim=-1) for limb in H36M17.limbs.values()], dim=1)
    assert (limbs.sum(dim=1) == 2).all() and len(limbs.unique(dim=0)) > 5
    assert not hidden[..., [0, 1, 4, 7, 8]].any(), "the trunk is no limb"


def test_one_joint_at_a_time_for_thirty_frames(clips):
    keys, frames = clips
    hidden = ~drawn("one_joint@1", keys, frames).visible
    assert (hidden.sum(dim=-1) == 1).all()
    which = hidden.int().argmax(dim=-1)
    changes = (which[:, 1:] != which[:, :-1]).nonzero()
    assert len(changes) > 500 and len(which.unique()) == 17
    for clip in (0, 1, 2):
        at = changes[changes[:, 0] == clip, 1]
        assert not ((at[1:] - at[:-1]) % 30).any()
    half = (~drawn("one_joint@0.5", keys, frames).visible).any(dim=-1).float().mean().item()
    assert half == pytest.approx(0.5, abs=0.08)


def test_whole_frames_go_missing(clips):
    hidden = ~drawn("frames@0.5", *clips).visible
    assert (hidden.all(dim=-1) == hidden.any(dim=-1)).all()
    assert 0.2 < hidden.float().mean() < 0.3


@pytest.mark.parametrize("length", [2, 5, 40, 90])
def test_stretches_have_the_mean_length_that_is_set(length):
    keys, frames = torch.arange(300), torch.arange(1500).expand(300, -1)
    found = occlusion.level(f"stretches:length={length}@0.1").draw(keys, frames, H36M17)
    of_wrist = found.stretch_key[..., 16]
    spans = torch.cat([row[row > 0].unique(return_counts=True)[1] for row in of_wrist[:, 200:-200]])
    assert len(spans) > 100
    assert spans.float().mean().item() == pytest.approx(length, rel=0.12)
    hidden = (~found.visible[..., 16]).float().mean().item()
    assert hidden == pytest.approx(0.05, rel=0.15), "the share hidden doesn't depend on the length"


def test_only_the_half_that_is_named(clips):
    every, lower = (~drawn(f"halves{half}@0.7", *clips).visible for half in ("", ":half=lower"))
    inside = torch.zeros(17, dtype=torch.bool)
    inside[list(H36M17.halves["lower"])] = True
    assert not lower[..., ~inside].any() and lower[..., inside].any()
    assert every[lower].all(), "it is hidden when it would be among all"


def test_jitter_is_normal_in_pixels_and_grows_with_severity(clips):
    keys, frames = clips
    full = drawn("jitter:pixels=12@1", keys, frames)
    pixels = full.shift * 500  # images are 1000 pixels wide, screens 2 units
    assert pixels.std().item() == pytest.approx(12, rel=0.01) and abs(pixels.mean().item()) < 0.05
    assert ((pixels.abs() < 12).float().mean().item()) == pytest.approx(0.6827, abs=0.005)
    assert full.visible.all()
    assert torch.allclose(drawn("jitter:pixels=12@0.25", keys, frames).shift, full.shift / 4)
    xy = torch.rand(64, 300, 17, 2)
    reported, visible = occlusion.apply(xy, full)
    assert torch.equal(reported, xy + full.shift) and visible.all()


def test_noise_of_hidden_keypoints_alone(clips):
    xy = torch.rand(64, 300, 17, 2)
    found = drawn("noisy:pixels=40@0.8", *clips)
    reported, visible = occlusion.apply(xy, found)
    assert torch.equal(reported[visible], xy[visible])
    error = (reported - xy)[~visible] * 500
    assert error.std().item() == pytest.approx(40, rel=0.03)
    one = (reported - xy)[:, 1:][~visible[:, 1:] & ~visible[:, :-1]]
    other = (reported - xy)[:, :-1][~visible[:, 1:] & ~visible[:, :-1]]
    assert abs(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) < 0.03


def test_failures_put_keypoints_on_the_way_to_others_or_swap_sides(clips):
    xy = torch.rand(64, 300, 17, 2)
    found = drawn("failure@1", *clips)
    reported, _ = occlusion.apply(xy, found)
    swapped = found.cause == event.SWAPPED
    assert torch.equal(reported[swapped], xy[..., list(H36M17.mirror), :][swapped])
    assert swapped.any() and not swapped[..., [0, 7, 8, 9, 10]].any(), "the midline has no other side"
    drawn_to = found.cause == event.TOWARDS
    assert 0.5 < drawn_to.sum() / (found.cause > 0).sum() < 0.95
    for clip, frame, joint in drawn_to.nonzero()[::4001].tolist():
        there, told = xy[clip, frame], reported[clip, frame, joint]
        rest = there - there[joint]
        share = ((told - there[joint]) * rest).sum(-1) / rest.square().sum(-1).clamp_min(1e-9)
        miss = (told - there[joint] - share[:, None] * rest).norm(dim=-1)
        miss[joint] = 1
        assert miss.min() < 1e-5 and 0.19 < share[miss.argmin()] < 0.81


def test_confidence_falls_with_severity_and_below_a_half_where_a_keypoint_is_wrong(clips):
    before = None
    for severity in (0.1, 0.3, 0.6, 1):
        found = drawn(f"failure@{severity}", *clips)
        assert torch.equal(found.certainty < 0.5, ~found.visible)
        assert found.certainty.min() >= 0 and found.certainty.max() == 1
        unsure = (found.certainty > 0) & (found.certainty < 1)
        assert 0.02 < unsure.float().mean() < 0.3
        assert before is None or (found.certainty <= before).all()
        before = found.certainty


def test_certainty_of_padding_and_of_other_processes_is_what_is_seen(clips):
    keys, frames = clips
    valid = torch.ones(64, 300, dtype=torch.bool)
    valid[:, 250:] = False
    found = occlusion.level("failure+limbs@0.8:zero").draw(keys, frames, H36M17, valid=valid)
    assert (found.certainty[:, 250:] == 1).all()
    lost = found.cause == event.ZERO
    assert lost.any() and not found.certainty[lost].any()


def test_processes_are_drawn_together_as_they_are_alone(clips):
    both = ~drawn("limbs+random_joints@0.4", *clips).visible
    alone = [~drawn(f"{name}@0.4", *clips).visible for name in ("limbs", "random_joints")]
    assert torch.equal(both, alone[0] | alone[1])


@pytest.mark.parametrize(("fill", "cause"), [("zero", 1), ("last_seen", 2), ("hallucinated", 3), ("mean", 4)])
@pytest.mark.parametrize("process", ["stretches", "random_joints", "parts", "one_joint", "frames"])
def test_a_fill_of_ones_own_choice(process, fill, cause, clips):
    keys, frames = clips
    found = drawn(f"{process}@0.5:{fill}", keys, frames)
    assert set(found.cause.unique().tolist()) == {0, cause}
    assert torch.equal(found.visible, drawn(f"{process}@0.5", keys, frames).visible)
    xy = torch.randn(64, 300, 17, 2)
    reported, visible = occlusion.apply(xy, found)
    assert torch.equal(reported[visible], xy[visible])
    if fill == "zero":
        assert not reported[~visible].any()
    if fill == "mean":
        for clip, frame in ((~visible).any(dim=-1).nonzero()[::997]).tolist():
            seen = visible[clip, frame]
            middle = xy[clip, frame][seen].mean(dim=0) if seen.any() else torch.zeros(2)
            assert torch.allclose(reported[clip, frame][~seen], middle.expand((~seen).sum(), 2), atol=1e-6)


def test_a_part_of_the_events_may_read_as_the_mean(clips):
    keys, frames = clips
    level = Level("mixed", 1, 0.8, occlusion.level("severe").processes, Fill(0.2, 0.3, 0.1, mean=0.4))
    found = level.draw(keys, frames, H36M17)
    hidden = ~found.visible
    events = torch.stack([found.stretch_key[hidden], found.cause[hidden].long()], dim=1).unique(dim=0)
    shares = torch.bincount(events[:, 1], minlength=5)[1:] / len(events)
    assert torch.allclose(shares, torch.tensor([0.2, 0.3, 0.1, 0.4]), atol=0.02)


def test_levels_that_look_at_the_person_say_so(clips):
    level = occlusion.level("jitter@0.5")
    assert level.needs_scene and not occlusion.level("severe").needs_scene
    with pytest.raises(ValueError, match=r"the level 'jitter@0\.5' looks at the person"):
        level.draw(*clips, H36M17)


@pytest.mark.parametrize("name", PRINTED)
def test_protocols_in_print_are_levels_with_a_source(name):
    level, entry = occlusion.level(name), registry.get("occlusions", name)
    assert (level.name, level.version) == (entry.name, entry.version)
    assert any(year in (registry.load(entry).__doc__ or "") for year in ("2022", "2023", "2025"))


def test_shares_of_the_protocols_in_print(clips):
    assert hidden_share("ghafoor_joints", *clips) == pytest.approx(4 / 17)
    assert hidden_share("banik", *clips) == pytest.approx(1 / 17)
    assert hidden_share("motionbert", *clips) == pytest.approx(1 - 0.9 * 0.95, abs=0.008)
    assert hidden_share("ghafoor_frames", *clips) == pytest.approx(0.22, abs=0.02)
    assert drawn("poseformerv2", *clips).shift.std().item() * 500 == pytest.approx(10, rel=0.01)


GOLDEN = {
    "banik": (600, "b64364c4884c02c8"),
    "failure@0.5": (974, "bc130b9f44ae8a9f"),
    "frames@0.5": (2720, "efc2a03f9f33eb20"),
    "ghafoor_frames": (2397, "7d50ab59060185ea"),
    "ghafoor_joints": (2400, "6c84ba934302cb49"),
    "ghafoor_parts": (2400, "b3a110f6a9846b78"),
    "halves:half=lower@0.5": (108, "9720774b4f282a25"),
    "halves@0.5": (1770, "db6b28549b3caf7b"),
    "joints@0.5": (1084, "f99e3368a0337ae4"),
    "limbs@0.5": (860, "81976aede20e815d"),
    "lino": (860, "f3faf6b9d0c37255"),
    "motionbert": (1832, "0795674b5c61e15e"),
    "noisy@0.5": (860, "f3faf6b9d0c37255"),
    "one_joint@0.5": (296, "615a84e20a938958"),
    "parts@0.5": (2400, "d7acddf7820431ab"),
    "random_joints:of=10@0.5": (3000, "2d5fde3e7875c685"),
    "random_joints@0.5": (5104, "482e2ffc41c36fc7"),
    "stretches:length=90:of=joints@0.5": (3151, "680ee578f5624034"),
    "stretches@0.5": (1290, "eb82e1ab05a7cc1d"),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_draws_of_version_1_never_change(name):
    keys, frames = torch.tensor([1, -5, 2**62]), (torch.arange(200) + 1000).expand(3, -1)
    found = drawn(name, keys, frames)
    digest = hashlib.sha256(found.stretch_key.numpy().tobytes()).hexdigest()[:16]
    assert ((~found.visible).sum().item(), digest) == GOLDEN[name]


def test_equal_levels_are_equal_so_that_what_they_show_is_kept():
    for name in ("failure+noisy+stretches:length=7@0.5", "halves:half=left@0.5:mean", "banik"):
        one, other = occlusion.level(name), occlusion.level(name)
        assert one == other and hash(one) == hash(other)
    assert RandomJoints(of=3) != RandomJoints()
