"""The page of `repose data show` in a real browser: it plays, turns, shows what is hidden, asks for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.services.conftest import repose

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of the built-in motion at two levels."""
    folder = tmp_path_factory.mktemp("show")
    small = ("-o", "data.options={subjects: 4, clips: 2, seconds: 1.0}")
    asked = ("--occlusion", "minor", "severe", "--clips", "2", "--out", "look.html")
    repose("data", "show", "quickstart", *small, *asked, cwd=folder)
    return folder / "look.html"


@pytest.fixture
def player(page, shown):
    page.goto(shown.as_uri())
    yield page
    assert page.complaints == []


def frame(page) -> int:
    return int(re.search(r"frame ([\d,]+) of", page.locator("#player output").inner_text())[1].replace(",", ""))


def picture(page) -> str:
    return page.evaluate("document.querySelector('#player canvas').toDataURL()")


def test_it_plays_and_turns(player):
    first, drawn = frame(player), picture(player)
    player.locator("#player button").click()
    player.wait_for_function(
        "before => !document.querySelector('#player output').textContent.includes(`frame ${before} of`)", arg=first
    )
    assert picture(player) != drawn
    player.locator("#player button").click()
    canvas, still = player.locator("#player canvas"), picture(player)
    canvas.press("ArrowLeft")
    assert picture(player) != still
    canvas.press("Home")
    assert picture(player) == still


def test_every_clip_and_level_is_told_and_drawn(player):
    select, seen = player.locator("#player select"), set()
    assert select.locator("option").count() == 2
    for index in range(2):
        select.select_option(index=index)
        said = player.locator("#player output").inner_text()
        assert re.search(r"minor \d+ of 17 hidden, severe \d+ of 17 hidden", said)
        colours = player.evaluate(
            """() => {
              const canvas = document.querySelector('#player canvas'), { width, height } = canvas;
              const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
              copy.drawImage(canvas, 0, 0);
              const { data } = copy.getImageData(0, 0, width, height);
              const found = new Set();
              for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) found.add(data.slice(i, i + 3).join());
              return found.size;
            }"""
        )
        assert colours > 3, "bones, crosses and dots have colours of their own"
        seen.add(picture(player))
    assert len(seen) == 2
