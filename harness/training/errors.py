"""Failures of a single run."""

from __future__ import annotations


class Diverged(Exception):
    """A loss term became NaN or infinite. ``final``: the same run would do the same again."""

    final = True

    def __init__(self, term: str, step: int, value: float) -> None:
        self.term, self.step, self.value = term, step, value
        super().__init__(f"loss term '{term}' became {value} at step {step}")

    def __reduce__(self):
        return type(self), (self.term, self.step, self.value)
