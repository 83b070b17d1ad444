"""An evaluation file keeps its own means: the same as those of its rows, to the bit, or none."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.metrics.kept_scores import KEPT, KEY, kept_scores, with_scores
from harness.metrics.scored import DIMENSIONS, score


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = itertools.product(
        ("best", "last"), ("none", "severe"), ("seen",), ("S9", "S11"), ("walk", "sit"), ("a", "b"), ("all", "Hip")
    )
    frame = pd.DataFrame(
        names, columns=["weights", "test_occlusion", "cameras", "subject", "action", "clip", "joint"]
    ).assign(camera=0, group="all", metric="mpjpe")
    other = frame[frame["joint"] == "all"].assign(metric="order_spatial", group="2–5 cm")
    frame = pd.concat([frame, other], ignore_index=True)
    frame = frame.assign(value=rng.normal(50, 9, len(frame)), n=rng.integers(1, 99, len(frame)))
    frame.loc[frame["subject"].eq("S9") & frame["group"].eq("2–5 cm"), "value"] = np.nan
    return frame


def content(frame: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "evaluation.parquet"
    path.write_bytes(with_scores(content(rows())))
    return path


def test_kept_means_are_those_of_the_rows_to_the_bit(file):
    kept, found = kept_scores(file), score(file, DIMENSIONS, KEPT)
    for counted in ({("none", "seen"), ("severe", "seen")}, {("severe", "seen")}, {("none", "seen", "mpjpe")}):
        (ours, means), (theirs, expected) = kept.columns(counted, KEPT), found.columns(counted, KEPT)
        assert len(theirs["value"]) and list(ours) == list(theirs)
        for name in theirs:
            assert ours[name].tolist() == theirs[name].tolist(), name
        np.testing.assert_array_equal(means, expected)
    assert kept.subjects.tolist() == found.subjects.tolist()


def test_the_rows_stay_as_they_were(file):
    pd.testing.assert_frame_equal(pq.read_table(file).to_pandas(), rows())


@pytest.mark.parametrize("change", [lambda f: f[1:], lambda f: f.assign(value=f["value"] * 2)])
def test_means_of_other_rows_than_the_files_are_not_believed(file, tmp_path, change):
    frame = change(rows())
    table = pa.Table.from_pandas(frame, preserve_index=False)
    stale = tmp_path / "stale.parquet"
    pq.write_table(table.replace_schema_metadata(pq.read_schema(file).metadata), stale)
    assert KEY in pq.read_schema(stale).metadata and kept_scores(stale) is None


@pytest.mark.parametrize(("how", "other"), [({"version": "1.0"}, False), ({"row_group_size": 20}, True)])
def test_means_are_kept_with_the_rows_they_were_taken_from(file, how, other):
    """Whoever wrote the file again: in another version of the format, or in several groups, whose marks differ."""
    ours = kept_scores(file)
    pq.write_table(pq.read_table(file), file, **how)
    theirs = kept_scores(file)
    assert theirs is None if other else theirs.means.tobytes() == ours.means.tobytes()


def test_a_footer_is_read_as_pyarrow_reads_it(file, monkeypatch):
    quick = kept_scores(file)
    monkeypatch.setattr("harness.metrics.kept_scores.footer", lambda file: b"")
    slow = kept_scores(file)
    for name in ("cells", "n", "per_action", "per_frame", "means"):
        assert getattr(quick, name).tobytes() == getattr(slow, name).tobytes()
    assert {name: list(texts) for name, texts in quick.names.items()} == {k: list(v) for k, v in slow.names.items()}


def test_a_file_without_means_and_one_that_is_none_keep_none(tmp_path):
    plain, broken = tmp_path / "plain.parquet", tmp_path / "broken.parquet"
    plain.write_bytes(content(rows()))
    broken.write_bytes(b"no parquet")
    assert kept_scores(plain) is None and kept_scores(broken) is None and kept_scores(tmp_path / "absent") is None


def test_rows_that_have_no_means_are_kept_as_they_are():
    odd = content(rows().drop(columns="subject"))
    assert with_scores(odd) == odd
