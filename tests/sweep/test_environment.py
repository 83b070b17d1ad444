"""Workers begin with the threads of their runs, and keep the memory that training steps free."""

from __future__ import annotations

import os
import platform
import resource

import pytest

from harness.sweep import environment


def _churn() -> tuple[dict[str, str], int]:
    """In a worker: its environment, and the page faults of steps that take and free what a small network does."""
    import torch

    def step() -> None:
        _ = [torch.ones(1_000_000) for _ in range(20)]

    step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        step()
    return dict(os.environ), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc keeps memory")
def test_a_worker_takes_the_memory_of_its_steps_from_the_system_once(ray_session):
    import ray

    found, faults = ray.get(ray.remote(_churn).remote())
    assert found["OMP_NUM_THREADS"] == "1"
    pages = 20 * 4_000_000 // os.sysconf("SC_PAGE_SIZE")
    assert faults < pages, f"{faults} faults in ten steps of {pages} pages each"


def test_what_the_user_says_of_memory_stands(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    found = environment.of_workers(3)
    assert (found["OMP_NUM_THREADS"], found["MALLOC_TRIM_THRESHOLD_"]) == ("3", "1000")
    assert int(found["MALLOC_TOP_PAD_"]) > 0
