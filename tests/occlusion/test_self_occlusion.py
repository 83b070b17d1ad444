"""Self-occlusion against rays marched through the body in small steps, by code of its own; nesting, keys, skeletons."""

import hashlib
import itertools

import numpy as np
import pytest
import torch

from harness import occlusion, registry
from harness.data.synthetic import load
from harness.data.views import views
from harness.occlusion import Fill, Level, Scene
from harness.occlusion.capsules import hidden_from
from harness.occlusion.self_occlusion import process, severity_needed
from harness.skeleton import FLESH, H36M17, Skeleton

FILL = Fill(0.4, 0.3, 0.3)
SEVERITIES = (0.0, 0.2, 0.5, 0.8, 1.0)
FIFTEEN = Skeleton(
    name="fifteen",  # the root in the middle of the list, parents after children
    joints=tuple(f"j{n}" for n in range(15)),
    parents=(1, 14, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1),
    mirror=(0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14),
    limbs={},
    halves={},
)
WHOLE_BODY = Skeleton(  # a body of 17 joints with 116 more in chains of four at its ends
    name="wholebody",
    joints=tuple(f"j{n}" for n in range(133)),
    parents=(*H36M17.parents, *((3, 6, 10, 13, 16)[(n // 4) % 5] if n % 4 == 0 else n + 16 for n in range(116))),
    mirror=tuple(range(133)),
    limbs={},
    halves={},
    radii=(*H36M17.radii, *(0.01,) * 116),
)


def level(severity: float) -> Level:
    return Level("self", 1, severity, (process(),), FILL)


def scene(poses: torch.Tensor) -> Scene:
    size = len(poses)
    square = torch.full((size, 2), 1000.0)
    return Scene(poses, poses[..., :2] * 100 + 500, torch.zeros(size, 9), square, torch.full((size,), 50.0))


@pytest.fixture(scope="module")
def moving():
    """(12, 100, 17, 3) poses of the built-in motion before cameras of all sides."""
    clips = load(subjects=6, clips=1, seconds=3.0, seed=3).clips
    seen = views(clips, purpose="train", count=2, seed=4)
    return torch.stack([seen.poses[first : first + 100] for first in seen.offset.tolist()])


def own_limb(parents: tuple[int, ...], joint: int) -> list[tuple[int, int]]:
    """Bones that end in the joint, or in a joint one bone away, by walking the tree."""
    bones = [(parent, child) for child, parent in enumerate(parents) if parent != -1]
    ends = {joint}
    for parent, child in bones:
        if parent == joint:
            ends.add(child)
        if child == joint:
            ends.add(parent)
    return [bone for bone in bones if bone[0] in ends or bone[1] in ends]


def marched(poses: np.ndarray, parents: tuple[int, ...], radius: dict[int, float], share: float = 1.0) -> np.ndarray:
    """Whether a ray from the camera to each joint of (N, J, 3) meets somebody else's capsule: sphere tracing, float64.

    The ray goes on by its distance from the nearest surface, which can't overshoot it, until it is inside one or
    beyond the joint.
    """
    poses = poses.astype(np.float64)
    out = np.zeros(poses.shape[:2], dtype=bool)
    for joint in range(poses.shape[1]):
        own = own_limb(parents, joint)
        bones = [(p, c) for c, p in enumerate(parents) if p != -1 and (p, c) not in own and radius[c] > 0]
        if not bones:
            continue
        start = np.stack([poses[:, p] for p, _ in bones], axis=1)
        along = np.stack([poses[:, c] for _, c in bones], axis=1) - start
        thick = share * np.array([radius[c] for _, c in bones])
        reach = np.linalg.norm(poses[:, joint], axis=-1)
        ray, gone = poses[:, joint] / reach[:, None], np.zeros(len(poses))
        left = np.arange(len(poses))  # rays under way
        for _ in range(2000):
            to = (ray[left] * gone[left, None])[:, None] - start[left]
            part = np.clip((to * along[left]).sum(-1) / np.maximum((along[left] ** 2).sum(-1), 1e-18), 0, 1)
            gap = (np.linalg.norm(to - part[..., None] * along[left], axis=-1) - thick).min(axis=1)
            out[left[gap < 1e-6], joint] = True
            on = (gap >= 1e-6) & (gone[left] < reach[left])
            left, gap = left[on], gap[on]
            if not len(left):
                break
            gone[left] = np.minimum(gone[left] + gap, reach[left])
        else:
            raise AssertionError("a ray never ended")
    return out


@pytest.mark.parametrize("severity", [1.0, 0.4])
def test_it_agrees_with_marched_rays_on_ten_thousand_joints(moving, severity):
    poses = moving.reshape(-1, 17, 3)[::2][:600]  # 10,200 joints
    expected = marched(poses.numpy(), H36M17.parents, dict(enumerate(H36M17.radii)), severity)
    found = (severity_needed(poses[:, None], H36M17)[:, 0] < severity).numpy()
    assert 0.02 < expected.mean() < 0.4
    assert (found == expected).mean() >= 0.9995
    assert found[expected].mean() > 0.995 and expected[found].mean() > 0.995


@pytest.mark.parametrize("skeleton", [FIFTEEN, WHOLE_BODY], ids=lambda s: s.name)
def test_any_skeleton_agrees_with_marched_rays(skeleton):
    g = torch.Generator().manual_seed(5)
    steps = torch.randn(600 // len(skeleton) + 10, len(skeleton), 3, generator=g) * 0.15
    poses = steps + torch.tensor([0.3, -0.2, 3.0])
    radii = dict(enumerate(skeleton.radii or (FLESH,) * 15))
    expected = marched(poses.numpy(), skeleton.parents, radii)
    found = (severity_needed(poses[:, None], skeleton)[:, 0] < 1).numpy()
    assert 0.1 < expected.mean() < 0.95
    assert (found == expected).mean() >= 0.995


def test_a_hand_behind_the_trunk_is_hidden_and_one_before_it_is_not(moving):
    person = torch.zeros(1, 1, 17, 3)
    for joint, place in {
        0: (0, 0, 0), 1: (-0.1, 0, 0), 2: (-0.1, 0.45, 0), 3: (-0.1, 0.9, 0), 4: (0.1, 0, 0), 5: (0.1, 0.45, 0),
        6: (0.1, 0.9, 0), 7: (0, -0.25, 0), 8: (0, -0.5, 0), 9: (0, -0.6, 0), 10: (0, -0.7, 0), 11: (0.17, -0.47, 0),
        12: (0.3, -0.25, 0), 13: (0.05, -0.2, -0.25), 14: (-0.17, -0.47, 0), 15: (-0.3, -0.25, 0),
        16: (-0.05, -0.2, 0.25),
    }.items():  # fmt: skip
        person[0, 0, joint] = torch.tensor(place, dtype=torch.float32)
    front = (severity_needed(person + torch.tensor([0.0, 0.0, 4.0]), H36M17) < 1)[0, 0]
    turned = (severity_needed(person * torch.tensor([-1.0, 1.0, -1.0]) + torch.tensor([0.0, 0.0, 4.0]), H36M17) < 1)[
        0, 0
    ]
    assert front.nonzero().flatten().tolist() == [16]  # the right wrist, behind the back
    assert 13 in turned.nonzero().flatten() and 16 not in turned.nonzero().flatten()


def test_severities_nest_and_nothing_is_hidden_at_none(moving):
    keys, frames = torch.arange(12) * 31, torch.arange(100).expand(12, -1)
    draws = [level(severity).draw(keys, frames, H36M17, scene=scene(moving)) for severity in SEVERITIES]
    assert draws[0].visible.all()
    for lower, higher in itertools.pairwise(draws):
        hidden = ~lower.visible
        assert not higher.visible[hidden].any()
        assert torch.equal(higher.cause[hidden], lower.cause[hidden])
        assert torch.equal(higher.stretch_key[hidden], lower.stretch_key[hidden])
        assert (~higher.visible).sum() > hidden.sum()
    assert torch.equal(~draws[-1].visible, severity_needed(moving, H36M17) < 1)


def test_each_window_may_have_a_severity_of_its_own(moving):
    keys, frames = torch.arange(12), torch.arange(100).expand(12, -1)
    own = torch.linspace(0, 1, 12, dtype=torch.float64)
    together = level(0.5).draw(keys, frames, H36M17, severity=own, scene=scene(moving)).visible
    for row, severity in enumerate(own.tolist()):
        alone = level(severity).draw(keys[row : row + 1], frames[:1], H36M17, scene=scene(moving[row : row + 1]))
        assert torch.equal(together[row], alone.visible[0])


def test_window_and_batch_change_nothing(moving):
    keys, frames = torch.arange(12) * 7 + 1, torch.arange(100).expand(12, -1)
    whole = level(1.0).draw(keys, frames, H36M17, scene=scene(moving))
    rows, part = torch.tensor([7, 2]), slice(33, 60)
    window = level(1.0).draw(keys[rows], frames[rows, part], H36M17, scene=scene(moving[rows, part]))
    for name in ("visible", "cause", "stretch_key"):
        assert torch.equal(getattr(window, name), getattr(whole, name)[rows, part])
    distances = severity_needed(moving, H36M17)
    assert torch.equal(severity_needed(moving[3:4, 41:42], H36M17), distances[3:4, 41:42])


def test_what_is_hidden_is_geometry_and_what_is_read_is_drawn(moving):
    frames = torch.arange(100).expand(12, -1)
    one, other = (level(1.0).draw(torch.arange(12) + k, frames, H36M17, scene=scene(moving)) for k in (5, 500))
    assert torch.equal(one.visible, other.visible)
    assert not torch.equal(one.cause, other.cause)
    assert set(one.cause.unique().tolist()) == {0, 1, 2, 3}
    share = torch.bincount(one.cause[~one.visible].long(), minlength=4)[1:] / (~one.visible).sum()
    assert share[0].item() == pytest.approx(0.4, abs=0.2)


def test_padded_frames_are_visible(moving):
    valid = torch.ones(12, 100, dtype=torch.bool)
    valid[:, 90:] = False
    drawn = level(1.0).draw(torch.arange(12), torch.arange(100).expand(12, -1), H36M17, valid, scene=scene(moving))
    assert drawn.visible[:, 90:].all() and not drawn.visible[:, :90].all()


def test_it_can_not_be_drawn_blind(moving):
    with pytest.raises(ValueError, match="scene"):
        level(1.0).draw(torch.arange(12), torch.arange(100).expand(12, -1), H36M17)


def test_a_body_without_flesh_hides_nothing(moving):
    bare = Skeleton("bare", H36M17.joints, H36M17.parents, H36M17.mirror, {}, {}, radii=(0.0,) * 17)
    assert torch.isinf(severity_needed(moving, bare)).all()
    wrong = Skeleton("wrong", H36M17.joints, H36M17.parents, H36M17.mirror, {}, {}, radii=(0.1,) * 3)
    with pytest.raises(ValueError, match="17 joints, but radii of 3"):
        severity_needed(moving, wrong)


def test_sight_lines_end_at_the_joint_and_capsules_are_round_at_their_ends():
    point = torch.tensor([[[0.0, 0.0, 2.0]]])
    start = torch.tensor([[[0.3, -1.0, 1.0], [0.5, 0.0, 1.0], [0.0, 0.0, 2.5], [0.2, 0.0, -1.0]]])
    end = torch.tensor([[[0.3, 1.0, 1.0], [0.9, 0.0, 1.0], [0.0, 0.0, 3.0], [0.2, 0.0, -2.0]]])
    # beside the line; end on to it; behind the joint; behind the camera
    expected = (0.3, 0.5, 0.5, np.hypot(0.2, 1.0))
    for place, distance in enumerate(expected):
        one = slice(place, place + 1)
        found = hidden_from(point, start[:, one], end[:, one], torch.tensor([0.25]))
        assert found.item() == pytest.approx(distance / 0.25, rel=1e-5)
    with pytest.raises(ValueError, match="expected points"):
        hidden_from(point, start, end[:, :2], torch.ones(4))


@pytest.mark.parametrize("name", ["self_occlusion", "passer_by"])
def test_a_spec_may_name_it(name, moving):
    found, entry = occlusion.level(f"{name}@0.5"), registry.get("processes", name)
    (one,) = found.processes
    assert (one.name, one.version) == (name, entry.version)
    assert found.severity == 0.5 and found.needs_scene
    assert found == occlusion.level(f"{name}@0.5") and hash(found) == hash(occlusion.level(f"{name}@0.5"))
    keys, frames = torch.arange(12), torch.arange(100).expand(12, -1)
    both = occlusion.level(f"joints+{name}@0.5").draw(keys, frames, H36M17, scene=scene(moving)).visible
    alone = found.draw(keys, frames, H36M17, scene=scene(moving)).visible
    assert torch.equal(both, alone & occlusion.level("joints@0.5").draw(keys, frames, H36M17).visible)


GOLDEN = {"self_occlusion@0.5": (1845, "97f4b5c678e71cb8"), "passer_by@1": (483, "7e7c2702a10219ed")}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_draws_of_version_1_never_change(name):
    keys, frames = torch.tensor([1, -5, 2**62]), (torch.arange(200) + 1000).expand(3, -1)
    still = torch.randn(17, 3, generator=torch.Generator().manual_seed(0)).mul(0.4) + torch.tensor([0.2, 0.0, 4.0])
    drift = (torch.arange(200)[:, None, None] - 100) * torch.tensor([0.004, 0.0, 0.01])
    found = occlusion.level(name).draw(keys, frames, H36M17, scene=scene((still + drift).expand(3, -1, -1, -1)))
    digest = hashlib.sha256(found.stretch_key.numpy().tobytes()).hexdigest()[:16]
    assert ((~found.visible).sum().item(), digest) == GOLDEN[name]
