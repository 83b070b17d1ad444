import subprocess
import sys

import pytest

from harness.sweep import faults


def test_no_fault_is_planned_by_default_and_a_misspelt_one_is_refused(monkeypatch):
    monkeypatch.delenv(faults.VARIABLE, raising=False)
    assert faults.planned() is None
    monkeypatch.setenv(faults.VARIABLE, "mid-epock:/elsewhere/x")
    with pytest.raises(ValueError, match="mid-epoch"):
        faults.planned()


def test_a_fault_kills_at_its_moment_and_once(tmp_path):
    code = (
        "import sys; from harness.sweep.faults import reach; fault = sys.argv[1]; "
        "reach('after-record', fault); reach('mid-epoch', fault); print('alive')"
    )
    command = [sys.executable, "-c", code, f"mid-epoch:{tmp_path / 'fired'}"]
    assert subprocess.run(command, capture_output=True).returncode == -9
    assert subprocess.run(command, capture_output=True).stdout == b"alive\n"
