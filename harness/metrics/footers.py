"""A parquet file's footer as it lies on the disk, of which two things are told without taking the whole apart.

PyArrow reads each field of each column into objects, which for thousands of files takes ten times as long as to read
them. The footer is a struct in Thrift's compact protocol (parquet-format, `parquet.thrift`): a field is a byte for its
type and its distance from the field before, a text its length and its bytes, a number a zigzag varint.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

_END, _MAGIC = 8, b"PAR1"
"""Bytes behind the footer: its length, and what says that this is one."""
_ENOUGH = 1 << 15
"""Bytes in which most footers lie."""


def footer(file: str | Path) -> bytes:
    """The footer's bytes; none where the file isn't there or has none."""
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:
        return b""
    try:
        size = os.fstat(opened).st_size
        end = os.pread(opened, _ENOUGH, max(size - _ENOUGH, 0))
        length = int.from_bytes(end[-_END:-4], "little") + _END
        if end[-4:] != _MAGIC or length > size:
            return b""
        if length > len(end):
            end = os.pread(opened, length, size - length)
        return end[-length:-_END]
    except OSError:
        return b""
    finally:
        os.close(opened)


def kept_under(key: bytes, footer: bytes) -> bytes | None:
    """What a footer's key–value metadata has under a key; None where that isn't there."""
    named = _varint(len(key)) + key + b"\x18"  # both are texts, one field after the other
    at = footer.find(named)
    if at < 0:
        return None
    begin = at + len(named)
    length = shift = 0
    while begin < len(footer):
        byte = footer[begin]
        begin, length, shift = begin + 1, length | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return footer[begin : begin + length]
    return None


def has_rows(count: int, footer: bytes) -> bool:
    """Whether a footer tells so many rows, in a single group."""
    # num_rows, a 64-bit number, and behind it row_groups, a list of one struct
    return b"\x16" + _varint(count << 1) + b"\x19\x1c" in footer


def has_bounds(low: float, high: float, footer: bytes) -> bool:
    """Whether the statistics of a column tell these as its least and greatest value, 64 bits each."""
    kind = "<q" if type(low) is int else "<d"
    # max_value, field 5 after null_count, field 3; min_value behind it
    return b"\x28\x08" + struct.pack(kind, high) + b"\x18\x08" + struct.pack(kind, low) in footer


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
