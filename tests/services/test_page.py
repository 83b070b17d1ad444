"""The report's page in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def opened(page, report: Path):
    page.goto((report / "report.html").as_uri())
    return page


def pages(swept: Path) -> list[Path]:
    """The report of fresh runs, and those the repository ships."""
    shipped = Path(__file__).parents[2] / "results"
    return [swept / "results" / "smoke", *sorted(path.parent for path in shipped.glob("*/report.html"))]


def test_no_complaint_and_nothing_fetched(page, swept):
    for report in pages(swept):
        opened(page, report)
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(300)
        assert page.complaints == [], report
        assert page.locator("h1").inner_text()


def test_the_body_never_scrolls_sideways(page, swept):
    for width in (1280, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for report in pages(swept):
            opened(page, report)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (report, width)


def column(page, table: str, index: int) -> list[str]:
    return page.locator(f"#{table} tbody tr td:nth-child({index + 1})").all_inner_texts()


def first_number(text: str) -> float:
    return float(re.match(r"[+<]?(-?[\d.]+)", text.replace(",", "").replace("−", "-"))[1])


@pytest.mark.parametrize("by", ["click", "keyboard"])
def test_tables_sort(page, swept, by):
    opened(page, swept / "results" / "smoke")
    table = page.locator("section:has(table thead button)").first.get_attribute("id")
    heads = page.locator(f"#{table} thead tr:last-child th")
    # The last column holds numbers; the first ones hold names.
    place = heads.count() - 1
    head = heads.nth(place)
    before = column(page, table, place)
    numbers = [first_number(text) for text in before]
    assert len(numbers) > 1

    def press() -> None:
        if by == "click":
            head.locator("button").click()
        else:
            head.locator("button").focus()
            page.keyboard.press("Enter")

    press()
    assert head.get_attribute("aria-sort") == "ascending"
    assert [first_number(text) for text in column(page, table, place)] == sorted(numbers)
    press()
    assert head.get_attribute("aria-sort") == "descending"
    assert [first_number(text) for text in column(page, table, place)] == sorted(numbers, reverse=True)
    press()
    assert head.get_attribute("aria-sort") is None and column(page, table, place) == before


def test_the_page_reads_the_same_without_scripts(browser, swept):
    context = browser.new_context(java_script_enabled=False)
    page = opened(context.new_page(), swept / "results" / "smoke")
    plain = page.locator("section table").first.inner_text()
    context.close()
    with_scripts = opened(browser.new_page(), swept / "results" / "smoke")
    assert plain.split() == with_scripts.locator("section table").first.inner_text().split()
    with_scripts.close()
