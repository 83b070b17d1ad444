"""Python's search for objects that hold each other, made rare: a report makes millions that are there to stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000
"""New objects after which those among them that hold each other are found: files just read, say, as before."""
_OLDER = 1_000
"""Times that these were looked for before older ones are: by then a report is made."""


@contextmanager
def rarely() -> Iterator[None]:
    """Old objects are hardly looked at again: a tenth of a large report's time."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
