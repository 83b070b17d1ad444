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


class Forged:
    """An array whose type's state says that eight bytes are an object: numpy would follow them wherever they point."""

    def __init__(self, code, state):
        self.code, self.state = code, state

    def __reduce__(self):
        rebuild, (_, shape, mark), _ = np.zeros(1).__reduce__()
        kind = Malicious(np.dtype)
        kind.does = (np.dtype, (self.code, False, True), self.state)
        return rebuild, (np.ndarray, shape, mark), (1, (1,), kind, False, b"A" * 8)


@pytest.mark.parametrize("flags", [0, 1, 16, 63])
@pytest.mark.parametrize("code", ["V8", "f8", "O8", "O8,f8"])
def test_types_that_lie_are_refused_before_numpy_believes_them(tmp_path, code, flags):
    for parts in ((None, ("a",), {"a": (np.dtype("O"), 0)}), ((np.dtype("O"), (1,)), None, None), (None, None, None)):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(Forged(code, (3, "|", *parts, 8, 1, flags))))
        if code == "f8" and parts == (None, None, None):
            assert plain_pickle.load(tmp_path / "a.pkl").dtype == np.float64  # of its state the order is read alone
            continue
        with pytest.raises(UserError, match=r"a\.pkl: not a pickle, or a damaged"):
            plain_pickle.load(tmp_path / "a.pkl")


def test_the_reader_itself_can_not_be_changed(tmp_path):
    # Attributes of what it looks names up in, and numpy's own class called.
    for text in (
        b"c_codecs\nencode\n(N}(V__defaults__\n(Vx\ntutb.",
        b"cnumpy\nndarray\n((I1\ntVO\ntR.",
        b"cnumpy\ndtype\n}(Vreal\nVx\nub.",
    ):
        (tmp_path / "a.pkl").write_bytes(text)
        with pytest.raises(UserError, match="not a pickle, or a damaged"):
            plain_pickle.load(tmp_path / "a.pkl")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(PLAIN, 2))
    assert plain_pickle.load(tmp_path / "a.pkl")["plain"] == PLAIN["plain"]


def test_what_is_no_pickle(tmp_path):
    whole = pickle.dumps(PLAIN)
    for content in (b"", b"not one", whole[: len(whole) // 2], b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"):
        (tmp_path / "a.pkl").write_bytes(content)
        with pytest.raises(UserError, match=r"not a pickle, or a damaged|more memory") as caught:
            plain_pickle.load(tmp_path / "a.pkl")
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such file"):
        plain_pickle.load(tmp_path / "b.pkl")
