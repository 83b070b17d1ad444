"""Figures that another process draws meanwhile: the same ones, and none is waited for in vain."""

from types import SimpleNamespace

import pytest

from harness import report
from harness.cli import drawing
from harness.cli.aside import Answers, Aside
from harness.cli.cost import Counts
from harness.report.figures import FROM_CURVES, Drawn, figures

CHOSEN = ["occlusion", "difference", {"depth_order": {"level": "severe"}}, "cost"]


def test_another_process_draws_the_same_figures(networks):
    spec = SimpleNamespace(report={"figures": CHOSEN[1:3]})
    here = figures(networks, CHOSEN[1:3])
    other = Aside()
    try:
        asked = drawing.begun(other, SimpleNamespace(spec=spec, evidence=networks), Counts([], {}))
        assert asked.wait(3)  # two that are begun, two that are drawn
        assert figures(networks, CHOSEN[1:3], asked) == here and dict(asked.come()) == here
    finally:
        other.close()


def test_what_is_drawn_from_curves_alone_needs_no_row_and_is_begun_before_they_are_read(ablation):
    ablation.spec.report.figures = ["occlusion", *FROM_CURVES]
    for run_id, points in ablation.points.items():
        ablation.points[run_id] = [*points, ("share/spatial_rdc", 300, 0.1), ("share/spatial_rdc", 600, 0.2)]
    whole = report.collect(ablation.spec, source=ablation)
    other, early = Aside(), []
    try:

        def before(known):
            assert known.evidence.frame.empty and not early
            early.append(drawing.ahead(other, known))

        found = report.collect(ablation.spec, source=ablation, before=before)
        assert early[0].wait(2 * len(FROM_CURVES) - 1)
        assert dict(early[0].come()) == {
            name: whole.figures.get(name, whole.figures.lacking.get(name)) for name in FROM_CURVES
        }
        asked = drawing.begun(other, found, Counts([], {}), early[0])
        assert asked.wait(2 * len(FROM_CURVES) + 1) and asked.come()[-1][0] == "occlusion"
        assert figures(found.evidence, ablation.spec.report.figures, asked) == whole.figures
    finally:
        other.close()


@pytest.mark.parametrize("lost", [False, True])
def test_what_the_other_has_begun_is_waited_for_unless_it_is_lost(networks, lost, monkeypatch):
    asked, drawn = Answers(), Drawn("theirs", "<svg/>", b"%PDF")
    come = [("cost", None), ("cost", "nobody counted"), ("depth_order", None), ("depth_order", drawn)]
    for told in (*come, ("difference", None)):
        asked.put(told)
    waited = []

    def wait(beyond):
        waited.append(beyond)
        asked.end() if lost else asked.put(("difference", drawn))
        return not lost

    monkeypatch.setattr(asked, "wait", wait)
    found = figures(networks, ["occlusion", "occlusion", *CHOSEN], asked)
    assert waited == [5]
    whose = {stem: one.caption == "theirs" for stem, one in found.items()}
    here = dict.fromkeys(["occlusion", "occlusion2", "occlusion3"], False)
    assert whose == {**here, "difference": not lost, "depth_order": True}
    assert found.lacking == {"cost": "nobody counted"}
    assert list(found) == [*here, "difference", "depth_order"]


@pytest.mark.parametrize("lost", [False, True])
def test_the_last_two_are_left_to_the_other_unless_it_is_lost(networks, lost, monkeypatch):
    """To load what one draws with takes longer than they do."""
    asked, drawn = Answers(), Drawn("theirs", "<svg/>", b"%PDF")
    for told in (("cost", "nobody counted"), ("depth_order", drawn)):
        asked.put(told)
    more = iter([("difference", None), ("difference", drawn), ("occlusion", None), ("occlusion", drawn)])

    def wait(beyond):
        asked.end() if lost else asked.put(next(more))
        return not lost

    monkeypatch.setattr(asked, "wait", wait)
    found = figures(networks, CHOSEN, asked)
    assert [one.caption == "theirs" for one in found.values()] == [not lost, not lost, True]
