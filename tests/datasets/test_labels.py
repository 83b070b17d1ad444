"""Which clips keep their labels: whole ones, nested, never more than the fraction says."""

from itertools import pairwise

import pytest
import torch

from harness.data import open_dataset, partition
from harness.data.labels import labelled_clips, labelled_count
from harness.data.views import views
from harness.errors import UserError

NAMES = [f"P{n // 10:02d}/clip{n % 10}" for n in range(200)]


def test_smaller_fractions_are_part_of_larger_ones():
    fractions = [0.01, 0.05, 0.1, 0.5, 1.0]
    chosen = [set(labelled_clips(NAMES, fraction, 0)) for fraction in fractions]
    assert [len(found) for found in chosen] == [2, 10, 20, 100, 200]
    assert all(small < large for small, large in pairwise(chosen))


def test_the_choice_goes_by_name_and_the_datasets_seed():
    chosen = {NAMES[place] for place in labelled_clips(NAMES, 0.1, 0)}
    turned = NAMES[::-1]
    assert {turned[place] for place in labelled_clips(turned, 0.1, 0)} == chosen
    assert {NAMES[place] for place in labelled_clips(NAMES, 0.1, 1)} != chosen


@pytest.mark.parametrize(("clips", "fraction", "count"), [(100, 0.29, 29), (3, 0.5, 1), (3, 1 / 3, 1), (7, 0.999, 6)])
def test_never_more_than_the_fraction(clips, fraction, count):
    assert labelled_count(clips, fraction) == count


def test_a_fraction_that_leaves_no_clip_is_refused():
    with pytest.raises(UserError, match=r"0\.01 leaves no clip .* has 24, so from 1/24 on") as caught:
        labelled_count(24, 0.01)
    assert caught.value.key is None
    with pytest.raises(UserError, match="leaves no clip") as caught:
        labelled_clips(NAMES[:5], 0.1, 0)
    assert caught.value.key == "data.label_fraction"


def test_the_views_of_some_clips_are_those_they_have_among_all():
    clips = partition(open_dataset("synthetic", subjects=4, clips=2, seconds=0.4), "default")["train"]
    filmed = views(clips, purpose="train", count=2, seed=0)
    some, alone = filmed.of_clips([3, 1]), views((clips[1], clips[3]), purpose="train", count=2, seed=0)
    assert some.clips == (clips[1], clips[3])
    for name in ("poses", "pixels", "offset", "length", "clip", "camera", "key", "fps", "intrinsic", "resolution"):
        assert torch.equal(getattr(some, name), getattr(alone, name)), name
