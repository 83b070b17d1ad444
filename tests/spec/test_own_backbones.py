"""Backbones of the user's own in a spec: by file and by entry point, read without being run."""

from __future__ import annotations

import pytest

from harness import registry
from harness.errors import UserError
from harness.spec import load
from harness.spec.catalogue import lines

NET = '''\
"""Never run while a spec is read."""
from typing import Annotated, Literal

from annotated_types import Ge
from torch import nn

raise SystemExit("this file was run")


class Net(nn.Module):
    """One of the user's own."""

    receptive_field = 1
    frames_out = "all"
    causal = False
    version = 3

    def __init__(self, *, channels: Annotated[int, Ge(1)] = 8, form: Literal["a", "b"] = "a") -> None:
        super().__init__()

    @classmethod
    def for_data(cls, *, joints, features, frames, **options):
        return cls(**options)

    def output_frames(self, frames):
        return frames

    def forward(self, x):
        return x
'''
SPEC = """\
name: trial
data: {dataset: synthetic, window: 9}
objectives: {abs: {mpjpe: 1}}
grid:
  backbone: BACKBONE
  seed: 1
"""


@pytest.fixture
def spec(write, tmp_path):
    """Writes a spec in a folder of its own, whose ``nets/net.py`` is the source given."""

    def spec(backbone, source=NET, more="", folder="here"):
        (tmp_path / folder / "nets").mkdir(parents=True, exist_ok=True)
        if source is not None:
            (tmp_path / folder / "nets" / "net.py").write_text(source)
        return write(SPEC.replace("BACKBONE", backbone) + more, f"{folder}/trial.yaml")

    return spec


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a package that offers backbones: (entry points by name, source of ``mine.net``)."""

    def package(points, source=NET):
        site = tmp_path / "site"
        (site / "mine").mkdir(parents=True)
        (site / "mine" / "__init__.py").write_text("raise SystemExit('this package was imported')\n")
        (site / "mine" / "net.py").write_text(source)
        info = site / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        written = "".join(f"{name} = {target}\n" for name, target in points.items())
        (info / "entry_points.txt").write_text(f"[repose.backbones]\n{written}")
        monkeypatch.syspath_prepend(str(site))

    return package


def test_a_file_beside_the_spec_is_named_from_anywhere(spec, tmp_path, monkeypatch):
    path = spec("nets/net.py:Net")
    monkeypatch.chdir(tmp_path)
    (run,) = load(path).runs
    assert run.labels["backbone"] == "nets/net.py:Net"
    assert run.backbone.name.startswith(f"{(tmp_path / 'here' / 'nets' / 'net.py').resolve()}:Net@")


def test_a_file_in_the_working_folder_serves_where_none_is_beside_the_spec(spec, tmp_path, monkeypatch):
    path = spec("other.py:Net", source=None)
    (tmp_path / "other.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    assert len(load(path).runs) == 1


def test_identity_is_the_content_wherever_the_file_is(spec):
    ids = {folder: load(spec("nets/net.py:Net", folder=folder)).runs[0].run_id for folder in ("here", "there")}
    changed = load(spec("nets/net.py:Net", NET + "\n# changed\n", folder="there")).runs[0].run_id
    assert ids["here"] == ids["there"] != changed


def test_options_are_checked_named_and_swept(spec):
    declared = "backbones: {mine: {base: nets/net.py:Net, form: b}}\n"
    swept = declared.replace("\n", "\n") + "include: [{backbone: mine, backbones.mine.channels: 4}]\n"
    loaded = load(spec("[mine, nets/net.py:Net]", more=swept))
    assert [run.backbone.options for run in loaded.runs] == [{"form": "b"}, {}, {"form": "b", "channels": 4}]
    with pytest.raises(UserError, match=r"'chanels'; did you mean 'channels'\?"):
        load(spec("mine", more=declared.replace("form: b", "chanels: 4")))
    with pytest.raises(UserError, match="greater than or equal to 1; got 0"):
        load(spec("mine", more=declared.replace("form: b", "channels: 0")))


LESS = NET.replace("def output_frames", "def outputs").replace("    causal = False\n", "")


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("nets/nett.py:Net", NET, r"nett\.py: no such file; did you mean 'net\.py'\?"),
        ("nets/net.py", NET, r"which class of .*net\.py\? Write net\.py:Net"),
        ("nets/net.py:Nett", NET, r"unknown class of .*net\.py 'Nett'; did you mean 'Net'\?"),
        ("nets/net.py:Net", "x = 1\n", r"net\.py defines no class"),
        ("nets/net.py:Net", "class Net(:\n", r"net\.py:1 is not Python"),
        ("nets/net.py:Net", LESS, r"is no backbone yet: it lacks output_frames\(\), causal; see docs"),
        ("nets/net.py:Net", NET.replace('"all"', '"both"'), 'frames_out must stand in the class as "one" or "all"'),
        ("nets/net.py:Net", NET.replace("self, *, channels", "self, channels"), "options must be keyword-only"),
        ("nets/net.py:Net", NET.replace("Literal[", "Kinds["), "the option 'form' of .* can't be read from its source"),
        ("nets/net.py:Net", NET.replace("= 8", "= int('8')"), "the option 'channels' of .* can't be read"),
        ("nets/net.py:Net", NET.replace("    version", "    fits_window = ('>', 'x')\n    version"), "must be a pair"),
        ("nets/net.py:Net@0123456789abcdef", NET, r"has changed: its digest was 0123456789abcdef"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_when_the_spec_is_read(spec, name, source, message):
    with pytest.raises(UserError, match=message) as caught:
        load(spec(name, source))
    assert caught.value.line in (5, None) and "\n" not in str(caught.value)


def test_a_window_shorter_than_what_it_reads_is_told_as_for_the_shipped_ones(spec):
    source = NET.replace("    version", '    fits_window = (">=", "channels")\n    version').replace("= 8", "= 27")
    with pytest.raises(UserError, match=r"reads 27 frames at a time \(channels\), and a window has 9"):
        load(spec("nets/net.py:Net", source))


def test_a_file_that_changes_after_the_spec_was_read_is_not_trained(spec):
    (run,) = load(spec("nets/net.py:Net", NET.replace("raise SystemExit", "str"))).runs
    entry = registry.get("backbones", run.backbone.name)
    assert registry.load(entry).version == 3
    spec("nets/net.py:Net", NET + "\n")
    with pytest.raises(UserError, match="has changed"):
        registry.get("backbones", run.backbone.name)
    with pytest.raises(UserError, match="has changed"):
        registry.load(entry)


def test_a_package_names_backbones_and_is_not_imported(spec, package):
    package({"mine": "mine.net:Net"})
    (run,) = load(spec("mine")).runs
    assert run.backbone.name == "mine"
    assert registry.get("backbones", "mine").version == 3
    assert any(line.startswith("mine ") and "One of the user's own" in line for line in lines("backbones"))
    with pytest.raises(UserError, match="did you mean 'mine'"):
        load(spec("mime"))


def test_a_packages_version_is_part_of_the_identity(spec, package, tmp_path):
    package({"mine": "mine.net:Net"})
    before = load(spec("mine")).runs[0].run_id
    (tmp_path / "site" / "mine" / "net.py").write_text(NET.replace("version = 3", "version = 4"))
    assert load(spec("mine")).runs[0].run_id != before


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        ("mine.net:Net", NET.replace("    version = 3\n", ""), "Net needs a version"),
        ("mine.net:Nett", NET, r"mine\.net defines no class 'Nett'; did you mean 'Net'\?"),
        ("mine.nett:Net", NET, r"the module mine\.nett, whose source can't be found"),
        ("mine:Net", NET, "name the module that holds the class itself"),
        ("mine.net", NET, "must name a class as package.module:Class"),
    ],
)
def test_what_is_wrong_with_an_entry_point_is_told_when_it_is_used(spec, package, target, source, message):
    package({"mine": target, "sound": "mine.net:Net"}, source)
    with pytest.raises(UserError, match=message) as caught:
        load(spec("mine"))
    assert caught.value.line == 5 and "of the package mine" in str(caught.value)
    assert any(line.startswith("mine ") and "can't be used" in line for line in lines("backbones"))


def test_a_spec_cannot_hide_a_packages_name(spec, package):
    package({"mine": "mine.net:Net"})
    with pytest.raises(UserError, match="'mine' is a registered backbone already"):
        load(spec("mine", more="backbones: {mine: {base: ridge}}\n"))
