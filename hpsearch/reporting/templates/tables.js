// Tables sort by a heading, filter by words, and fold into cards where they are too wide; without scripts they are ranked.
for (const table of document.querySelectorAll("table")) {
  if (!table.tHead || !table.tBodies.length) continue;
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const names = headings.map((heading) => 
    [...heading.childNodes].map((node) => node.textContent || " ").join("").replace(/\s+/g, " ").trim());
  // A card is a table no longer for screen readers, unless its parts have roles.
  table.classList.add("cards");
  table.setAttribute("role", "table");
  for (const part of [table.tHead, body]) part.setAttribute("role", "rowgroup");
  for (const row of table.rows) {
    row.setAttribute("role", "row");
    [...row.cells].forEach((cell, column) => {
      const heading = cell.tagName === "TH";
      cell.setAttribute("role", !heading ? "cell" : row.parentNode === body ? "rowheader" : "columnheader");
      if (row.parentNode === body) cell.dataset.label = names[column] ?? "";
    });
  }
  if (!table.classList.contains("sortable")) continue;
  const number = (cell) => parseFloat((cell.dataset.value ?? cell.textContent.trim()).replaceAll(",", "").replace("−", "-"));
  const sort = (column, down) => {
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[column].setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    const order = (a, b) => {
      const [left, right] = [a.cells[column], b.cells[column]];
      const [x, y] = [number(left), number(right)];
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || down * left.textContent.localeCompare(right.textContent);
      return down * (x - y);
    };
    body.append(...[...body.rows].sort(order));
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(column, heading.getAttribute("aria-sort") === "ascending" ? -1 : 1));
  });
  if (body.rows.length < 6) continue;
  const bar = document.createElement("p");
  bar.className = "tools";
  const labelled = (text, control) => {
    const label = document.createElement("label");
    label.append(`${text} `, control);
    bar.append(label);
    return control;
  };
  const filter = labelled("Filter rows", document.createElement("input"));
  filter.type = "search";
  filter.placeholder = "words, e.g. ≈ best healthy";
  const choice = labelled("Sort by", document.createElement("select"));
  choice.append(...names.map((name, column) => new Option(name, column)));
  choice.parentNode.className = "for-cards";
  choice.addEventListener("change", () => sort(+choice.value, 1));
  const count = document.createElement("output");
  bar.append(count);
  const say = () => {
    const rows = [...body.rows];
    const shown = rows.filter((row) => !row.hidden && !row.classList.contains("out")).length;
    const ranges = rows.some((row) => row.classList.contains("out")) ? ", by the ranges of the parallel coordinates" : "";
    count.textContent = filter.value.trim() || ranges ? `${shown} of ${rows.length} rows${ranges}` : "";
  };
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    say();
  });
  document.addEventListener("brushed", say);
  (table.closest(".scroll") ?? table).before(bar);
}
// A link to a folded section opens it, and so does printing.
const reveal = (element) => {
  for (let each = element; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
};
const target = () => {
  const found = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!found) return;
  reveal(found);
  const part = found.querySelector(":scope > details");
  if (part) part.open = true;
  found.scrollIntoView();
};
addEventListener("hashchange", target);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => (each.open = true)));
target();
