"""Signs of life of those on other machines, as this process sees them change.

The clocks of two machines may differ by minutes, or by years, so no time that one wrote down is ever compared
with the clock of another. A sign of life is a value that changes; silence is counted by who watches, on a clock
that nobody sets, from one look to the next. While nobody could look, as the store was gone or the watcher asleep,
no silence is counted: the watched couldn't be heard either.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

GAP = 15.0
"""Seconds of silence that one look may add at most."""
_MOST = 50_000


@dataclass
class _Seen:
    sign: Hashable
    at: float
    silence: float = 0.0
    heard: bool = False


class Watch:
    """What one process has seen of others. Any thread may look.

    Args:
        clock: seconds, never set back or ahead.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()

    def silence(self, who: Hashable, sign: Hashable) -> float:
        """Seconds for which ``who`` is known to have given no other sign than this one; 0 at the first look."""
        with self._lock:
            now, seen = self._clock(), self._seen.get(who)
            if seen is None:
                seen = self._seen[who] = _Seen(sign, now)
                while len(self._seen) > _MOST:  # whoever is forgotten is watched anew
                    self._seen.popitem(last=False)
            elif seen.sign != sign:
                seen.sign, seen.silence, seen.heard = sign, 0.0, True
            else:
                seen.silence += min(now - seen.at, GAP)
            seen.at = now
            self._seen.move_to_end(who)
            return seen.silence

    def heard(self, who: Hashable) -> bool:
        """Whether ``who`` was seen to give another sign since the first look."""
        with self._lock:
            return who in self._seen and self._seen[who].heard


WATCH = Watch()
