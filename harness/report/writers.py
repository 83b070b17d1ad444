"""One table for people: Markdown, LaTeX and HTML print the same strings; plain text for a terminal."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable

from harness.report.table import Cell, Table

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "†": r"$^{\dagger}$",
    "‡": r"$^{\ddagger}$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "λ": r"$\lambda$",
    "·": r"$\cdot$",
    "–": "--",
    "−": "{$-$}",  # in braces, to be told from a number's hyphen
}
PAGE = 50
"""Rows that a page of a paper holds."""
_NUMBER_MINUS = re.compile(r"(?<![\w.])-(?=\d)")


def markdown(table: Table) -> str:
    """A pipe table under its title, footnotes below."""
    heads = [*table.keys, *(_head(group, label) for group, label in table.columns)]
    lines = [f"**{_md(table.title)}**", "", _pipe(map(_md, heads))]
    lines.append(_pipe([":---"] * len(table.keys) + ["---:"] * len(table.columns)))
    for band, rows in table.bands:
        if band:
            lines.append(_pipe([f"*{_md(band)}*", *[""] * (len(table.keys) + len(table.columns) - 1)]))
        lines += [_pipe([*map(_md, row.shown), *(_md_cell(cell) for cell in row.cells)]) for row in rows]
    notes = [*table.notes, *([table.again] if table.again else [])]
    return "\n".join([*lines, "", *(f"- {_md(note)}" for note in notes)]) + "\n"


def latex(table: Table) -> str:
    """A `table` environment with booktabs rules; a `longtable`, which needs that package, where no page holds it."""
    keys = len(table.keys)
    named = [rf"\caption{{{_tex(table.title)}}}", rf"\label{{tab:{table.name}}}"]
    # Words (sources, protocols) are broken into lines; keys of measured tables are short.
    key = "l" if table.kind == "measured" else rf"p{{{0.8 / keys:.2f}\linewidth}}"
    form, head = f"{{{key * keys}{'r' * len(table.columns)}}}", [r"\toprule", *_tex_heads(table), r"\midrule"]
    body = [*_tex_rows(table), r"\bottomrule"]
    notes = [r"\footnotesize", *(_tex(note) + r" \par" for note in table.notes)]
    if len(table.rows) <= PAGE:
        begin = [r"\begin{table}", r"\centering", *named, r"\small", rf"\begin{{tabular}}{form}"]
        lines = [*begin, *head, *body, r"\end{tabular}", "", *notes, r"\end{table}"]
    else:
        begin = [r"\begingroup", r"\small", rf"\begin{{longtable}}{form}", *named, r"\tabularnewline"]
        again = [*head, r"\endfirsthead", *head, r"\endhead"]
        lines = [*begin, *again, *body, r"\end{longtable}", "", *notes, r"\endgroup"]
    return "\n".join(lines) + "\n"


def _tex_heads(table: Table) -> list[str]:
    keys, groups, lines = len(table.keys), table.groups, []
    if any(group for group, _ in groups):
        spans, rules, at = [], [], keys + 1
        for group, width in groups:
            spans.append(rf"\multicolumn{{{width}}}{{c}}{{{_tex(group)}}}")
            rules += [rf"\cmidrule(lr){{{at}-{at + width - 1}}}"] if group else []
            at += width
        lines += [" & ".join([""] * keys + spans) + r" \\", " ".join(rules)]
    return [*lines, " & ".join(map(_tex, [*table.keys, *(label for _, label in table.columns)])) + r" \\"]


def _tex_rows(table: Table) -> list[str]:
    keys, lines = len(table.keys), []
    for i, (band, rows) in enumerate(table.bands):
        if band:
            lines += [r"\addlinespace"] * (i > 0)
            lines.append(rf"\multicolumn{{{keys + len(table.columns)}}}{{l}}{{\textit{{{_tex(band)}}}}} \\")
        lines += [
            " & ".join([*map(_tex, row.shown), *(_tex_cell(cell) for cell in row.cells)]) + r" \\" for row in rows
        ]
    return lines


def page_table(table: Table) -> str:
    """An HTML table and its footnotes; the title is the section's."""
    groups, keys = table.groups, len(table.keys)
    head = ""
    if any(group for group, _ in groups):
        spans = "".join(f'<th colspan="{width}" class="group">{html.escape(group)}</th>' for group, width in groups)
        head = f'<tr><td colspan="{keys}"></td>{spans}</tr>'
    labels = "".join(f'<th class="key">{html.escape(key)}</th>' for key in table.keys)
    labels += "".join(f"<th>{html.escape(label)}</th>" for _, label in table.columns)
    lines = []
    for band, rows in table.bands:
        if band:
            lines.append(f'<tr class="band"><th colspan="{keys + len(table.columns)}">{html.escape(band)}</th></tr>')
        lines += [
            "<tr>"
            + "".join(f'<th scope="row">{html.escape(key)}</th>' for key in row.shown)
            + "".join(_html_cell(cell) for cell in row.cells)
            + "</tr>"
            for row in rows
        ]
    body = "\n".join(lines)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    notes += f'<li class="again">{html.escape(table.again)}</li>' if table.again else ""
    return (
        f'<div class="wide{" words" if table.kind != "measured" else ""}"><table>\n'
        f"<thead>{head}<tr>{labels}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
        f'<ul class="notes">{notes}</ul>'
    )


