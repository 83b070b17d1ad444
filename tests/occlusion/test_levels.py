"""Levels: what is hidden, how much, and that draws depend on key and frame alone."""

import hashlib
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness import occlusion, registry
from harness.errors import UserError
from harness.occlusion import Fill, Level
from harness.skeleton import H36M17, Skeleton

LADDER = ("none", "minor", "moderate", "severe")
RATES = {"none": 0.0, "minor": 0.080, "moderate": 0.197, "severe": 0.392}


def chain(joints: int) -> Skeleton:
    """A skeleton of another size: two chains from a root, mirrored; the root is in no group."""
    half = (joints - 1) // 2
    left, right = tuple(range(1, half + 1)), tuple(range(half + 1, 2 * half + 1))
    return Skeleton(
        name=f"chain{joints}",
        joints=tuple(f"j{i}" for i in range(joints)),
        parents=(-1, *(0 if i in (1, half + 1) else i - 1 for i in range(1, joints))),
        mirror=(0, *right, *left),
        limbs={"left end": left[-2:], "right end": right[-2:]},
        halves={"left": left, "right": right},
    )


@pytest.mark.parametrize("name", LADDER)
def test_name_and_version_are_those_of_the_registry(name):
    level = occlusion.level(name)
    entry = registry.get("occlusions", name)
    assert (level.name, level.version) == (entry.name, entry.version)


def test_a_misspelt_level_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'moderate'"):
        occlusion.level("moderat")


def test_levels_can_be_named_without_torch():
    code = (
        "import sys; from harness import registry, occlusion;"
        "[registry.options(e) for e in registry.entries('occlusions').values()];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", LADDER)
def test_share_of_hidden_keypoints_is_the_documented_one(name):
    keys, frames = torch.arange(1500) + 17, torch.arange(200).expand(1500, -1)
    hidden = ~occlusion.level(name).draw(keys, frames, H36M17).visible
    assert hidden.float().mean().item() == pytest.approx(RATES[name], abs=0.006)


def test_none_hides_nothing_and_changes_nothing(clips):
    keys, frames = clips
    drawn = occlusion.level("none").draw(keys, frames, H36M17)
    assert drawn.visible.all() and not drawn.cause.any() and not drawn.stretch_key.any()
    xy = torch.randn(64, 300, 17, 2)
    reported, visible = occlusion.apply(xy, drawn)
    assert torch.equal(reported, xy) and visible.all()


def test_levels_nest_with_the_same_event_and_fill(clips):
    keys, frames = clips
    draws = [occlusion.level(name).draw(keys, frames, H36M17) for name in LADDER]
    for lower, higher in itertools.pairwise(draws):
        hidden = ~lower.visible
        assert not higher.visible[hidden].any()
        assert torch.equal(higher.cause[hidden], lower.cause[hidden])
        assert torch.equal(higher.stretch_key[hidden], lower.stretch_key[hidden])
        assert (~higher.visible).sum() > hidden.sum()


