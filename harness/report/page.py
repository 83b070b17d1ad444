"""The report as one HTML file: no network, figures inline, one small script that sorts tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from harness.report.provenance import Kept
from harness.report.table import Table
from harness.report.writers import page_table

GENERATOR = "repose report"
MACHINE = ("<!-- machine: begin -->", "<!-- machine: end -->")
"""Between these two lines stand times and places; all else is the same for the same records."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"
"""Held by the browser: nothing is fetched, whatever a fragment of the page asks for."""


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its id; links in the page point there.
        title: its heading and its line in the table of contents.
        body: HTML under the heading.
    """

    name: str
    title: str
    body: str

    @property
    def html(self) -> str:
        return f'<section id="{self.name}"><h2>{html.escape(self.title)}</h2>\n{self.body}</section>'


def table_section(table: Table) -> Section:
    """A table under its title."""
    return Section(table.name, table.title, page_table(table))


def figure_section(figures: Mapping[str, tuple[str, str]], lacking: Mapping[str, str] | None = None) -> Section | None:
    """All figures: stem → (caption, SVG); with a line for each that was asked for in vain. None without any.

    Args:
        figures: stem → (caption, SVG).
        lacking: stem → why it can't be drawn.
    """
    drawn = "\n".join(
        f'<figure id="figure-{name}">{_inline(svg)}<figcaption>{html.escape(caption)}</figcaption></figure>'
        for name, (caption, svg) in figures.items()
    )
    absent = "".join(
        f"<li>The figure {html.escape(name)} isn't drawn: {html.escape(why)}.</li>"
        for name, why in (lacking or {}).items()
    )
    drawn += f'\n<ul class="notes">{absent}</ul>' if absent else ""
    return Section("figures", "Figures", drawn + "\n") if drawn else None


def provenance_section(
    identity: Mapping[str, str],
    runs: Sequence[Mapping[str, Any]],
    machine: Mapping[str, str],
    kept: Sequence[Kept],
    measured: Table | None = None,
) -> Section:
    """The parts of `harness.report.provenance`; what is of the machine stands between `MACHINE`, ``measured`` too."""
    records = [
        (one.run_id, _linked(one.mlflow_id, one.link), html.escape(one.started), html.escape(one.seconds))
        for one in kept
    ]
    costs = f"<p>{html.escape(measured.title)}</p>\n{page_table(measured)}\n" if measured else ""
    body = f"""{_list(identity)}
{_listing("The runs", list(runs[0]) if runs else [], [map(_escaped, run.values()) for run in runs])}
{MACHINE[0]}
<div class="machine"><p>Of the machine and the moment:</p>
{_list(machine)}
{costs}{_listing("Records in MLflow", ["run_id", "MLflow record", "started", "took"], records)}
</div>
{MACHINE[1]}
"""
    return Section("provenance", "Provenance", body)


def page(title: str, summary: Sequence[str], warnings: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page.

    Args:
        title: heading.
        summary: sentences under the heading.
        warnings: sentences that no reader may miss.
        sections: in order.
    """
    contents = "".join(f'<li><a href="#{part.name}">{html.escape(part.title)}</a></li>' for part in sections)
    said = "".join(f"<p>{html.escape(line)}</p>\n" for line in summary)
    said += "".join(f'<p class="warning">{html.escape(line)}</p>\n' for line in warnings)
    body = "\n".join(part.html for part in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{GENERATOR}">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{html.escape(title)}</title>
<style>
{_file("page.css")}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{said}<nav><ul>{contents}</ul></nav>
{body}
<script>
{_file("page.js")}</script>
</body>
</html>
"""


def _file(name: str) -> str:
    return resources.files("harness.report").joinpath(name).read_text(encoding="utf-8")


def _list(pairs: Mapping[str, str]) -> str:
    items = "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in pairs.items())
    return f"<dl>\n{items}\n</dl>"


def _listing(title: str, heads: Sequence[str], rows: Sequence[Iterable[str]]) -> str:
    """A folded table of cells that are HTML already; nothing without rows."""
    if not rows:
        return ""
    head = "".join(f'<th class="key">{html.escape(name)}</th>' for name in heads)
    body = "\n".join("<tr>" + "".join(f'<td class="key">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    return (
        f'<details><summary>{html.escape(title)} ({len(rows)})</summary>\n<div class="wide"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div></details>"
    )


def _escaped(value: Any) -> str:
    return "–" if value is None else html.escape(str(value))


def _linked(text: str, link: str | None) -> str:
    return f'<a href="{html.escape(link)}">{html.escape(text)}</a>' if link else html.escape(text)


def _inline(svg: str) -> str:
    """The <svg> element alone; a document can't hold an XML declaration."""
    return svg[svg.index("<svg") :]
