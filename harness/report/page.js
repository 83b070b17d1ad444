// Sorts a table by the column whose head is pressed: ascending, descending, then as it was.
// Without this script the page reads the same; the heads only become buttons here.
"use strict";
for (const table of document.querySelectorAll(".wide > table")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const bodies = [...table.tBodies];
  const original = bodies.map((body) => [...body.rows]);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort") || "none"];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      bodies.forEach((body, i) => body.append(...sorted(original[i], column, order)));
    });
  });
}

// A press on a cell shows the command that does the runs behind it again, and selects it, to be copied.
for (const notes of document.querySelectorAll(".notes")) {
  const line = notes.querySelector(".again");
  const table = notes.previousElementSibling;
  if (!line || !table) continue;
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td[title]");
    if (!cell) return;
    const code = document.createElement("code");
    code.textContent = cell.title;
    line.replaceChildren("The runs behind this cell again: ", code);
    getSelection().selectAllChildren(code);
  });
}

// Rows that span the table (names of bands) stay where they are: what is below each is sorted by itself.
function sorted(rows, column, order) {
  if (order === "none") return rows;
  const sign = order === "ascending" ? 1 : -1;
  const result = [];
  let run = [];
  const flush = () => {
    run.sort((a, b) => compare(a[0], b[0], sign));
    result.push(...run.map((pair) => pair[1]));
    run = [];
  };
  for (const row of rows) {
    if (row.classList.contains("band")) {
      flush();
      result.push(row);
    } else {
      run.push([value(row.cells[column].textContent), row]);
    }
  }
  flush();
  return result;
}

// The first number of a cell ("81.3 ± 0.6 (5)"), else its words; nothing for a cell without a value.
function value(text) {
  const shown = text.trim();
  if (shown === "missing" || shown === "–" || shown === "") return null;
  const number = /^[+<~]?(-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?)/i.exec(shown);
  return number ? Number(number[1].replaceAll(",", "")) : shown;
}

// Cells without a value come last in both directions; numbers before words.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}