def test_nesting_holds_on_a_fine_ladder_of_severities(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    before = torch.zeros(64, 300, 17, dtype=torch.bool)
    for step in range(11):
        level = Level("step", 1, step / 10, severe.processes, severe.fill)
        hidden = ~level.draw(keys, frames, H36M17).visible
        assert not (before & ~hidden).any()
        before = hidden


def test_a_window_sees_what_the_clip_sees(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    whole = severe.draw(keys, frames, H36M17)
    for start, length in ((0, 27), (1, 81), (137, 81), (299, 1)):
        window = severe.draw(keys, frames[:, start : start + length], H36M17)
        for field in ("visible", "cause", "stretch_key"):
            assert torch.equal(getattr(window, field), getattr(whole, field)[:, start : start + length])


def test_windows_of_one_batch_may_start_anywhere(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    whole = severe.draw(keys, frames, H36M17).visible
    starts = torch.arange(64) * 3
    index = starts[:, None] + torch.arange(50)
    window = severe.draw(keys, index, H36M17).visible
    assert torch.equal(window, whole.gather(1, index[..., None].expand(-1, -1, 17)))


def test_negative_and_far_frames_are_drawn_alike(clips):
    keys, _ = clips
    severe = occlusion.level("severe")
    for first in (-150, 10_000_000):
        frames = (torch.arange(200) + first).expand(64, -1)
        whole = severe.draw(keys, frames, H36M17).visible
        assert 0.3 < (~whole).float().mean() < 0.48
        assert torch.equal(severe.draw(keys, frames[:, 100:], H36M17).visible, whole[:, 100:])


def test_batch_order_and_size_do_not_matter(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    whole = severe.draw(keys, frames, H36M17).stretch_key
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(severe.draw(keys[order], frames, H36M17).stretch_key, whole[order])
    assert torch.equal(severe.draw(keys[5:6], frames[5:6], H36M17).stretch_key, whole[5:6])


def test_other_keys_give_other_masks(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    one, other = (~severe.draw(k, frames, H36M17).visible for k in (keys, keys + 1))
    both = (one & other).float().mean().item()
    assert both == pytest.approx(one.float().mean().item() * other.float().mean().item(), abs=0.02)


def test_events_hide_whole_groups_over_the_declared_lengths():
    keys, frames = torch.arange(400), torch.arange(300).expand(400, -1)
    for process in occlusion.level("severe").processes:
        level = Level("rare", 1, process.onset + 0.04, (process,), Fill(1, 0, 0))
        drawn = level.draw(keys, frames, H36M17)
        events = {}
        for clip, frame, joint in (~drawn.visible).nonzero().tolist():
            events.setdefault((clip, drawn.stretch_key[clip, frame, joint].item()), []).append((frame, joint))
        inside = [hits for hits in events.values() if min(hits)[0] > 0 and max(hits)[0] < 299]
        spans = torch.tensor([max(hits)[0] - min(hits)[0] + 1 for hits in inside])
        groups = {frozenset(joints) for joints in process.groups(H36M17).values()}
        whole = [frozenset(joint for _, joint in hits) in groups for hits in inside]
        # An overlapping event that comes first in severity may take over a part, rarely as events are here.
        assert sum(whole) > 0.97 * len(whole) > 100
        assert spans.max() <= process.longest
        assert (spans >= process.shortest).float().mean() > 0.97
        assert spans.float().mean().item() == pytest.approx((process.shortest + process.longest) / 2, rel=0.06)


def test_stretches_cross_cell_borders(clips):
    keys, frames = clips
    joints = occlusion.level("severe").processes[0]
    hidden = ~Level("alone", 1, 0.5, (joints,), Fill(1, 0, 0)).draw(keys, frames, H36M17).visible
    border = torch.arange(joints.period, 300, joints.period)
    across = (hidden[:, border] & hidden[:, border - 1]).float().mean()
    elsewhere = (hidden[:, border + 11] & hidden[:, border + 10]).float().mean()
    assert across == pytest.approx(elsewhere.item(), rel=0.2)


def test_fill_shares_are_those_declared_and_one_an_event(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    drawn = severe.draw(keys, frames, H36M17)
    hidden = ~drawn.visible
    assert torch.equal(hidden, drawn.cause > 0) and torch.equal(hidden, drawn.stretch_key > 0)
    events = torch.stack([drawn.stretch_key[hidden], drawn.cause[hidden].long()], dim=1).unique(dim=0)
    assert len(events) == len(drawn.stretch_key[hidden].unique())
    shares = torch.bincount(events[:, 1], minlength=4)[1:] / len(events)
    expected = torch.tensor([severe.fill.zero, severe.fill.last_seen, severe.fill.hallucinated])
    assert torch.allclose(shares, expected, atol=0.02)


def test_padded_frames_take_part_in_no_draw(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    whole = severe.draw(keys, frames[:, :60], H36M17)
    valid = torch.ones(64, 60, dtype=torch.bool)
    valid[:, 40:] = False
    valid[7] = False
    padded = frames[:, :60].clone()
    padded[:, 40:] = -(10**9)  # whatever stands there must neither count nor cost
    drawn = severe.draw(keys, padded, H36M17, valid=valid)
    assert torch.equal(drawn.stretch_key[valid], whole.stretch_key[valid])
    assert drawn.visible[~valid].all() and not drawn.cause[~valid].any()


@pytest.mark.parametrize("joints", [15, 133])
def test_other_skeletons(joints, clips):
    keys, frames = clips
    skeleton = chain(joints)
    drawn = occlusion.level("severe").draw(keys, frames, skeleton)
    hidden = (~drawn.visible).float().mean((0, 1))
    assert drawn.visible.shape == (64, 300, joints)
    assert hidden[1] > hidden[0] > 0.05  # the root is in no limb and no half
    reported, _ = occlusion.apply(torch.randn(64, 300, joints, 2), drawn)
    assert reported.shape == (64, 300, joints, 2)


def test_a_joint_in_no_group_is_never_hidden(clips):
    keys, frames = clips
    severe = occlusion.level("severe")
    limbs = Level("limbs", 1, 1.0, severe.processes[1:2], severe.fill)
    hidden = ~limbs.draw(keys, frames, chain(15)).visible
    assert hidden[..., [6, 7, 13, 14]].any() and not hidden[..., [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12]].any()


GOLDEN = {
    "minor": (987, "67cbbe00af158e67"),
    "moderate": (2122, "c8d12fcdd6c2c944"),
    "severe": (4374, "c8890b87181cfefc"),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_draws_of_version_1_never_change(name):
    keys, frames = torch.tensor([1, -5, 2**62]), (torch.arange(200) + 1000).expand(3, -1)
    drawn = occlusion.level(name).draw(keys, frames, H36M17)
    digest = hashlib.sha256(drawn.stretch_key.numpy().tobytes()).hexdigest()[:16]
    assert ((~drawn.visible).sum().item(), digest) == GOLDEN[name]


@pytest.mark.parametrize(
    "broken",
    [
        lambda p: Fill(0.5, 0.5, 0.5),
        lambda p: Fill(1.5, -0.5, 0.0),
        lambda p: Level("x", 1, 1.5, (p,), Fill(1, 0, 0)),
        lambda p: occlusion.StretchProcess("x", 1, p.groups, period=10, shortest=5, longest=11, rate=0.5),
        lambda p: occlusion.StretchProcess("x", 1, p.groups, period=10, shortest=5, longest=9, rate=1.5),
    ],
)
def test_impossible_declarations_are_refused(broken):
    with pytest.raises(ValueError):
        broken(occlusion.level("minor").processes[0])


def test_shapes_are_checked(clips):
    keys, frames = clips
    minor = occlusion.level("minor")
    with pytest.raises(ValueError, match="expected keys"):
        minor.draw(keys[:3], frames, H36M17)
    with pytest.raises(ValueError, match="expected valid"):
        minor.draw(keys, frames, H36M17, valid=torch.ones(64, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="expected xy"):
        occlusion.apply(torch.zeros(64, 300, 15, 2), minor.draw(keys, frames, H36M17))


def test_the_example_of_the_documentation_works(clips):
    page = Path(__file__).parents[2] / "docs" / "adding-an-occlusion.md"
    source = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    module: dict = {"__name__": "feet"}
    exec(compile(source, str(page), "exec"), module)
    keys, frames = clips
    hidden = (~module["level"]().draw(keys, frames, H36M17).visible).float().mean((0, 1))
    assert hidden[[3, 6]].min() > 0.4 > 0.25 > hidden[[0, 10, 16]].max()
