"""What is reported in place of hidden keypoints, against obvious loops."""

import torch

from harness import occlusion
from harness.occlusion import Fill, Level
from harness.skeleton import H36M17

SEVERE = occlusion.level("severe")


def drawn_with(fill: Fill, keys, frames, valid=None):
    return Level("test", 1, SEVERE.severity, SEVERE.processes, fill).draw(keys, frames, H36M17, valid=valid)


def walk(batch: int, frames: int) -> torch.Tensor:
    """Smooth paths: (B, T, 17, 2) float32."""
    generator = torch.Generator().manual_seed(4)
    steps = 0.005 * torch.randn(batch, frames, 17, 2, generator=generator)
    return torch.randn(batch, 1, 17, 2, generator=generator) * 0.2 + steps.cumsum(dim=1)


def test_visible_keypoints_are_untouched_and_the_input_stays(clips):
    keys, frames = clips
    xy = walk(64, 300)
    before = xy.clone()
    drawn = SEVERE.draw(keys, frames, H36M17)
    reported, visible = occlusion.apply(xy, drawn)
    assert torch.equal(reported[visible], xy[visible]) and torch.equal(xy, before)
    assert reported.dtype == xy.dtype and torch.isfinite(reported).all()


def test_missing_as_zero_is_exactly_zero(clips):
    keys, frames = clips
    drawn = drawn_with(Fill(1, 0, 0), keys, frames)
    reported, visible = occlusion.apply(walk(64, 300), drawn)
    assert (~visible).any() and (reported[~visible] == 0).all()


def test_missing_as_last_seen_holds_the_last_visible_valid_frame():
    keys, frames = torch.arange(6) + 11, torch.arange(90).expand(6, -1)
    valid = torch.ones(6, 90, dtype=torch.bool)
    valid[2, 60:] = False
    valid[3, :20] = False
    drawn = drawn_with(Fill(0, 1, 0), keys, frames, valid)
    xy = walk(6, 90)
    reported, visible = occlusion.apply(xy, drawn)
    never_seen = 0
    for b in range(6):
        for j in range(17):
            last = torch.zeros(2)
            for t in range(90):
                if valid[b, t] and visible[b, t, j]:
                    last = xy[b, t, j]
                if not visible[b, t, j]:
                    assert torch.equal(reported[b, t, j], last)
                    never_seen += bool((last == 0).all())
    assert never_seen > 0  # a stretch that covers the window's start reads as zero


def test_values_on_padded_frames_never_leak():
    keys, frames = torch.arange(6) + 11, torch.arange(90).expand(6, -1)
    valid = torch.ones(6, 90, dtype=torch.bool)
    valid[:, 40:] = False
    valid[:3, :10] = False
    drawn = SEVERE.draw(keys, frames, H36M17, valid=valid)
    xy = walk(6, 90)
    poisoned = torch.where(valid[..., None, None], xy, torch.nan)
    clean, _ = occlusion.apply(xy, drawn)
    reported, _ = occlusion.apply(poisoned, drawn)
    assert torch.equal(reported[valid], clean[valid])


def test_hallucinated_is_wrong_smooth_and_of_the_persons_scale(clips):
    keys, frames = clips
    drawn = drawn_with(Fill(0, 0, 1), keys, frames)
    xy = walk(64, 300)
    reported, visible = occlusion.apply(xy, drawn)
    hidden = ~visible
    error = (reported - xy)[hidden].norm(dim=-1)
    mirrored = xy[:, :, list(H36M17.mirror)]
    along = ((reported - xy) * (mirrored - xy)).sum(-1) / (mirrored - xy).square().sum(-1)
    on_the_line = ((reported - xy) - along[..., None] * (mirrored - xy)).norm(dim=-1) < 1e-5
    sided = torch.tensor([m != j for j, m in enumerate(H36M17.mirror)]).expand_as(hidden)
    swapped = hidden & on_the_line & sided & (along > 0.599) & (along < 1.001)
    share = swapped.sum() / (hidden & sided).sum()
    assert 0.45 < share < 0.55
    size = xy.sub(xy.mean(2, keepdim=True)).square().sum(-1).mean(-1).sqrt()[..., None].expand_as(hidden)
    displaced = hidden & ~swapped
    ratio = (reported - xy)[displaced].norm(dim=-1) / size[displaced]
    assert ratio.min() > 0.299 and ratio.max() < 1.001 and error.min() > 0
    same = hidden[:, 1:] & (drawn.stretch_key[:, 1:] == drawn.stretch_key[:, :-1])
    jump = reported.diff(dim=1).norm(dim=-1)[same]
    assert jump.max() < 0.08  # the truth moves by up to 0.03, the mirrored joint likewise


def test_zero_and_hallucinated_values_nest(clips):
    keys, frames = clips
    xy = walk(64, 300)
    minor = occlusion.level("minor").draw(keys, frames, H36M17)
    lower, _ = occlusion.apply(xy, minor)
    higher, _ = occlusion.apply(xy, SEVERE.draw(keys, frames, H36M17))
    same = (minor.cause == 1) | (minor.cause == 3)
    assert same.any() and torch.equal(lower[same], higher[same])


def test_double_precision_and_strided_input():
    keys, frames = torch.arange(4), torch.arange(50).expand(4, -1)
    drawn = SEVERE.draw(keys, frames, H36M17)
    xy = walk(4, 50).double()
    wide = torch.cat([xy, xy], dim=-1)[..., :2]
    reported, _ = occlusion.apply(wide, drawn)
    assert reported.dtype == torch.float64
    assert torch.equal(reported, occlusion.apply(xy, drawn)[0])
