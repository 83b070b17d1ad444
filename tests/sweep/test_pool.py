import time

import pytest

from harness import tracking
from harness.spec.sizes import Size
from harness.sweep.pool import Died, Pool
from harness.sweep.worker import Settings
from tests.sweep.bodies import spec_of


@pytest.mark.usefixtures("ray_session")
def test_a_worker_tells_how_far_it_is_while_it_works_and_is_replaced_when_it_dies(store):
    spec = spec_of(2, seconds=1.0, fail={"1": "die"})
    settings = Settings(store, "fake", tracking.myself(), body="tests.sweep.bodies:trivial")
    with Pool(settings, 1, Size(1.0)) as pool:
        assert not pool.free
        while not pool.free:  # it imports
            assert not pool.wait(0.5)
        pool.give(spec.runs[0], None, 0)
        assert not pool.free
        seen: set[int] = set()
        answers = []
        end = time.monotonic() + 90
        while not answers and time.monotonic() < end:
            seen |= {progress.step for _, progress in pool.progress(0.5).values()}
            answers = pool.wait(0.2)
        [(job, outcome)] = answers
        assert job.run is spec.runs[0] and outcome.status == "finished" and outcome.seconds > 4
        assert {1, 2, 3} <= seen
        pool.give(spec.runs[1], None, 0)
        assert pool.ready == pool.size == 1
        while not (answers := pool.wait(0.5)) and time.monotonic() < end:
            pass
        assert isinstance(answers[0][1], Died)
        assert (pool.ready, pool.size) == (0, 1)
