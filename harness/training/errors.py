"""Failures of a single run."""

from __future__ import annotations


class Diverged(Exception):
    """A loss term, or the validation error, became NaN or infinite. ``final``: the same run would do it again."""

    final = True

    def __init__(self, term: str, step: int, value: float) -> None:
        self.term, self.step, self.value = term, step, value
        super().__init__(f"'{term}' became {value} at step {step}")

    def __reduce__(self):
        return type(self), (self.term, self.step, self.value)
