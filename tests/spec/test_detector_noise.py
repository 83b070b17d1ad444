"""``data.noise: {detector: …}`` in specs: read, hashed by content, labelled, refused where it can't be."""

import json
from dataclasses import asdict

import pytest

from harness.data.detector_file import read
from harness.errors import UserError
from harness.spec import load
from harness.spec.conditions import CONDITIONS, is_condition
from harness.spec.run import Data, Run


@pytest.fixture
def spec(write, base):
    def make(noise, grid=""):
        text = base.replace("window: 27", f"window: 27, noise: {noise}")
        return write(text.replace("grid:", f"grid:\n  {grid}") if grid else text)

    return make


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.json"
    joints = {pattern: asdict(error) for pattern, error in read("plausible").joints}
    path.write_text(json.dumps({"format": 1, "name": "mine", "joints": joints}))
    return path


def test_it_is_hashed_by_content_alone(spec, mine):
    shipped = load(spec("{detector: plausible}")).runs[0]
    own = load(spec("{detector: mine.json}")).runs[0]  # beside the spec
    assert own.run_id == shipped.run_id != load(spec("4")).runs[0].run_id
    assert own.data.noise.detector == str(mine) and own.data.noise.digest == read("plausible").digest
    assert Run.model_validate_json(own.model_dump_json()).run_id == own.run_id
    assert load(spec("{detector: plausible, scale: 2}")).runs[0].run_id != shipped.run_id
    text = json.loads(mine.read_text())
    text["joints"]["*hip"]["spread"] = 0.05
    mine.write_text(json.dumps(text))
    assert load(spec("{detector: mine.json}")).runs[0].run_id != shipped.run_id


def test_a_declared_digest_stands_for_a_file_that_is_not_there_and_no_other_is_taken(spec, mine):
    digest = read("plausible").digest
    gone = load(spec(f"{{detector: gone.json, digest: {digest}}}")).runs[0]
    assert gone.run_id == load(spec("{detector: plausible}")).runs[0].run_id
    with pytest.raises(UserError, match=r"data.noise: .*mine.json' is another one: declared is 0000000000000000"):
        load(spec('{detector: mine.json, digest: "0000000000000000"}'))


def test_it_can_be_an_axis(spec):
    found = load(spec("4", "data.noise: [4, {detector: plausible}, {detector: plausible, scale: 2}]"))
    assert found.axes["data.noise"] == ["4", "plausible", "plausible × 2"]
    scales = load(spec("{detector: plausible}", "data.noise.scale: [0.5, 1, 2]"))
    assert scales.axes["data.noise.scale"] == ["0.5", "1", "2"] and len({r.run_id for r in scales.runs}) == len(
        scales.runs
    )
    assert is_condition("data.noise.scale")
    told = CONDITIONS["data.noise"]
    assert [told(Data(noise=n)) for n in (4, {"detector": "plausible"})] == [4, "plausible"]


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("-1", r"data.noise: Input should be greater than or equal to 0; got -1"),
        ("{detector: plausble}", "data.noise: unknown detector 'plausble'; did you mean 'plausible'"),
        ("{detector: nowhere.json}", r"data.noise: .*nowhere.json: .*can't be read"),
        ("{detector: plausible, scal: 2}", "data.noise: unknown key 'scal'; did you mean 'scale'"),
        ("{detectr: plausible}", "data.noise: unknown key 'detectr'; did you mean 'detector'"),
        ("{scale: 2}", "data.noise: 'detector' is missing: expected a number of pixels, or {detector: …}"),
        ("{detector: plausible, scale: 0}", "data.noise: scale: Input should be greater than 0; got 0"),
    ],
)
def test_what_it_cannot_be(spec, noise, message):
    with pytest.raises(UserError, match=message) as caught:
        load(spec(noise))
    assert caught.value.line


def test_a_detector_of_other_joints_is_found_at_validation(spec, tmp_path):
    few = {"format": 1, "name": "few", "joints": {"*hip": {"spread": 0.1}}}
    (tmp_path / "few.json").write_text(json.dumps(few))
    with pytest.raises(UserError, match=r"data.noise: the detector 'few' says nothing of the joint 'RKnee'"):
        load(spec("{detector: few.json}"), data="check")
