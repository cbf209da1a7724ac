// Sorts a table by the column whose heading is clicked; without scripts the tables are simply ranked.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const number = (cell) => parseFloat(cell.dataset.value ?? cell.textContent.trim().replaceAll(",", ""));
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
      const order = (a, b) => {
        const [left, right] = [a.cells[column], b.cells[column]];
        const [x, y] = [number(left), number(right)];
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || down * left.textContent.localeCompare(right.textContent);
        return down * (x - y);
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}
