"""Indented JSON: the text of the standard library, character for character."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from harness.report.json_text import json_text


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"empty": {}, "none": [], "nothing": None, "yes": True, "no": False},
        [[], [[1, -2], {"a": [{"b": 10**30}]}], ["x"]],
        {'quoted "': 'back\\slash, \n, \t, \x00, "', "letters": "λ – é \u2028 😀"},
        [0.1, -0.0, 1e-7, 1e22, 123456789.125, 5e-324, 2.0, np.float64(0.25)],
        "text",
        ((), (1, "two"), Counter(["a", "a"])),
    ],
)
def test_as_the_standard_library_writes_it(content):
    assert json_text(content) == json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_that_json_lacks(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": [value]})
