"""One option of a loss term as a run holds it: set, and read with its default."""

from __future__ import annotations

from typing import Any

from harness import registry
from harness.objectives.schedule import KEYS
from harness.spec.run import join_term, split_term
from harness.spec.weighting import Weighting, split_weighting


def with_option(term: dict[str, Any], option: str, value: Any) -> dict[str, Any]:
    """The term with one option set; a word for ``weight`` is the term's option, a number is λ."""
    weight, options = split_term(term)
    _, beside = split_weighting(term)
    if option in KEYS:
        return join_term(weight, options, {**beside, option: value})
    if option == "lambda" or (option == "weight" and not isinstance(value, str)):
        return join_term(value, options, beside)
    return join_term(weight, {**options, option: value}, beside)


def read_term(name: str, term: dict[str, Any], option: str) -> Any:
    """What the term called ``name`` has for an option, λ or a key of its weighting, defaults included."""
    weight, options = split_term(term)
    if option in ("weight", "lambda"):
        return weight
    if option in options:
        return options[option]
    if option in KEYS:
        return getattr(Weighting(**split_weighting(term)[1]), option)
    return registry.options(registry.get("losses", name))[option].default
