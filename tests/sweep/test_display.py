import io

from rich.console import Console

from harness.sweep.answers import Answers
from harness.sweep.display import Counts, Display, clock
from harness.sweep.outcome import SweepOutcome
from harness.sweep.pool import Job
from harness.sweep.worker import Outcome, Progress
from tests.sweep.bodies import FakeRun


def test_plain_lines_without_a_terminal():
    counts, out = Counts(total=10, skipped=3, todo=7, workers=2), io.StringIO()
    with Display(counts, Console(file=out)) as display:
        assert not display.live
        counts.finished, counts.seconds = 1, [60.0]
        display.finished("both 3", 60.0, 81.25)
        display.update({"abs 1": (3.0, Progress(1, 4, 90.0))})
    assert out.getvalue().splitlines() == [
        "7 of 10 runs to do, 3 finished before, 2 workers",
        "4/10 finished: both 3 in 1 min 00 s, 81.2 mm, about 3 min 00 s left",
    ]
    assert "\x1b" not in out.getvalue()


def test_runs_that_had_not_settled_are_counted_while_there_is_time_to_stop():
    counts, out = Counts(total=10, skipped=3, todo=7, workers=2, failed=1), io.StringIO()
    with Display(counts, Console(file=out)) as display:
        answers = Answers(None, SweepOutcome(), display, retries=1)
        for seed, falling in enumerate((1.0, 0.0, 1.0)):
            figures = {"val_mpjpe_best": 80.0, "falling": falling}
            answers.take(Job(FakeRun(seed), None), Outcome("finished", summary=figures, seconds=9.0))
    assert counts.line() == "6/10 finished, 2 still falling, 1 failed"
    assert "4/10 finished, 1 still falling, 1 failed: " in out.getvalue()


def test_plain_lines_are_thinned_out_when_runs_are_short():
    counts, out = Counts(total=500, skipped=0, todo=500, workers=2), io.StringIO()
    with Display(counts, Console(file=out)) as display:
        for _ in range(500):
            counts.finished += 1
            display.finished("abs", 0.01, None)
        display.say("failed: abs 7: it broke")
    assert len(out.getvalue().splitlines()) < 10
    assert "it broke" in out.getvalue()


def test_a_terminal_shows_counts_current_runs_time_left_and_the_best():
    counts = Counts(
        total=4, skipped=0, todo=4, workers=2, finished=2, failed=1, best=("both 2", 71.0), seconds=[10, 30]
    )
    out = io.StringIO()
    with Display(counts, Console(file=out, force_terminal=True, width=100)) as display:
        assert display.live
        display.update({"abs 1": (5.0, Progress(30, 40, 88.0)), "abs 2": (0.5, Progress())})
        display._live.refresh()
    shown = out.getvalue()
    for text in ("2/4 finished, 1 failed", "abs 1  30/40", "88.0 mm", "starting", "best so far: 71.0 mm", "left"):
        assert text in shown


def test_the_time_left_counts_what_current_runs_have_done():
    counts = Counts(total=4, skipped=0, todo=4, workers=2)
    assert counts.eta({}) is None
    assert counts.eta({"a": (10.0, Progress(1, 2)), "b": (10.0, Progress(1, 2))}) == 3 * 20 / 2
    counts.seconds, counts.finished = [20.0], 3
    assert counts.eta({"a": (10.0, Progress(1, 2))}) == 5.0


def test_evaluations_are_counted_and_timed_apart_from_runs():
    counts, out = Counts(total=4, skipped=3, todo=1, workers=2, evaluations=3), io.StringIO()
    with Display(counts, Console(file=out)) as display:
        counts.evaluated, counts.evaluation_seconds = 1, [4.0]
        assert counts.eta({}) is None
        counts.seconds = [10.0]
        assert counts.eta({}) == (10.0 + 2 * 4.0) / 2
        display.finished("evaluation of abs 0", 4.0, None)
    assert out.getvalue().splitlines() == [
        "1 of 4 runs to do, 3 finished before, 3 to evaluate, 2 workers",
        "3/4 finished, 1/3 evaluated: evaluation of abs 0 in 4.0 s, about 9.0 s left",
    ]
    counts.finished, counts.unevaluated = 1, 2
    assert counts.line() == "4/4 finished, 1/3 evaluated, 2 evaluations failed"


def test_clock():
    assert [clock(s) for s in (0.44, 42, 185, 7800)] == ["0.4 s", "42 s", "3 min 05 s", "2 h 10 min"]
