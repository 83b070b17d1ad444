"""Curves of runs, read when they are asked for."""

import numpy as np

from harness.report.curve_files import Curves
from harness.tracking.artifacts import curves_bytes


def test_a_curve_is_read_by_step_and_only_when_asked_for(tmp_path):
    file = tmp_path / "curves.parquet"
    file.write_bytes(curves_bytes([("val_mpjpe", 20, 40.0), ("loss", 10, 1.0), ("val_mpjpe", 10, 50.0)]))
    curves = Curves({"here": file, "nowhere": tmp_path / "gone.parquet"})
    assert set(curves) == {"here", "nowhere"} and len(curves) == 2 and curves.get("unknown") is None
    np.testing.assert_array_equal(curves["here"], [[10, 50], [20, 40]])
    file.unlink()
    assert curves["here"] is curves["here"]
