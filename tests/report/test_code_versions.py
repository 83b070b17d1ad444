"""What a report says of runs that were not all trained by the same code."""

import json

import pytest

from harness import report


@pytest.fixture
def told(ablation, tmp_path):
    """The warnings about code, of runs whose records have these fields in turn; and the report's identity."""
    ablation.spec.report.figures = []
    finished = ablation.finished

    def write(*fields):
        def changed(run_ids):
            records = finished(run_ids)
            for number, record in enumerate(records.values()):
                vars(record).update(fields[number % len(fields)])
            return records

        ablation.finished = changed
        file = report.write(ablation.spec, out=tmp_path / "out", source=ablation).parent / "report.json"
        found = json.loads(file.read_text())
        page = (file.parent / "report.html").read_text()
        warnings = [line for line in found["warnings"] if "versions of the code" in line]
        assert all(line in page for line in warnings)
        return warnings, found["identity"]

    return write


def test_two_versions_are_told_with_their_runs(told):
    [warning], identity = told({"code": "aaaa", "commit": "c1"}, {"code": "bbbb", "commit": "c2"}, {"code": "aaaa"})
    assert warning.startswith("2 versions of the code trained these runs: aaaa (")
    assert "A difference between arms may be one between versions" in warning
    assert "aaaa (" in identity["training code"] and "bbbb (" in identity["training code"]


def test_commits_that_leave_the_training_alone_are_one_version(told):
    warnings, identity = told({"code": "aaaa", "commit": "c1"}, {"code": "aaaa", "commit": "c2", "dirty": True})
    assert not warnings and identity["training code"] == "aaaa" and "c1" in identity["git commit"]


def test_older_records_are_told_apart_by_their_commits(told):
    warnings, identity = told({"commit": "c1"}, {"commit": "c2"})
    assert len(warnings) == 1 and "c1 (clean) (" in warnings[0] and "training code" not in identity


def test_an_older_record_of_the_same_commit_is_of_the_same_version(told):
    assert not told({"commit": "c1"}, {"commit": "c1", "code": "aaaa"}, {"commit": ""})[0]
    assert told({"commit": "c0"}, {"commit": "c1", "code": "aaaa"})[0]
