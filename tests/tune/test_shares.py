from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.tune import run_study


@pytest.mark.parametrize("field", ["gpu", "memory"])
def test_a_study_wants_shares_in_numbers(spec_of, store, tmp_path, field):
    with pytest.raises(UserError, match=r"must be a number here, not auto; `repose plan tuned --probe`") as caught:
        run_study(spec_of(resources={field: "auto"}), uri=store)
    assert caught.value.key == f"resources.{field}"
    assert not list(tmp_path.glob("studies/*")), "nothing is begun"
