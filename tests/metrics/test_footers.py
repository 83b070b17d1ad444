"""A footer's bytes tell the same as PyArrow does, or nothing."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.metrics.footers import footer, has_bounds, has_rows, kept_under

KEY = b"a key"


def write(path, rows=300, value=b"kept", **how):
    table = pa.table({"value": pa.array([i / 7 for i in range(rows)]), "n": pa.array(range(5, rows + 5), pa.int64())})
    pq.write_table(table.replace_schema_metadata({b"other": b"a key ", KEY: value}), path, **how)
    return footer(path)


@pytest.mark.parametrize("value", [b"", b"x" * 127, b"\x00\xff" * 64, b"longer than what is read at first" * 3000])
def test_what_a_key_has_is_found_whatever_its_length(tmp_path, value):
    found = write(tmp_path / "file.parquet", value=value)
    assert kept_under(KEY, found) == value == pq.read_metadata(tmp_path / "file.parquet").metadata[KEY]
    assert kept_under(b"a ke", found) is None and kept_under(b"none", found) is None
    assert kept_under(KEY, found[: found.index(KEY) + 8]) is None  # cut off


@pytest.mark.parametrize("rows", [1, 63, 64, 300, 20_000])
def test_rows_and_bounds_are_those_that_pyarrow_reads(tmp_path, rows):
    found = write(tmp_path / "file.parquet", rows)
    told = pq.read_metadata(tmp_path / "file.parquet")
    assert has_rows(told.num_rows, found) and not has_rows(rows + 1, found) and not has_rows(rows - 1, found)
    for column in range(2):
        low, high = (getattr(told.row_group(0).column(column).statistics, end) for end in ("min", "max"))
        assert has_bounds(low, high, found)
        assert not has_bounds(low, high + 1, found) and not has_bounds(low - 1, high, found)


def test_several_groups_or_no_statistics_tell_nothing(tmp_path):
    found = write(tmp_path / "several.parquet", 300, row_group_size=100)
    assert not has_rows(300, found) and not has_bounds(5, 304, found)
    assert not has_bounds(5, 304, write(tmp_path / "plain.parquet", 300, write_statistics=False))


def test_what_is_no_parquet_file_has_no_footer(tmp_path):
    whole = tmp_path / "file.parquet"
    write(whole)
    for name, content in {
        "empty": b"",
        "text": b"no parquet",
        "cut": whole.read_bytes()[:-1],
        "end": b"\xff" * 4 + b"PAR1",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert footer(tmp_path / name) == b""
    assert footer(tmp_path / "absent") == footer(tmp_path) == b""
