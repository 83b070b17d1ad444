"""The description inside an imported clip file, ``__meta__``: what must stand in it, checked by kind. No numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.errors import UserError

META = "__meta__"
FORMAT = 2

_Kind = tuple[str, Callable[[Any], bool]]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(count: int) -> _Kind:
    return f"{count} numbers", lambda v: isinstance(v, list) and len(v) == count and all(map(_number, v))


def _or_none(kind: _Kind) -> _Kind:
    return kind[0], lambda value: value is None or kind[1](value)


_TEXT: _Kind = ("a text", lambda value: isinstance(value, str))
_TEXTS: _Kind = ("a list of texts", lambda v: isinstance(v, list) and all(isinstance(one, str) for one in v))
_FILES: _Kind = (
    "a list of mappings with 'name' and 'sha256'",
    lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
)
_MAPPING: _Kind = ("a mapping", lambda value: isinstance(value, dict))
_RATE: _Kind = ("frames a second, a number above 0", lambda value: _number(value) and 0 < value < float("inf"))
_SKELETON: _Kind = ("a skeleton's name or declaration", lambda value: isinstance(value, str | dict))

_NEEDED = {"name": _TEXT, "licence": _TEXT, "skeleton": _SKELETON, "clips": _MAPPING}
_MAY = {
    "fps": _RATE,
    "world": ("up or camera", lambda value: value in ("up", "camera")),
    "detector": _or_none(_TEXT),
    **dict.fromkeys(("provenance", "splits", "performers", "cameras"), _MAPPING),
}
_ORIGIN = {"kind": _TEXT, "files": _FILES, "options": _MAPPING, "before": _MAPPING}
_CLIP = {"subject": _TEXT, "action": _TEXT}
_CLIP_MAY = {"performer": _or_none(_TEXT), "fps": _or_none(_RATE), "cameras": _TEXTS}
_CAMERA = {"orientation": _numbers(4), "translation": _numbers(3), "intrinsic": _numbers(9), "resolution": _numbers(2)}
FACTS = tuple(_CAMERA)
"""What is known of a camera."""


def check(meta: Any, path: str) -> None:
    """Refuse a description that lacks what is needed, or has it of another kind.

    Raises:
        UserError: the first such key, and what was expected.
    """
    if not isinstance(meta, dict):
        raise UserError(f"expected a mapping; found {type(meta).__name__}", file=path, key=META)
    if meta.get("format") != FORMAT:
        message = f"format {meta.get('format')!r}; this version reads format {FORMAT}: import the data again"
        raise UserError(message, file=path, key=META)
    if meta.get("units") != "metres":
        raise UserError(f"units are {meta.get('units')!r}; expected 'metres'", file=path, key=META)
    _checked(meta, _NEEDED, _MAY, path)
    for name, about in meta["clips"].items():
        _checked(about, _CLIP, _CLIP_MAY, path, "clips", name)
        if not (about.get("fps") or meta.get("fps")):
            raise UserError(f"'fps' is missing; expected {_RATE[0]}", file=path, key=f"{META}: clips: {name}")
    for of, name, facts in _cameras(meta, path):
        _checked(facts, _CAMERA, {}, path, "cameras", of, name)
    for name, split in meta.get("splits", {}).items():
        _checked(split, dict.fromkeys(("train", "validation", "test"), _TEXTS), {}, path, "splits", name)
    origin = meta.get("provenance", {})
    while origin:
        _checked(origin, {}, _ORIGIN, path, "provenance")
        origin = origin.get("before")
    _checked(meta.get("performers", {}), {}, dict.fromkeys(meta.get("performers", {}), _TEXT), path, "performers")


def _cameras(meta: dict[str, Any], path: str) -> Iterator[tuple[str, str, Any]]:
    for of, placed in meta.get("cameras", {}).items():
        if not isinstance(placed, dict):
            raise UserError("expected a mapping of cameras", file=path, key=f"{META}: cameras: {of}")
        for name, facts in placed.items():
            yield of, name, facts


def _checked(given: Any, needed: dict[str, _Kind], may: dict[str, _Kind], path: str, *place: str) -> None:
    where = ": ".join((META, *place))
    if not isinstance(given, dict):
        raise UserError(f"expected a mapping with {', '.join(needed)}", file=path, key=where)
    for key, (expected, fits) in {**needed, **may}.items():
        if key not in given:
            if key in needed:
                raise UserError(f"'{key}' is missing; expected {expected}", file=path, key=where)
        elif not fits(given[key]):
            said = repr(given[key])
            said = said if len(said) <= 60 else f"{said[:60]}…"
            raise UserError(f"'{key}' is {said}; expected {expected}", file=path, key=where)
