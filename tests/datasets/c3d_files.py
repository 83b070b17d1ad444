"""Files in the C3D layout, written byte by byte as its specification says (Intel order, floats)."""

import struct

import numpy as np


def write(path, labels, places, rate=100.0, units="mm", missing=None):
    """``places`` (frames, markers, 3) in ``units``; ``missing`` (frames, markers) marks what wasn't seen."""
    frames, markers = places.shape[:2]
    gone = np.zeros((frames, markers), bool) if missing is None else missing
    names = [label.ljust(max(map(len, labels))).encode() for label in labels]
    parameters = b"".join(
        (
            _group(1, "POINT"),
            _parameter(1, "USED", 2, (), struct.pack("<h", markers)),
            _parameter(1, "SCALE", 4, (), struct.pack("<f", -1.0)),
            _parameter(1, "RATE", 4, (), struct.pack("<f", rate)),
            _parameter(1, "DATA_START", 2, (), b"\0\0"),
            _parameter(1, "FRAMES", 2, (), struct.pack("<H", frames)),
            _parameter(1, "LABELS", -1, (len(names[0]), markers), b"".join(names)),
            _parameter(1, "UNITS", -1, (len(units),), units.encode()),
            _group(2, "ANALOG"),
            _parameter(2, "USED", 2, (), b"\0\0"),
            b"\0\0",
        )
    )
    blocks = -(-(len(parameters) + 4) // 512)
    start = 2 + blocks
    place = parameters.index(b"DATA_START") + len("DATA_START") + 2 + 2  # offset, type, number of dimensions
    parameters = parameters[:place] + struct.pack("<h", start) + parameters[place + 2 :]
    header = struct.pack("<BBHHHHHfHHf", 2, 0x50, markers, 0, 1, frames, 0, -1.0, start, 0, rate).ljust(512, b"\0")
    section = (struct.pack("<BBBB", 1, 0x50, blocks, 84) + parameters).ljust(512 * blocks, b"\0")
    points = np.concatenate([np.where(gone[..., None], 0, places), np.where(gone, -1, 0)[..., None]], -1)
    path.write_bytes(header + section + points.astype("<f4").tobytes())


def _group(number, name):
    return struct.pack("<bb", len(name), -number) + name.encode() + struct.pack("<hB", 3, 0)


def _parameter(number, name, kind, shape, content):
    after = 2 + 1 + 1 + len(shape) + len(content) + 1
    head = struct.pack("<bb", len(name), number) + name.encode() + struct.pack("<hbB", after, kind, len(shape))
    return head + bytes(shape) + content + b"\0"
