"""The compiled pair loops against tensor operations, and the range of their exponentials."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from harness import objectives
from harness.objectives import fused_sums, pairwise
from tests.objectives.reference import relational
from tests.objectives.relational_cases import ALONG, EVERY, build, gradient, masks, poses

torch.set_num_threads(1)


def in_tensors(monkeypatch) -> None:
    """Take the way of other devices: whole slabs of pairs by tensor operations."""
    monkeypatch.setattr(fused_sums, "fused_sums", lambda *_: None)


@pytest.mark.parametrize(("axis", "kind", "form"), EVERY)
def test_compiled_loops_equal_tensor_operations(monkeypatch, axis, kind, form):
    joints = 17 if kind in ALONG else 20
    pred, target = poses(3, 7, joints, dtype=torch.float32)
    visible, valid = masks(3, 7, joints)
    rest = (target, visible, valid, torch.tensor([1, 2, 3]))
    for options in ({}, {"weight": "occluded", "min_gap": 0.05}):
        loss = build(axis, kind, form=form, **options)
        found = gradient(loss, pred, *rest)
        with monkeypatch.context() as patch:
            patch.setattr(fused_sums, "_COLUMNS", 8)  # blocks that don't divide the columns
            blocks = gradient(loss, pred, *rest)
            in_tensors(patch)
            expected = gradient(loss, pred, *rest)
            patch.setattr(pairwise, "_SLAB", 40)
            slabs = gradient(loss, pred, *rest)
        steps = form not in ("logistic", "soft")  # their slopes are counts, and exact
        atol = 0 if steps else 1e-6 * expected[1].abs().max().item()
        for value, grad in (found, blocks, slabs):
            torch.testing.assert_close(value, expected[0], rtol=2e-6, atol=0)
            torch.testing.assert_close(grad, expected[1], rtol=0 if steps else 2e-5, atol=atol)


@pytest.mark.parametrize("form", ["logistic", "soft"])
@pytest.mark.parametrize("tau", [0.05, 0.005, 0.0005])
def test_exponentials_never_leave_the_range(form, tau):
    # Gaps up to 2.5 m: 50, 500 and 5,000 times τ; the last two leave single and double precision.
    pred, target = torch.randn(2, 2, 4, 6, 3, generator=torch.Generator().manual_seed(4)).mul_(0.4)
    pred[0, 0, :2, 2] = torch.tensor([-1.25, 1.25])
    slow = gradient(lambda p: relational("spatial", p, target, form=form, tau=tau), pred)
    found = gradient(objectives.build("spatial_rdc", form=form, tau=tau), pred, target)
    torch.testing.assert_close(found[0].double(), slow[0].double(), rtol=2e-6, atol=0)
    torch.testing.assert_close(found[1], slow[1], rtol=1e-4, atol=2e-6 * slow[1].abs().max().item())


def test_without_a_sum_on_a_cpu_no_compiler_loads():
    code = """
import sys
from harness import objectives
objectives.build("spatial_rdc", form="placebo")
assert "torch" in sys.modules
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