def plain(table: Table, width: int = 120) -> str:
    """Aligned text for a terminal; a table wider than ``width`` is split by column groups."""
    blocks, at = [], 0
    whole = _aligned(table, range(len(table.columns)))
    if max(map(len, whole)) <= width or len(table.groups) == 1:
        blocks.append(whole)
    else:
        for _, count in table.groups:
            blocks.append(_aligned(table, range(at, at + count)))
            at += count
    notes = [textwrap.fill(note.replace("Bold:", "*:"), width, subsequent_indent="  ") for note in table.notes]
    return "\n".join([table.title, *("\n" + "\n".join(block) for block in blocks), "", *notes]) + "\n"


def _aligned(table: Table, chosen: range) -> list[str]:
    columns = [table.columns[i] for i in chosen]
    grid = [[*table.keys, *(label for _, label in columns)]]
    for row in table.rows:
        cells = (row.cells[i] for i in chosen)
        grid.append([*row.shown, *(f"{'*' if c.bold else ''}{c.text}{c.mark or ' '}" for c in cells)])
    widths = [max(len(line[i]) for line in grid) for i in range(len(grid[0]))]
    keys = len(table.keys)
    lines = [
        "  ".join(
            text.ljust(w) if i < keys else text.rjust(w) for i, (text, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in grid
    ]
    rule = "─" * max(map(len, lines))
    heads = " | ".join(dict.fromkeys(group for group, _ in columns if group))
    body, at = [], 1
    for band, rows in table.bands:
        body += [band] * bool(band) + lines[at : at + len(rows)]
        at += len(rows)
    return [*([heads] if heads else []), lines[0].rstrip(), rule, *(line.rstrip() for line in body)]


def _head(group: str, label: str) -> str:
    return f"{group}: {label}" if group and label else group or label


def _pipe(parts: Iterable[str]) -> str:
    return "| " + " | ".join(parts) + " |"


def _md(text: str) -> str:
    return re.sub(r"([\\`*_|<])", r"\\\1", text)


def _md_cell(cell: Cell) -> str:
    text = _md(cell.text)
    return (f"**{text}**" if cell.bold else text) + cell.mark


def _tex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _tex_cell(cell: Cell) -> str:
    text = _NUMBER_MINUS.sub("$-$", _tex(cell.text))
    return (rf"\textbf{{{text}}}" if cell.bold else text) + _tex(cell.mark)


def _html_cell(cell: Cell) -> str:
    text = html.escape(cell.text)
    text = f"<b>{text}</b>" if cell.bold else text
    style = ' class="missing"' if cell.missing else ""
    style += f' title="{html.escape(cell.again)}"' if cell.again else ""
    return f"<td{style}>{text}{cell.mark}</td>"
