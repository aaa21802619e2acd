// Tables sort by a click on a heading and show only the rows that contain what is typed. Sections
// outside the window are laid out after the first paint. Without this script the page is complete.
document.documentElement.className = "js";
document.addEventListener("DOMContentLoaded", () => {
  const number = /^[<>≥≤~]?\s*-?[\d,]*\.?\d+/;
  const value = (row, at) => {
    const cell = row.cells[at];
    if (!cell) return "";
    const text = cell.dataset.v ?? cell.textContent.trim();
    const found = cell.dataset.v === undefined && !cell.classList.contains("num") ? null : number.exec(text);
    return found ? parseFloat(found[0].replace(/[^\d.-]/g, "")) : text.toLowerCase();
  };
  const compare = (a, b) =>
    typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  const sort = (table, heading, at) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const one of heading.parentNode.cells) one.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, at), row]);
    rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
    body.append(...rows.map((one) => one[1]));
  };
  for (const table of document.querySelectorAll("table.sort")) {
    [...table.tHead.rows[0].cells].forEach((heading, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading, at));
      heading.append(button);
    });
  }
  const choose = () => {
    const fields = [...document.querySelectorAll("select[data-by]")];
    const cards = [...document.querySelectorAll("article.finding")];
    const chosen = fields.filter((field) => field.value);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !chosen.every((field) => card.dataset[field.dataset.by] === field.value);
      shown += !card.hidden;
    }
    const rest = document.querySelector("details.rest");
    if (rest && chosen.length) rest.open = true;
    const output = document.querySelector(".choose output");
    output.textContent = chosen.length ? `${shown} of ${cards.length} rules` : "";
  };
  for (const field of document.querySelectorAll("select[data-by]")) field.addEventListener("change", choose);
  for (const field of document.querySelectorAll("input[data-table]")) {
    const table = document.getElementById(field.dataset.table);
    const output = field.closest(".filter").querySelector("output");
    let texts;
    field.addEventListener("input", () => {
      texts ??= [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [row, text] of texts) {
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      output.textContent = words.length ? `${shown} of ${texts.length}` : "";
    });
  }
});
// A link to what is folded opens it.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const folds = [target.querySelector(":scope > .fold")];
  for (let one = target; one; one = one.parentElement) if (one.matches("details")) folds.push(one);
  const closed = folds.filter((fold) => fold && !fold.open);
  if (target.hidden) target.hidden = false;
  if (!closed.length) return;
  for (const fold of closed) fold.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
document.addEventListener("DOMContentLoaded", reveal);
addEventListener("load", () => {
  const soon = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
  const sections = [...document.querySelectorAll("main > section[id]")];
  const next = () => {
    sections.shift()?.classList.add("laid-out");
    if (sections.length) soon(next);
  };
  soon(next);
});
