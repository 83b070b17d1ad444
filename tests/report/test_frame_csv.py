"""`runs.csv`, written faster than pandas would and no different."""

import numpy as np
import pandas as pd

from harness.report.frame_csv import frame_csv


def written(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def test_every_sort_of_value_is_written_as_pandas_does(monkeypatch):
    rng = np.random.default_rng(0)
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -7.0, 1e15, 1e16, 123456789012345.5, 1e10, 0.5, 1e-3, 1e-4, 1e-5]
    values = [rng.normal(50, 20, 500).round(4), rng.normal(0, 1, 500) * 10.0 ** rng.integers(-300, 300, 500), odd]
    values = np.concatenate([*values, np.round(rng.normal(0, 0.01, 500), 4)])
    words = np.array(["x", "y, z", 'a "word"', "", "ü\nnext", " led", "-"])
    frame = pd.DataFrame(
        {
            "arm": pd.Categorical(words[rng.integers(0, len(words), len(values))]),
            "a, b": words[rng.integers(0, len(words), len(values))],
            "value": values,
            "seed": rng.integers(-5, 10**12, len(values)),
            "last": values[::-1],
        }
    )
    assert frame_csv(frame) == written(frame)
    monkeypatch.setattr("harness.report.frame_csv._ROWS", 100)
    assert frame_csv(frame) == written(frame)
    assert frame_csv(frame[["value", "arm"]][:0]) == written(frame[["value", "arm"]][:0])


def test_a_category_that_is_not_there_is_an_empty_place():
    frame = pd.DataFrame({"arm": pd.Categorical(["a", None, "b"]), "seed": [0, 1, 2]})
    assert frame_csv(frame) == written(frame)
