"""The player of a report's page in a real browser: it plays, it obeys mouse and keyboard, it complains of nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.services.conftest import repose

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def report(swept: Path) -> Path:
    """The page of fresh runs."""
    return swept / "results" / "smoke" / "report.html"


@pytest.fixture
def player(page, report):
    """The page with its player in sight."""
    page.goto(report.as_uri())
    page.locator("#player").scroll_into_view_if_needed()
    yield page
    assert page.complaints == []


def frame(page) -> int:
    """The number of the frame that is shown, as a reader is told it."""
    return int(re.match(r"frame ([\d,]+) of", page.locator("#player output").inner_text())[1].replace(",", ""))


def picture(page) -> str:
    return page.evaluate("document.querySelector('#player canvas').toDataURL()")


def wait_for_another(page, before: int) -> None:
    page.wait_for_function(
        "before => !document.querySelector('#player output').textContent.startsWith(`frame ${before} of`)", arg=before
    )


def test_play_moves_and_pause_holds(player):
    button = player.locator("#player button")
    first, drawn = frame(player), picture(player)
    assert button.inner_text() == "Play"
    button.click()
    assert button.inner_text() == "Pause"
    wait_for_another(player, first)
    assert picture(player) != drawn
    button.click()
    held, still = frame(player), picture(player)
    player.wait_for_timeout(300)
    assert (frame(player), picture(player)) == (held, still)


def test_it_plays_to_the_end_and_begins_again(player):
    slider = player.locator("#player input")
    slider.press("End")
    last, top = frame(player), int(slider.get_attribute("max"))
    assert slider.input_value() == str(top)
    player.locator("#player button").click()
    player.wait_for_function("top => Number(document.querySelector('#player input').value) < top", arg=top)
    assert frame(player) < last


def test_the_slider_obeys_mouse_and_keys(player):
    slider = player.locator("#player input")
    first, drawn = frame(player), picture(player)
    slider.press("ArrowRight")
    step = frame(player) - first
    assert step >= 1 and picture(player) != drawn
    slider.press("ArrowLeft")
    assert (frame(player), picture(player)) == (first, drawn)
    box = slider.bounding_box()
    player.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    half = (frame(player) - first) / step
    assert abs(half - int(slider.get_attribute("max")) / 2) <= 2
    assert slider.get_attribute("aria-valuetext").startswith(f"frame {frame(player)} of")


def test_dragging_and_arrow_keys_turn_the_bodies(player):
    canvas, first = player.locator("#player canvas"), frame(player)
    start = picture(player)
    box = canvas.bounding_box()
    player.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    player.mouse.down()
    player.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 20, steps=3)
    player.mouse.up()
    dragged = picture(player)
    assert dragged != start
    canvas.press("Home")
    assert picture(player) == start
    for key in ("ArrowLeft", "ArrowUp"):
        before = picture(player)
        canvas.press(key)
        assert picture(player) != before
    assert frame(player) == first  # turning isn't playing


def test_all_of_it_is_reached_by_keyboard(player):
    player.locator("#player select").focus()
    reached = []
    for _ in range(4):
        reached.append(player.evaluate("document.activeElement.tagName"))
        player.keyboard.press("Tab")
    assert reached == ["SELECT", "BUTTON", "INPUT", "CANVAS"]
    player.locator("#player canvas").focus()
    first = frame(player)
    player.keyboard.press("Space")
    wait_for_another(player, first)
    player.keyboard.press("Space")
    assert player.locator("#player button").inner_text() == "Play"


def test_another_clip_is_another_picture(player):
    select = player.locator("#player select")
    assert select.locator("option").count() > 1
    before = picture(player)
    select.select_option(index=1)
    assert picture(player) != before and player.locator("#player input").input_value() == "0"


def test_the_numbers_shown_are_those_of_the_page(player):
    held = json.loads(player.locator("#player-data").text_content())
    clip = held["clips"][0]
    for name, mm in zip(held["names"], clip["errors"][0], strict=True):
        assert f"{name} {mm:.1f} mm" in player.locator("#player output").inner_text()


def test_it_fits_a_narrow_page(player):
    player.set_viewport_size({"width": 400, "height": 900})
    player.wait_for_function("() => document.querySelector('#player canvas').clientWidth < 400")
    assert player.evaluate("document.documentElement.scrollWidth") <= 400
    box = player.locator("#player canvas").bounding_box()
    assert box["height"] > box["width"]  # two rows of two


def test_the_policy_of_the_page_holds(page, report, tmp_path):
    """What the player's piece might fetch, the browser refuses; the player needs none of it."""
    text = report.read_text(encoding="utf-8")
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace('<div id="player"', '<img src="http://127.0.0.1:9/x.png"><div id="player"', 1))
    page.goto(changed.as_uri())
    page.wait_for_timeout(300)
    assert any("Content Security Policy" in said for said in page.complaints)
    assert page.locator("#player").is_visible()


def test_without_scripts_the_still_stays(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert not page.locator("#player").is_visible()
    assert "a frame of each stands among the figures" in page.locator("#clips").inner_text()
    assert page.locator("#figure-clips svg").is_visible()
    context.close()


def test_left_out_by_choice_or_for_lack_of_weights(page, swept, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(swept, place)
    store = f"sqlite:///{swept}/runs/mlflow.db"
    repose("report", "smoke", "--no-player", "--tracking-uri", store, cwd=place)
    page.goto((place / "results" / "smoke" / "report.html").as_uri())
    assert page.locator("#clips").count() == 0 and page.complaints == []
    repose("report", "smoke", "--clips", "1", "--tracking-uri", store, cwd=place)
    page.goto((place / "results" / "smoke" / "report.html").as_uri())
    assert page.locator("#player select option").count() == 1 and page.complaints == []
