"""When a spec's claims were stated: entered in the store's ledger before the first run starts.

(A `harness.tracking.claims.Claim` is something else: the right to do a run.) The parameter
``registered.<digest>`` is written once and never again, so what was claimed afterwards can't be made to look
as if it had been claimed before.

"Before" isn't left to clocks, which may differ: a registration is dated after the start of every record that the
store has, and whoever registered dates none of its records before it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.tracking.claims import entries, write_once
from harness.tracking.record import newest
from harness.tracking.store import prepare, resolve


@dataclass(frozen=True)
class Registration:
    """One claim as the store first heard of it.

    Attributes:
        at: when, seconds since 1970; never later than it was, unless a record of the store had begun later still,
            by the clock of the machine that made it.
        spec: digest of the spec's content then.
    """

    at: float
    spec: str

    @property
    def time(self) -> str:
        """``at`` in ISO form, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")


def register(uri: str | None, digests: Collection[str], spec: str) -> float:
    """Enter claims, now, that the store doesn't know; what it knows stays as it is.

    Returns when the last of them was registered, 0 if there are none: no record made from now on may be dated before.

    Args:
        digests: of the claims.
        spec: digest of the spec that states them.

    Raises:
        UserError: the store doesn't answer or can't be written.
    """
    uri = resolve(uri)
    known = registered(uri, digests)
    new = [digest for digest in digests if digest not in known]
    if not new:
        return max((one.at for one in known.values()), default=0.0)
    prepare(uri)
    # In whole milliseconds like the start of a record, and rounded down like it.
    now, last = int(time.time() * 1000), newest(uri)
    at = (now if last is None else max(now, round(last * 1000) + 1)) / 1000
    value = json.dumps({"at": at, "spec": spec}, separators=(",", ":"))
    if all([write_once(uri, f"registered.{digest}", value) for digest in new]):
        return max([at, *(one.at for one in known.values())])
    return max(one.at for one in registered(uri, digests).values())  # somebody else was first


def registered(uri: str | None = None, digests: Collection[str] | None = None) -> dict[str, Registration]:
    """Digest → registration, of those claims (of all, if None) that the store knows."""
    if digests is not None and not digests:
        return {}
    found = entries(resolve(uri), ["registered."])
    known = {key.partition(".")[2]: value for key, value in found.items() if key.startswith("registered.")}
    wanted = known if digests is None else [digest for digest in digests if digest in known]
    return {digest: Registration(**json.loads(known[digest])) for digest in wanted}
