import json
from types import SimpleNamespace

import numpy as np
import pytest

from harness import own_backbones, registry
from harness.data import cache
from harness.errors import UserError
from harness.spec import load
from harness.spec.run import Checkpoint, Choice, Data, Run
from harness.sweep import freight
from tests.spec.test_own_backbones import NET, SPEC


@pytest.fixture
def near(tmp_path, monkeypatch):
    """A clip file with its side file, and an empty cache."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    folder = tmp_path / "driver"
    folder.mkdir()
    np.savez_compressed(folder / "clips.npz", **{"S01/walk": np.zeros((3, 17, 3), np.float32)})
    (folder / "clips.json").write_text(json.dumps({"fps": 50}))
    return folder / "clips.npz"


def run_on(path, **more) -> Run:
    objective = {} if more else {"mpjpe": {"weight": 1.0}}
    return Run(data=Data(dataset="mocap", path=str(path)), backbone=Choice(name="x"), objective=objective, **more)


def test_what_runs_read_is_lacking_where_it_is_absent_or_of_another_size(near):
    weights = near.with_name("weights.pt")
    weights.write_bytes(b"weights")
    runs = [run_on(near), run_on(near, checkpoint=Checkpoint(path=str(weights), digest="0" * 16)), run_on("/gone.npz")]
    files = freight.read_by([*runs, SimpleNamespace()])
    assert files == {str(near): near.stat().st_size, str(weights): 7}
    assert freight.lacking(files) == []
    weights.write_bytes(b"others!!")
    near.unlink()
    assert freight.lacking(files) == [str(near), str(weights)]


@pytest.mark.usefixtures("ray_session")
def test_a_file_goes_through_the_object_store_once_and_a_run_reads_it_where_it_is_put(near, monkeypatch):
    monkeypatch.setattr(freight, "_CHUNK", 100)
    content, beside = near.read_bytes(), near.with_suffix(".json").read_bytes()
    assert len(content) > 200
    depot = freight.Depot()
    parcels = depot.pack([str(near)])
    assert depot.pack([str(near)]) == parcels and len(depot.said) == 1
    near.unlink(), near.with_suffix(".json").unlink()
    places = freight.receive(parcels)
    [place] = [cache.folder() / "files" / parcel.digest / "clips.npz" for parcel in parcels]
    assert places == {str(near): str(place)}
    assert place.read_bytes() == content and place.with_suffix(".json").read_bytes() == beside
    asked = []
    monkeypatch.setattr("ray.get", lambda *given: asked.append(given))
    assert freight.receive(parcels) == places and not asked, "the node has it"
    run = run_on(near)
    there = freight.moved(run, places)
    assert there.data.path == str(place) and there.data.options == run.data.options
    assert freight.moved(run_on("/other.npz"), places).data.path == "/other.npz"


@pytest.mark.usefixtures("ray_session")
def test_a_cache_that_cannot_be_written_is_named(near, monkeypatch):
    parcels = freight.Depot().pack([str(near)])
    monkeypatch.setenv(cache.VARIABLE, str(near))  # a file
    with pytest.raises(UserError, match=f"the cache {near} can't hold the data.*{cache.VARIABLE}"):
        freight.receive(parcels)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A run of a backbone of the user's own, and the file that it is in; what is placed here is forgotten again."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(own_backbones, "_PLACES", {})
    (tmp_path / "net.py").write_text(NET.replace('raise SystemExit("this file was run")', ""))
    (tmp_path / "net.json").write_text("not a part of it")
    (tmp_path / "trial.yaml").write_text(SPEC.replace("BACKBONE", "net.py:Net"))
    return load(tmp_path / "trial.yaml").runs[0], tmp_path / "net.py"


def test_the_source_of_an_own_backbone_is_lacking_where_its_content_is_another(own):
    run, file = own
    files = freight.read_by([run])
    assert list(files) == [str(file)] and freight.lacking(files) == []
    file.write_text(file.read_text().replace("channels", "Channels"))
    assert freight.lacking(files) == [str(file)], "of the same size"
    file.unlink()
    assert freight.lacking(files) == [str(file)]


@pytest.mark.usefixtures("ray_session")
def test_an_own_backbone_is_imported_from_where_it_is_put_under_the_same_name_and_identity(own):
    run, file = own
    content, run_id, name = file.read_bytes(), run.run_id, run.backbone.name
    parcels = freight.Depot().pack([str(file)])
    file.unlink()
    with pytest.raises(UserError, match="no such file"):
        registry.get("backbones", name)
    places = freight.receive(parcels)
    [place] = (cache.folder() / "files").glob("*/*")
    assert places == {str(file): str(place)} and place.read_bytes() == content
    there = freight.moved(run, places).model_copy()
    assert there.backbone.name == name and type(there).model_validate(there.model_dump()).run_id == run_id
    entry = registry.get("backbones", name)
    assert registry.load(entry)(channels=3).causal is False and set(registry.options(entry)) == {"channels", "form"}
    place.write_text(NET)
    with pytest.raises(UserError, match="has changed"):
        registry.get("backbones", name)
