"""Loops compiled by numba when first called, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function in machine code; others may run while it does, and it divides as numpy does."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # there is no folder to keep it in: compile anew in each process
        return numba.njit(nogil=True, error_model="numpy")(function)
