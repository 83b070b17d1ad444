"""The page read back, section by section, and held against ``report.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from harness.report.verify.ledger import Ledger

KIND = "page"
_BEGIN, _END = "machine: begin", "machine: end"
_TEXTS = ("title", "h1", "h2", "p", "li", "th", "td", "dt", "dd", "figcaption", "summary")
_BOLD = "*"
"""Stands on both sides of what is in bold letters."""
_CLIPS = "clips"


class Page(HTMLParser):
    """What the page says: paragraphs before the first section, then each section's texts in order.

    Attributes:
        said: section → (tag, text) of everything in it that is text; "" is what stands before the first section.
        figures: name → SHA-256 of the SVG as it stands in the page.
        machine: every text of the marked block, in order.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, list[tuple[str, str]]] = {"": []}
        self.figures: dict[str, str] = {}
        self.machine: list[str] = []
        self.clips: str | None = None
        self._section, self._open, self._skip, self._machine, self._depth = "", "", 0, False, 0
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._text, self._from, self._figure = text, 0, ""
        self.feed(text)

    def handle_comment(self, data: str) -> None:
        self._machine = data.strip() == _BEGIN if data.strip() in (_BEGIN, _END) else self._machine

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section" and self._section != _CLIPS:
            self._section = given.get("id") or ""
            self.said[self._section] = []
        elif tag == "section":
            self._depth += 1
        if tag == "figure" and self._section == "figures":
            self._figure = (given.get("id") or "").removeprefix("figure-")
        if tag == "svg" and self._section == "figures":
            self._from, self._skip = self._place(), self._skip + 1
        elif tag in ("svg", "style", "script"):
            self._skip += 1
        if tag in _TEXTS and not self._skip:
            if self._machine:
                self.machine.append("")
            else:
                self.said[self._section].append((tag, ""))
            self._open = tag
        if tag == "b":
            self.handle_data(_BOLD)
        if self._section == _CLIPS and tag == "section" and not self._depth:
            self.clips = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("svg", "style", "script"):
            self._skip -= 1
        if tag == "svg" and self._section == "figures":
            drawn = self._text[self._from : self._place() + len("</svg>")]
            self.figures[self._figure] = hashlib.sha256(drawn.strip().encode()).hexdigest()
        if tag == "b":
            self.handle_data(_BOLD)
        if tag == self._open:
            self._open = ""
        if tag == "section":
            if self._section == _CLIPS and self._depth:
                self._depth -= 1
            else:
                self._section = ""

    def handle_data(self, data: str) -> None:
        if self._open and not self._skip and self._machine:
            self.machine[-1] += data
        elif self._open and not self._skip:
            tag, text = self.said[self._section][-1]
            self.said[self._section][-1] = (tag, text + data)

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def check(ledger: Ledger, file: str, text: str, report: Mapping[str, Any], figures: Mapping[str, str]) -> None:
    """Compare everything that the page says outside the machine's block with ``report.json``.

    Args:
        figures: name → text of each figure's SVG file.
    """
    page = Page(text)
    before = [said for tag, said in page.said[""] if tag != "li"]
    head = [report["title"], report["title"], *report["summary"], *report["warnings"]]
    _sequence(ledger, file, "head", head, before)
    titles = [next((said for tag, said in of if tag == "h2"), "") for name, of in page.said.items() if name]
    _sequence(ledger, file, "contents", titles, [said for tag, said in page.said[""] if tag == "li"])
    tables = [*([report["claims"]] if report["claims"] else []), *report["tables"], *report["literature"]]
    tables += [report["seeds"]] if report.get("seeds") else []
    tables += report.get("tuning", [])
    tables += [report["costs"]] if report.get("costs") else []
    for table in tables:
        if ledger.same(KIND, file, f"section {table['name']}", True, table["name"] in page.said):
            _sequence(ledger, file, table["name"], table_texts(table), [text for _, text in page.said[table["name"]]])
    captions = [said for tag, said in page.said.get("figures", []) if tag == "figcaption"]
    _sequence(ledger, file, "captions", [one["caption"] for one in report["figures"].values()], captions)
    absent = [f"The figure {name} isn't drawn: {why}." for name, why in report["not_drawn"].items()]
    _sequence(
        ledger, file, "figures that are absent", absent, [s for tag, s in page.said.get("figures", []) if tag == "li"]
    )
    for name, svg in figures.items():
        drawn = hashlib.sha256(svg[svg.find("<svg") :].strip().encode()).hexdigest()
        ledger.same(KIND, file, f"figure {name}, digest of its SVG", drawn, page.figures.get(name))
    origin = page.said.get("provenance", [])
    pairs = [said for tag, said in origin if tag in ("dt", "dd")]
    _sequence(ledger, file, "provenance", [part for pair in report["identity"].items() for part in pair], pairs)
    listed = [("–" if value is None else str(value)) for run in report["runs"] for value in run.values()]
    listed = [f"The runs ({len(report['runs'])})", *(report["runs"][0] if report["runs"] else ()), *listed]
    _sequence(ledger, file, "the runs", listed, [said for tag, said in origin if tag in ("summary", "th", "td")])
    if report["clips"]:
        ledger.same(KIND, file, "clips, digest", report["clips"], _clips(text))


def _clips(text: str) -> str | None:
    start = text.find('<section id="clips">')
    if start < 0:
        return None
    begin = text.find("</h2>\n", start) + len("</h2>\n")
    ends = [text.find(end, begin) for end in ("</section>\n<section id=", "</section>\n<script>")]
    end = min(place for place in ends if place >= 0)
    return hashlib.sha256(text[begin:end].encode()).hexdigest()


def table_texts(table: Mapping[str, Any]) -> list[str]:
    """Every text of a table as the page shows it, in order."""
    groups = [column["group"] for column in table["columns"]]
    heads = [group for i, group in enumerate(groups) if i == 0 or groups[i - 1] != group] if any(groups) else []
    expected = [table["title"]]
    expected += ([""] if heads else []) + heads + table["keys"] + [column["label"] for column in table["columns"]]
    band = ""
    for row in table["rows"]:
        expected += [row["band"]] if row["band"] and row["band"] != band else []
        band = row["band"]
        expected += [key + row["mark"] * (i == row["marked"]) for i, key in enumerate(row["keys"])]
        signs = [_BOLD * cell["best"] for cell in row["cells"]]
        expected += [f"{b}{cell['text']}{b}{cell['mark']}" for b, cell in zip(signs, row["cells"], strict=True)]
    return [*expected, *table["notes"], *([table["again"]] if table.get("again") else [])]


def _sequence(ledger: Ledger, file: str, place: str, expected: list[str], found: list[str]) -> None:
    for i, (ours, theirs) in enumerate(zip(expected, found, strict=False)):
        if not ledger.same(KIND, file, f"{place}, text {i + 1} (after '{found[i - 1] if i else ''}')", ours, theirs):
            break
    else:
        ledger.same(KIND, file, f"{place}, texts", len(expected), len(found))
