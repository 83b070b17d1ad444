"""Claims are decided a second time, and a verdict that the numbers don't bear is found."""

import json
from types import SimpleNamespace

import pytest

from harness import report
from harness.report.verify import verify
from harness.spec.claims import Claim
from harness.tracking import Registration

START = 1_700_000_000.0
SAID = {
    "supported": {"at_least": 5.0},
    "refuted": {"at_least": 30.0},
    "equivalent": {"at_least": 9.6, "margin": 15.0},
    "inconclusive": {"at_least": 9.6},
    "undecided": {"arm": "temporal"},
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("once") / "out"


@pytest.fixture
def made(make):
    """Spatial is 8 to 12 mm better, temporal's runs hadn't converged; one claim for each verdict."""
    gains = (8.0, 9.0, 10.0, 11.0, 12.0)
    errors = {("abs", s): 100.0 + s for s in range(5)}
    errors |= {("spatial", s): 100.0 + s - gain for s, gain in enumerate(gains)}
    errors |= {("temporal", s): 95.0 + s**1.5 for s in range(5)}
    found = make(errors)
    found.spec.claims = [
        Claim(**{"text": f"{verdict} it is", "arm": "spatial", "versus": "abs", "direction": "lower", **changes})
        for verdict, changes in SAID.items()
    ]
    found.spec.digest = "now"
    for one in found.spec.runs:
        falling = one.labels["objective"] == "temporal"
        found.figures[one.run_id] = {"late_gain": 3.0 if falling else -0.1, "falling": falling, "parameters": 10.0}
    finished = found.finished
    found.finished = lambda ids: {r: SimpleNamespace(**vars(x), started=START) for r, x in finished(ids).items()}
    found.registered = lambda spec: {
        c.digest(spec.name): Registration(START + (1 if i == 2 else -1), "now") for i, c in enumerate(spec.claims)
    }
    found.spec.report.figures = ["occlusion"]
    return found


@pytest.fixture
def folder(made, cache):
    return cache.parent / "out" if cache.exists() else report.write(made.spec, out=cache, source=made).parent


def test_every_verdict_is_found_again(made, folder):
    table = json.loads((folder / "report.json").read_text())["claims"]
    assert [row["cells"][0]["text"] for row in table["rows"]] == list(SAID)
    assert [row["cells"][3]["text"] for row in table["rows"]].index("post hoc") == 2
    found = verify(folder, made.spec, made)
    assert found.mismatches == [] and found.counts["claims"] > 20


@pytest.mark.parametrize(
    "old, new", [("refuted", "supported"), ("undecided", "refuted"), ("post hoc", "before the runs")]
)
def test_another_verdict_is_found(made, folder, old, new):
    path = folder / "report.json"
    before = path.read_text()
    try:
        path.write_text(before.replace(f'"text": "{old}"', f'"text": "{new}"'))
        assert any(m.cell.startswith("claim ") and m.found == new for m in verify(folder, made.spec, made).mismatches)
    finally:
        path.write_text(before)


def test_a_claims_number_in_a_file_for_programs(made, folder):
    path = folder / "tables/claims.csv"
    before = path.read_text()
    try:
        path.write_text(before.replace("2. refuted", "3. refuted", 1))
        assert [one.file for one in verify(folder, made.spec, made).mismatches] == ["tables/claims.csv"]
    finally:
        path.write_text(before)


def test_a_claim_that_the_spec_has_and_the_report_has_not(made, folder):
    made.spec.claims = made.spec.claims[1:]
    assert any(one.cell == "sentences" for one in verify(folder, made.spec, made).mismatches)


def test_what_is_claimed_is_read_in_the_spec(made, folder):
    claim = made.spec.claims[0]
    made.spec.claims[0] = claim.model_copy(update={"at_least": 4.0})
    found = [one.cell for one in verify(folder, made.spec, made).mismatches]
    assert "claim 1, as the spec has it" in found
