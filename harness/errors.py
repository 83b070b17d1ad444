"""Errors that a user can mend: one message, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

_LISTED, _NEAR = 60, 10
"""The longest list of names that a message repeats, and how many it tells of a longer one."""


class UserError(Exception):
    """Something the user gave is wrong: a spec, a file, a flag, an address.

    Args:
        message: what is wrong and what was expected, one sentence or two.
        file: the file that holds the mistake, if one does.
        line: its line, counted from 1.
        key: the dotted key of the spec, e.g. ``objectives.both.spatial_rdc.weight``.
    """

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, key: str | None = None
    ) -> None:
        self.message, self.file, self.line, self.key = message, file, line, key
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [part for part in (where, self.key, self.message) if part]
        return ": ".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        # Ray carries exceptions between processes by pickle; keyword arguments need help.
        return _rebuild, (type(self), self.message, self.file, self.line, self.key)


def _rebuild(cls: type[UserError], message: str, file: str | None, line: int | None, key: str | None) -> UserError:
    return cls(message, file=file, line=line, key=key)


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that looks most like ``name``, or None when none is near."""
    names = sorted({str(v) for v in valid})
    folded = {v.casefold().replace("-", "_"): v for v in names}
    close = difflib.get_close_matches(name.casefold().replace("-", "_"), folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else None


def unknown(what: str, name: str, valid: Iterable[str], **where: Any) -> UserError:
    """A `UserError` for a name that isn't known, with the nearest one and the list, or what of a long list is near."""
    names = sorted({str(v) for v in valid})
    guess = nearest(name, names)
    hint = f"; did you mean '{guess}'?" if guess else ""
    if len(names) > _LISTED and guess:
        near = sorted(difflib.get_close_matches(name, names, n=_NEAR, cutoff=0.0))
        return UserError(f"unknown {what} '{name}'{hint} (near it, of {len(names)}: {', '.join(near)})", **where)
    return UserError(f"unknown {what} '{name}'{hint} (known: {', '.join(names)})", **where)


_WORDING = {
    "dict_type": "a mapping is needed (key: value)",
    "model_type": "a mapping is needed (key: value)",
    "model_attributes_type": "a mapping is needed (key: value)",
    "string_pattern_mismatch": "a name holds letters, digits, '.', '_' and '-', and begins with a letter or a digit",
}


def wrong_value(detail: Mapping[str, Any], given: Any) -> str:
    """What a pydantic error says, in the words of a spec, with the nearest valid word and what was given.

    Args:
        detail: one of the error's ``errors()``.
        given: the value; a long one isn't repeated.
    """
    message = _WORDING.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "literal_error" and isinstance(given, str):
        guess = nearest(given, detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "))
        message += f"; did you mean '{guess}'?" if guess else ""
    shown = repr(given)
    return f"{message}; got {shown}" if len(shown) <= 80 else message
