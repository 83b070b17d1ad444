"""`repose rescore`: the example of docs/adding-a-metric.md scored for runs that finished before it was written."""

import re
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from harness import registry, registry_lines, report, tracking
from harness.cli.main import main
from harness.errors import UserError
from harness.metrics import records
from harness.report.selection import metric
from harness.spec import identity, load
from harness.spec.run import Test
from harness.sweep import body, supplements

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-metric.md"
SPEC = """\
name: small
data: {options: {subjects: 4, clips: 1, seconds: 0.6}, window: 5, cameras: {train: 1, test: 1}}
backbone: {name: videopose3d, filter_widths: [3], channels: 8}
train: {steps: 3, batch: 4, epochs: 2, validate_on: [none]}
test: {occlusion: [none, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}}
grid: {seed: 2}
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SPEC)
    return load(tmp_path / "small.yaml")


@pytest.fixture
def finished(store, spec):
    """Both runs, done before anybody thought of the new metric."""
    for run in spec.runs:
        do(store, spec, run)
    return tracking.finished(store)


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Gives the example a registry line; with a version, that one."""
    text = PAGE.read_text(encoding="utf-8")
    example = textwrap.dedent(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    (tmp_path / "limbs_example.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    name, target, _, summary = re.search(r'"(\w+)": \("([\w.:]+)", (\d+), "(.*)"\)', text).groups()
    target = target.replace("harness.metrics.of_limbs", "limbs_example")

    def forget():
        registry.entries.cache_clear()
        records._metric.cache_clear()

    def line(version=1):
        monkeypatch.setitem(registry_lines.METRICS, name, (target, version, summary))
        forget()

    yield line
    monkeypatch.undo()
    forget()
    sys.modules.pop("limbs_example", None)


def do(store, spec, run):
    logger = tracking.RunLogger(store, run, spec.name, tracking.claim(store, run.run_id, 0, tracking.myself()))
    logger.start().finish(body.execute(run, spec.test, logger, lambda info: logger.log_points(info.curves)))


def rescored(store, spec, wanted=None):
    """As the sweep's workers do it; how many runs lacked something."""
    found = supplements.find(store, tracking.finished(store), wanted or identity.evaluations(spec.test))
    for run in spec.runs:
        if run.run_id in found:
            supplements.evaluate(store, run, found[run.run_id])
    return len(found)


def files(store):
    found = tracking.read_evaluations(store, list(tracking.finished(store)))
    return {path: path.read_bytes() for paths in found.values() for path in paths}


def test_a_metric_invented_today_is_scored_for_finished_runs(store, spec, finished, register):
    before = files(store)
    register()
    with pytest.raises(
        Exception, match=r"no finished run has logged the metric 'limb_error'.*`repose rescore` adds it"
    ):
        table = load(spec.path, ["report.tables=[{rows: objective, columns: test_occlusion, metric: limb_error}]"])
        _ = report.collect(table, store).tables
    assert not supplements.find(store, finished, supplements.of_test(spec.test)), "a sweep doesn't ask for it by itself"
    assert rescored(store, spec) == 2 and rescored(store, spec) == 0
    after = files(store)
    assert before.items() <= after.items() and len(after) == 4
    new = pd.concat(pd.read_parquet(path) for path in after.keys() - before.keys())
    assert set(new["metric"]) == {"limb_error"} and set(new["weights"]) == {"best"}
    made = report.collect(load(spec.path), store)
    shown = next(table for table in made.tables if table.name == "metrics")
    assert ("", "bone length error, mm") in shown.columns
    assert (made.evidence.frame.query("metric == 'limb_error'").groupby("run_id", observed=True).size() == 3).all()


def test_a_new_run_has_it_at_once_and_lacks_nothing(store, spec, register):
    register()
    run = spec.runs[0]
    do(store, spec, run)
    assert rescored(store, spec) == 0
    assert "severe@1/seen/limb_error@1" in tracking.finished(store)[run.run_id].evaluated["evaluation.parquet"]
    assert "limb_error" in set(report.collect(spec, store).evidence.frame["metric"])


def test_an_old_version_of_a_metric_counts_no_more(store, spec, finished, register):
    register()
    rescored(store, spec)
    old = report.collect(spec, store).evidence.frame
    register(version=2)
    stale = report.collect(spec, store).evidence.frame
    assert "limb_error" in set(old["metric"]) and "limb_error" not in set(stale["metric"])
    assert rescored(store, spec) == 2
    again = report.collect(spec, store).evidence.frame
    pd.testing.assert_frame_equal(old, again)  # two versions are in the store, one is counted


def test_a_level_that_is_added_brings_every_metric(store, spec, finished, register):
    register()
    rescored(store, spec)
    more = Test(occlusion=["none", "severe", "minor"], cameras=["seen"])
    assert rescored(store, spec, identity.evaluations(more)) == 2 and rescored(store, spec) == 0
    keys = [key for held in tracking.finished(store).values() for found in held.evaluated.values() for key in found]
    assert len(keys) == len(set(keys)) * 2 and "minor@1/seen/limb_error@1" in keys


def test_files_that_were_made_for_all_metrics_show_one_of_several_versions(register):
    register(version=2)
    test = Test(occlusion=["none"], cameras=["seen"])
    held = {"a": ["none@1/seen"], "b": ["none@1/seen/limb_error@1"], "c": ["none@1/seen/limb_error@2"]}
    counted = identity.counted(held, test)
    assert counted["b"] == set() and counted["c"] == {("none", "seen", "limb_error")}
    assert ("none", "seen", "mpjpe") in counted["a"] and ("none", "seen", "limb_error") not in counted["a"]


def test_another_protocol_scores_nothing_and_reports(store, spec, finished, capsys):
    before = files(store)
    assert main(["rescore", "small.yaml", "--tracking-uri", store, "--protocol", "mean-per-frame"]) == 0
    out = capsys.readouterr().out
    assert "nothing to score" in out and "repose report small.yaml -o test.protocol=mean-per-frame" in out
    assert files(store) == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--metric", "mpjpee"], "unknown metric 'mpjpee'; did you mean 'mpjpe'?"),
        (["--test-occlusion", "sever"], "did you mean 'severe'?"),
        (["--cameras", "unsen"], "unsen"),
        (["--protocol", "mean"], "mean-per-subject"),
        ([], "no run of 'small' is finished"),
    ],
)
@pytest.mark.usefixtures("spec")
def test_bad_input_is_told_in_one_line(store, capsys, flags, said):
    assert main(["rescore", "small.yaml", "--tracking-uri", store, *flags]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_metric_of_an_installed_package_is_registered_without_running_it(tmp_path, monkeypatch, register):
    source = textwrap.dedent(re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1])
    (tmp_path / "own_limbs.py").write_text(source.replace('unit = "mm"', 'unit = "mm"\n    version = 3'))
    register()  # forgets at the end what was registered
    points = [metadata.EntryPoint("own_limb_error", "own_limbs:LimbError", "repose.metrics")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == "repose.metrics" else [])
    registry.entries.cache_clear()
    entry = registry.get("metrics", "own_limb_error")
    assert (entry.version, entry.summary) == (3, "Mean absolute error of bone lengths")
    assert "own_limbs" not in sys.modules and metric("own_limb_error").head == "bone length error, mm"
    assert "none@1/seen/own_limb_error@3" in identity.evaluations(Test(occlusion=["none"], cameras=["seen"]))
    points[0] = metadata.EntryPoint("own_limb_error", "own_limbs:Limbs", "repose.metrics")
    registry.entries.cache_clear()
    with pytest.raises(UserError, match="'own_limb_error' must name a metric"):
        registry.entries("metrics")
