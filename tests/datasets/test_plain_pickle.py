"""The restricted reader: plain values and arrays as pickle gives them, and nothing is ever run."""

import collections
import os
import pickle

import numpy as np
import pytest

from harness.data.importers import plain_pickle
from harness.errors import UserError

PLAIN = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strings": np.array(["x", "yy"]),
    "objects": np.array([{"n": 1}, [2, (3, None)]], dtype=object),
    "number": np.float64(1.5),
    "text": np.str_("x"),
    "plain": [1, 2.5, True, b"x", {"s"}, frozenset({1}), 3j],
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays_are_read_as_pickle_reads_them(tmp_path, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(PLAIN, protocol))
    found = plain_pickle.load(tmp_path / "a.pkl")
    assert found.keys() == PLAIN.keys()
    for key, value in PLAIN.items():
        np.testing.assert_equal(found[key], value)


def test_python_2_arrays(tmp_path):
    # What Python 2's cPickle wrote for {'a': numpy.array([1., 2.])}, protocol 2: bytes without names of their own.
    old = pickle.dumps({"a": np.array([1.0, 2.0])}, 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "a.pkl").write_bytes(old)
    np.testing.assert_array_equal(plain_pickle.load(tmp_path / "a.pkl")["a"], [1, 2])


class Malicious:
    def __init__(self, function, *arguments):
        self.does = function, arguments

    def __reduce__(self):
        return self.does


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, protocol):
    mark = tmp_path / "run"
    for evil in (Malicious(os.mkdir, str(mark)), Malicious(eval, f"__import__('os').mkdir({str(mark)!r})")):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps({"train": evil}, protocol))
        with pytest.raises(UserError, match=r"a\.pkl: the pickle asks for .*(mkdir|eval), which is neither.*refused"):
            plain_pickle.load(tmp_path / "a.pkl")
    assert not mark.exists()


def test_names_that_begin_plainly_do_not_lead_elsewhere(tmp_path):
    for text in (b"cnumpy\ntesting\n.", b"cnumpy\nload\n.", b"cbuiltins\ngetattr\n.", b"cos\nsystem\n."):
        (tmp_path / "a.pkl").write_bytes(text)
        with pytest.raises(UserError, match="refused"):
            plain_pickle.load(tmp_path / "a.pkl")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(collections.Counter("a")))
    with pytest.raises(UserError, match=r"collections\.Counter"):
        plain_pickle.load(tmp_path / "a.pkl")
    (tmp_path / "a.pkl").write_bytes(b"Pelsewhere\n.")
    with pytest.raises(UserError, match="objects outside of it"):
        plain_pickle.load(tmp_path / "a.pkl")


def test_what_is_no_pickle(tmp_path):
    whole = pickle.dumps(PLAIN)
    for content in (b"", b"not one", whole[: len(whole) // 2], b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"):
        (tmp_path / "a.pkl").write_bytes(content)
        with pytest.raises(UserError, match=r"not a pickle, or a damaged|more memory") as caught:
            plain_pickle.load(tmp_path / "a.pkl")
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such file"):
        plain_pickle.load(tmp_path / "b.pkl")
