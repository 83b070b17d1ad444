"""The report as one HTML file: no script, no network, figures inline."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib import resources

from harness.report.figures.drawing import Drawn
from harness.report.table import Table
from harness.report.writers import page_table

GENERATOR = "repose report"
MACHINE = ("<!-- machine: begin -->", "<!-- machine: end -->")
"""Between these two lines stand times and places; all else is the same for the same records."""


def page(
    title: str,
    summary: Sequence[str],
    warnings: Sequence[str],
    tables: Sequence[Table],
    figures: Mapping[str, Drawn],
    identity: Mapping[str, str],
    machine: Mapping[str, str],
) -> str:
    """The whole page.

    Args:
        title: heading.
        summary: sentences under the heading.
        warnings: sentences that no reader may miss.
        tables: the main one first; figures follow it.
        figures: stem → (caption, SVG).
        identity, machine: name → value; see `harness.report.provenance`.
    """
    style = resources.files("harness.report").joinpath("page.css").read_text(encoding="utf-8")
    links = [(table.name, table.title) for table in tables]
    links[1:1] = [("figures", "Figures")] if figures else []
    links.append(("provenance", "Provenance"))
    contents = "".join(f'<li><a href="#{name}">{html.escape(text)}</a></li>' for name, text in links)
    drawn = "\n".join(
        f'<figure id="figure-{name}">{_inline(svg)}<figcaption>{html.escape(caption)}</figcaption></figure>'
        for name, (caption, svg, *_) in figures.items()
    )
    sections = [page_table(table) for table in tables]
    if drawn:
        sections.insert(1, f'<section id="figures"><h2>Figures</h2>\n{drawn}\n</section>')
    said = "".join(f"<p>{html.escape(line)}</p>\n" for line in summary)
    said += "".join(f'<p class="warning">{html.escape(line)}</p>\n' for line in warnings)
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{GENERATOR}">
<title>{html.escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{said}<nav><ul>{contents}</ul></nav>
{body}
<section id="provenance"><h2>Provenance</h2>
{_list(identity)}
{MACHINE[0]}
<div class="machine"><p>Of the machine and the moment:</p>
{_list(machine)}
</div>
{MACHINE[1]}
</section>
</body>
</html>
"""


def _list(pairs: Mapping[str, str]) -> str:
    items = "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in pairs.items())
    return f"<dl>\n{items}\n</dl>"


def _inline(svg: str) -> str:
    """The <svg> element alone; a document can't hold an XML declaration."""
    return svg[svg.index("<svg") :]
