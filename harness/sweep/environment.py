"""What the processes that train find in their environment before they load anything."""

from __future__ import annotations

import os

# glibc returns to the system what a training step frees, and asks for it again at the next: in a worker 65,000 page
# faults a second, and a fifth of the time of a small transformer on a CPU. With these it keeps up to a gigabyte.
# Other C libraries take no notice.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,  # the most that it takes
    "MALLOC_TRIM_THRESHOLD_": 1 << 30,
    "MALLOC_TOP_PAD_": 64 << 20,
}


def of_workers(threads: int) -> dict[str, str]:
    """The variables of a worker with ``threads`` CPU threads; how memory is kept can be set otherwise by the user."""
    kept = {name: os.environ.get(name, str(size)) for name, size in _KEEP_MEMORY.items()}
    return {"OMP_NUM_THREADS": str(threads), **kept}
