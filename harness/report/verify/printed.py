"""Markdown and LaTeX of a table read back: every text of it, and which cells stand in bold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.report.verify.ledger import Ledger

KIND = "formats"
Table = Mapping[str, Any]
# What LaTeX writes for letters that it would take for something else.
_LETTERS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"$\pm$": "±",
    r"$^{\dagger}$": "†",
    r"$^{\ddagger}$": "‡",
    r"$\geq$": "≥",
    r"$\rightarrow$": "→",
    r"$\lambda$": "λ",
    r"$\cdot$": "·",
    "{$-$}": "−",
    "$-$": "-",
    "--": "–",
    **{f"\\{letter}": letter for letter in "&%$#_{}"},
}
_LETTER = re.compile("|".join(map(re.escape, _LETTERS)))


def markdown(ledger: Ledger, file: str, content: bytes, table: Table) -> None:
    """Compare title, heads, bands, rows and footnotes."""
    title, _, *lines = content.decode().splitlines()
    piped = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines if line.startswith("|")]
    heads, _, *body = piped
    ledger.same(KIND, file, "title", table["title"], _plain(title.removeprefix("**").removesuffix("**")))
    told = [": ".join(filter(None, column.values())) for column in table["columns"]]
    ledger.same(KIND, file, "heads", [*table["keys"], *told], list(map(_plain, heads)))
    rows = []
    for first, *rest in body:
        band = re.fullmatch(r"\*([^*].*)\*", first)
        if band and not any(rest):
            rows.append([(_plain(band[1]), False)])
        else:
            bold = [re.fullmatch(r"\*\*(.*)\*\*(\W?)", part) for part in (first, *rest)]
            texts = [found[1] + found[2] if found else part for found, part in zip(bold, (first, *rest), strict=True)]
            rows.append([(_plain(text), found is not None) for text, found in zip(texts, bold, strict=True)])
    _rows(ledger, file, _body(table), rows)
    notes = [_plain(line.removeprefix("- ")) for line in lines[len(piped) :] if line]
    _notes(ledger, file, [*table["notes"], *([table["again"]] if table.get("again") else [])], notes)


def latex(ledger: Ledger, file: str, content: bytes, table: Table) -> None:
    """Compare caption, label, heads, bands, rows and footnotes."""
    before, _, rest = content.decode().rpartition("\\midrule\n")
    body, after = rest.split("\\bottomrule\n")
    for command, expected in (("caption", table["title"]), ("label", f"tab:{table['name']}")):
        line = next((one for one in before.splitlines() if one.startswith(f"\\{command}{{")), "")
        ledger.same(KIND, file, command, _dashed(expected), _letters(line[len(command) + 2 : -1]))
    groups = [column["group"] for column in table["columns"]]
    spans = [group for i, group in enumerate(groups) if i == 0 or groups[i - 1] != group] if any(groups) else []
    heads = [*table["keys"], *(column["label"] for column in table["columns"])]
    expected = [[*[""] * len(table["keys"]), *spans], heads] if spans else [heads]
    expected *= 1 + before.count("\\endfirsthead\n")  # those of the first page, and of all that follow
    found = [[re.sub(r"^\\multicolumn\{\d+\}\{c\}\{(.*)\}$", r"\1", part) for part in line] for line in _lines(before)]
    shown = [[_letters(part) for part in line] for line in found]
    ledger.same(KIND, file, "heads", [[_dashed(part) for part in line] for line in expected], shown)
    rows = []
    for cells in _lines(body):
        band = re.fullmatch(r"\\multicolumn\{\d+\}\{l\}\{\\textit\{(.*)\}\}", cells[0])
        bold = [re.fullmatch(r"\\textbf\{(.*)\}(\$\^\{\\d+agger\}\$)?", part) for part in cells]
        texts = [heavy[1] + (heavy[2] or "") if heavy else part for heavy, part in zip(bold, cells, strict=True)]
        rows.append([(_letters(text), heavy is not None) for text, heavy in zip(texts, bold, strict=True)])
        if band:
            rows[-1] = [(_letters(band[1]), False)]
    _rows(ledger, file, [[(_dashed(text), bold) for text, bold in line] for line in _body(table)], rows)
    notes = [_letters(line.removesuffix(r" \par")) for line in after.splitlines() if line.endswith(r" \par")]
    _notes(ledger, file, list(map(_dashed, table["notes"])), notes)


def _body(table: Table) -> list[list[tuple[str, bool]]]:
    """Texts of each line, and whether they are bold; a line of one text names a band."""
    lines, band = [], ""
    for row in table["rows"]:
        if row["band"] and row["band"] != band:
            lines.append([(row["band"], False)])
        band = row["band"]
        keys = [(key + row["mark"] * (i == row["marked"]), False) for i, key in enumerate(row["keys"])]
        lines.append([*keys, *((cell["text"] + cell["mark"], cell["best"]) for cell in row["cells"])])
    return lines


def _rows(
    ledger: Ledger, file: str, expected: list[list[tuple[str, bool]]], found: list[list[tuple[str, bool]]]
) -> None:
    """Compare line by line, so that a mismatch names its place."""
    if not ledger.same(KIND, file, "rows", len(expected), len(found)):
        return
    for i, (ours, theirs) in enumerate(zip(expected, found, strict=True), 1):
        name = f"line {i} ({ours[0][0][:40]})"
        if ledger.same(KIND, file, f"{name}, cells", len(ours), len(theirs)):
            for j, ((text, bold), (shown, heavy)) in enumerate(zip(ours, theirs, strict=True), 1):
                ledger.same(KIND, file, f"{name}, cell {j}", text, shown)
                ledger.same(KIND, file, f"{name}, cell {j}, bold", bold, heavy)


def _notes(ledger: Ledger, file: str, expected: list[str], found: list[str]) -> None:
    ledger.same(KIND, file, "notes", len(expected), len(found))
    for i, (ours, theirs) in enumerate(zip(expected, found, strict=False), 1):
        ledger.same(KIND, file, f"note {i}", ours, theirs)


def _lines(text: str) -> list[list[str]]:
    """The cells of each line of a tabular."""
    return [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\")]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _letters(text: str) -> str:
    return _LETTER.sub(lambda found: _LETTERS[found[0]], text)


def _dashed(text: str) -> str:
    """Two hyphens are what LaTeX writes for a dash, so that the two can't be told apart."""
    return text.replace("--", "–")
