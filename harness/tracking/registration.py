"""When a spec's claims were stated: entered in the store's ledger before the first run starts.

(A `harness.tracking.claims.Claim` is something else: the right to do a run.) The parameter
``registered.<digest>`` is written once and never again, so what was claimed afterwards can't be made to look
as if it had been claimed before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.tracking.claims import entries, write_once
from harness.tracking.store import prepare, resolve


@dataclass(frozen=True)
class Registration:
    """One claim as the store first heard of it.

    Attributes:
        at: when, seconds since 1970, never later than it was.
        spec: digest of the spec's content then.
    """

    at: float
    spec: str

    @property
    def time(self) -> str:
        """``at`` in ISO form, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")


def register(uri: str | None, digests: Collection[str], spec: str) -> None:
    """Enter claims, now, that the store doesn't know; what it knows stays as it is.

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
        return
    prepare(uri)
    # In whole milliseconds like the start of a record, and rounded down like it.
    value = json.dumps({"at": int(time.time() * 1000) / 1000, "spec": spec}, separators=(",", ":"))
    for digest in new:
        write_once(uri, f"registered.{digest}", value)


def registered(uri: str | None = None, digests: Collection[str] | None = None) -> dict[str, Registration]:
    """Digest → registration, of those claims (of all, if None) that the store knows."""
    if digests is not None and not digests:
        return {}
    found = entries(resolve(uri), ["registered."])
    known = {key.partition(".")[2]: value for key, value in found.items() if key.startswith("registered.")}
    wanted = known if digests is None else [digest for digest in digests if digest in known]
    return {digest: Registration(**json.loads(known[digest])) for digest in wanted}
