// Asks for the parts of this page again and again, and replaces those that differ. Without it the page is as it was sent.
"use strict";
(() => {
  const address = document.body.dataset.from;
  const main = document.getElementById("main");
  const said = document.getElementById("said");
  const updated = document.getElementById("updated");
  const shown = new Map();
  let state = document.body.dataset.state;

  function show(parts) {
    for (const [id, html] of Object.entries(parts)) {
      if (shown.get(id) === html) continue;
      let part = document.getElementById(id);
      if (part === null) {
        part = main.appendChild(document.createElement("section"));
        part.id = id;
      }
      const first = !shown.has(id);
      shown.set(id, html);
      if (first && part.innerHTML === html) continue;
      const active = document.activeElement;
      const link = part.contains(active) ? active.getAttribute("href") || active.tagName : null;
      part.innerHTML = html;
      if (link !== null) {
        const again = [...part.querySelectorAll("a, button")].find((each) => (each.getAttribute("href") || each.tagName) === link);
        if (again) again.focus();
      }
    }
    for (const part of [...main.children]) if (!(part.id in parts)) part.remove();
  }

  async function ask() {
    const begin = performance.now();
    let wait = 2000;
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" });
        if (!answer.ok) throw new Error(await answer.text());
        const found = await answer.json();
        show(found.parts);
        if (found.state !== state) {
          said.textContent = found.state ? `The study is ${found.state} now.` : "";
          state = found.state;
        }
        updated.textContent = `Updated ${new Date().toLocaleTimeString()}.`;
        wait = Math.max(wait, 10 * (performance.now() - begin));
      } catch (error) {
        updated.textContent = `Not updated since: ${error.message.slice(0, 200)}`;
        wait = 5000;
      }
    }
    setTimeout(ask, wait);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) updated.textContent = "Updating …"; });
  setTimeout(ask, 1000);
})();
