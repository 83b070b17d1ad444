from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.spec.probes import Probe
from harness.spec.schema import Resources
from harness.spec.sizes import Size, gpu_share, measured, needed, settled

GB = 10**9


def probe(*, own=1.0, gpu=0.0, shared=0.0, total=80.0) -> Probe:
    sizes = {"own": round(own * GB), "shared": round(shared * GB), "gpu": round(gpu * GB)}
    return Probe(0.0, 1.0, 0.0, 0.0, 1.0, **sizes, gpu_total=round(total * GB) if gpu else 0)


@pytest.mark.parametrize(("gpu", "share"), [(5.0, 1 / 13), (16.6, 0.25), (16.8, 1 / 3), (40.0, 1.0), (79.0, 1.0)])
def test_a_gpu_holds_as_many_runs_as_its_memory_with_a_margin(gpu, share):
    found = gpu_share(probe(gpu=gpu))
    assert found == pytest.approx(share, abs=1e-4) and found <= share
    assert round(1 / found) * 1.2 * gpu <= 80.0 or found == 1.0


def test_each_sort_of_run_has_a_share_of_its_own():
    auto = Resources(gpu="auto")
    assert needed(auto, probe(own=2, gpu=10), gpus=True) == Size(1.0, 0.1666, round(2.4 * GB))
    assert needed(auto, probe(own=2, gpu=30), gpus=True).gpu == 0.5
    assert needed(auto, None, gpus=True) == Size(1.0, 1.0), "what couldn't be measured has a GPU for itself"
    assert needed(auto, probe(own=2), gpus=False) == Size(1.0, 0.0, round(2.4 * GB)), "no GPU: by RAM"


def test_numbers_are_taken_as_they_are():
    assert needed(Resources(cpu=2, gpu=0.25), probe(own=9, gpu=70), gpus=True) == Size(2.0, 0.25)
    assert needed(Resources(memory=4), probe(own=9), gpus=False) == Size(1.0, 0.0, 4 * GB)
    assert needed(Resources(gpu="auto", memory=4), probe(gpu=20), gpus=True).memory == 4 * GB
    assert [measured(Resources(**given)) for given in ({}, {"memory": 1}, {"memory": "auto"}, {"gpu": "auto"})] == [
        False,
        False,
        True,
        True,
    ]


def test_no_more_workers_than_fit_into_the_memory():
    node = {"CPU": 16.0, "memory": 20.0 * GB}
    found = settled(Size(1.0, 0.0, 3 * GB), 0, [node])
    assert found.on(node) == 6
    assert settled(Size(1.0, 0.0, 1 * GB), 0, [node]) == Size(1.0), "processors are scarcer: memory isn't counted"


def test_what_workers_share_counts_once_on_a_node():
    """Six workers of 3 GB each over 10 GB of views take 28 GB, not 78."""
    small, large = {"CPU": 16.0, "memory": 28.0 * GB}, {"CPU": 64.0, "memory": 100.0 * GB}
    found = settled(Size(1.0, 0.0, 3 * GB), 10 * GB, [small])
    assert found.on(small) == 6
    both = settled(Size(1.0, 0.0, 3 * GB), 10 * GB, [small, large])
    assert both.on(small) == 6 and 10 + 3 * both.on(large) <= 100


def test_where_processors_are_scarce_a_worker_has_more_of_the_gpu():
    node = {"CPU": 8.0, "GPU": 2.0, "memory": 1e12}
    assert settled(Size(1.0, 0.01), 0, [node]) == Size(1.0, 0.25)
    assert settled(Size(1.0, 0.02, GB), 0, [node]) == Size(1.0, 0.25), "sizes that pack alike are one"
    assert settled(Size(1.0, 0.5), 0, [node]) == Size(1.0, 0.5)
    assert settled(Size(1.0, 1.0), 0, [node]) == Size(1.0, 1.0)


@pytest.mark.parametrize(
    ("size", "shared", "key", "words"),
    [
        (Size(9.0), 0, "resources.cpu", "9 CPUs and no node of the cluster has more than 8"),
        (Size(1.0, 2.0), 0, "resources.gpu", "2 GPUs and no node of the cluster has more than 1"),
        (Size(1.0, 0.0, 33 * GB), 0, "resources.memory", "33 GB of memory and no node"),
        (Size(1.0, 0.0, 3 * GB), 30 * GB, "resources.memory", "33 GB of memory and no node"),
        (Size(1.0, 1.0, 20 * GB), 0, "resources", "1 CPUs, 1 GPUs, 20 GB of memory and no node of the cluster has all"),
    ],
)
def test_what_no_node_can_hold_is_refused(size, shared, key, words):
    nodes = [{"CPU": 8.0, "memory": 32.0 * GB}, {"CPU": 4.0, "GPU": 1.0, "memory": 16.0 * GB}]
    with pytest.raises(UserError, match=words) as caught:
        settled(size, shared, nodes)
    assert caught.value.key == key


@pytest.mark.parametrize("given", ["gpu: autoo", "memory: all", "memory: 0", "gpu: true"])
def test_a_share_is_a_number_or_auto(write, base, given):
    with pytest.raises(UserError) as caught:
        load(write(base + f"resources: {{{given}}}\n"))
    assert caught.value.key == f"resources.{given.partition(':')[0]}" and caught.value.line


def test_shares_decide_no_weights(write, base):
    ids = [{run.run_id for run in load(write(base + f"resources: {{{r}}}\n")).runs} for r in ("gpu: 0", "gpu: auto")]
    assert ids[0] == ids[1]
