"""Protocols: named, versioned ways to score and to average, each one declaration named by one registry line."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from harness import registry
from harness.protocols.protocol import PLAIN, LeftOut, Protocol, Scoring

__all__ = ["PLAIN", "LeftOut", "Protocol", "Scoring", "of", "scored_as", "scoring_called", "scorings"]


def of(name: str, **where: Any) -> Protocol:
    """The protocol registered as ``name``; ``where`` locates it in messages.

    Raises:
        UserError: no such protocol.
    """
    return _of(registry.get("protocols", name, **where))


@cache
def _of(entry: registry.Entry) -> Protocol:
    return replace(registry.load(entry), name=entry.name, version=entry.version, summary=entry.summary)


def scorings() -> dict[str, Scoring]:
    """What keys of evaluations may name: `Scoring.key` → the scoring of some registered protocol."""
    found = [of(name).scoring for name in registry.entries("protocols")]
    return {scoring.key: scoring for scoring in found}


def scored_as(key: str) -> str:
    """Name of the first registered protocol that scores as a key of an evaluation says."""
    scoring = scoring_called(key)
    return next(name for name in registry.entries("protocols") if of(name).scoring == scoring)


def scoring_called(key: str) -> Scoring:
    """The scoring that a key of an evaluation names: what stands between ``~`` and the next ``/``; else `PLAIN`."""
    _, mark, rest = key.partition("~")
    return scorings()[f"~{rest.partition('/')[0]}"] if mark else PLAIN
