"""The collector is as it was afterwards, and finds what is young meanwhile."""

import gc
import weakref

import pytest

from harness.cli.collecting import rarely


class Thing:
    pass


def test_young_objects_that_hold_each_other_are_still_found_and_all_is_as_before_in_the_end():
    before = gc.get_threshold()
    with pytest.raises(KeyError), rarely():
        one, other = Thing(), Thing()
        one.other, other.other, gone = other, one, weakref.ref(one)
        del one, other
        kept = [[] for _ in range(10_000)]
        assert gone() is None and len(kept) == 10_000
        raise KeyError
    assert gc.get_threshold() == before
