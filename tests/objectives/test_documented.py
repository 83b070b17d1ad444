"""The page of loss terms."""

from pathlib import Path

from harness import registry


def test_every_term_has_its_place_on_the_page():
    page = (Path(__file__).parents[2] / "docs" / "losses.md").read_text(encoding="utf-8")
    assert [name for name in registry.entries("losses") if f"`{name}`" not in page] == []
