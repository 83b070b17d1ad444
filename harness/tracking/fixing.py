"""How many seeds a pilot fixed, entered in the store's ledger before the first further run starts.

The parameter ``seeds.<digest>`` is written once and never again: whoever decides later, or by another rule, finds what
stands there, so that no contrast gets more seeds because its result wasn't liked.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from harness.tracking.claims import entries, write_once
from harness.tracking.store import prepare, resolve

_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Fixed:
    """The seeds of one contrast (an arm and its baseline).

    Attributes:
        n: seeds that both get, the pilot's among them.
        wanted: what the pilot asked for; more than ``n`` where that is the most there may be.
        sd: of the pilot's paired differences, in the metric's unit.
        rule: by which it was fixed, in one line.
        spec: digest of the spec's content then.
        at: when, seconds since 1970.
    """

    n: int
    wanted: int
    sd: float
    rule: str
    spec: str
    at: float = 0.0

    @property
    def time(self) -> str:
        """``at`` in ISO form, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")


def fix(uri: str | None, decided: Mapping[str, Fixed]) -> dict[str, Fixed]:
    """Enter what was decided, now, unless the store knows; what it knows stays as it is, and is what counts.

    Args:
        uri: the store.
        decided: digest of a contrast → its seeds.
    Returns:
        what stands in the store.
    Raises:
        UserError: the store doesn't answer or can't be written.
    """
    uri = resolve(uri)
    known = fixed(uri, decided)
    new = {digest: one for digest, one in decided.items() if digest not in known}
    if new:
        prepare(uri)
        for digest, one in new.items():
            write_once(uri, f"seeds.{digest}", dumps({**asdict(one), "at": int(time.time() * 1000) / 1000}))
        known = fixed(uri, decided)
    return known


def bring_in(uri: str | None, given: Mapping[str, Fixed]) -> int:
    """Enter what another store had fixed, as it was; how many were new here. What stands here stays.

    Args:
        uri: the store.
        given: see `checked`.
    """
    uri = resolve(uri)
    known = fixed(uri, given)
    return sum(write_once(uri, f"seeds.{one}", dumps(asdict(given[one]))) for one in given if one not in known)


def checked(given: Any) -> dict[str, Fixed]:
    """Entries from outside.

    Raises:
        ValueError: one is none that the harness makes.
    """
    found = {}
    try:
        for digest, entry in dict(given).items():
            one = Fixed(**entry)
            whole = all(type(number) is int and number > 0 for number in (one.n, one.wanted))
            text = all(isinstance(said, str) and len(said) < 200 for said in (one.rule, one.spec))
            if not (
                _DIGEST.fullmatch(digest) and whole and text and one.n <= one.wanted and one.sd >= 0 and one.at > 0
            ):
                raise ValueError("the seeds of a contrast are none that the harness makes")
            found[digest] = one
    except TypeError as error:
        raise ValueError(f"the seeds of a contrast: {error}") from None
    return found


def fixed(uri: str | None = None, digests: Collection[str] = ()) -> dict[str, Fixed]:
    """Digest → seeds, of those contrasts that the store knows."""
    if not digests:
        return {}
    found = entries(resolve(uri), ["seeds."])
    return {one: Fixed(**json.loads(found[f"seeds.{one}"])) for one in digests if f"seeds.{one}" in found}


def dumps(entry: Mapping[str, object]) -> str:
    """An entry as the ledger has it."""
    return json.dumps(entry, separators=(",", ":"))
