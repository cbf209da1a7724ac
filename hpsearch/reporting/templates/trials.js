// Pointing at a mark shows its trial; choosing one lights it up in all figures and tables; #trial=STAGE:NUMBER addresses it.
const report = (() => {
  const { stages, trials, learning, coordinates } = JSON.parse(document.getElementById("trials").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const parts = new Map(); // of each trial its marks, lines and rows
  const add = (key, part) => parts.set(key, [...(parts.get(key) ?? []), part]);
  const figures = new Map(); // of each figure its marks in order
  for (const group of document.querySelectorAll("[data-trials]")) {
    const keys = group.dataset.trials.split(" ");
    // One mark for each; or one for all, which trained together.
    const marks = group.querySelector("use") && keys.length > 1 ? [...group.querySelectorAll("use")] : keys.map(() => group);
    if (marks.length !== keys.length) continue;
    keys.forEach((key, place) => {
      if (!trials[key]) return;
      const mark = marks[place];
      mark.dataset.trial ??= key;
      mark.classList.add("mark");
      add(key, mark);
      const figure = mark.closest("figure");
      if (!figures.get(figure)?.includes(mark)) figures.set(figure, [...(figures.get(figure) ?? []), mark]);
      const path = keys.length === 1 && mark.querySelector(":scope > path");
      if (path) { // a line is thin: a wide invisible one below the pointer
        const wide = path.cloneNode();
        wide.removeAttribute("style");
        wide.setAttribute("class", "near");
        mark.append(wide);
      }
    });
  }
  const element = (tag, name, parent = document.body, text = "") => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    parent.append(made);
    return made;
  };
  const say = (text) => { said.textContent = text; };
  const tip = element("div", "tip");
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  const said = element("div", "said");
  said.setAttribute("role", "status");
  const panel = element("aside", "chosen");
  panel.setAttribute("aria-label", "Chosen trial");
  panel.hidden = true;
  const lines = (key) => [trials[key].name, ...trials[key].text];
  const write = (where, key) => where.replaceChildren(...lines(key).map((text, place) => {
    const line = document.createElement(place ? "div" : "b");
    line.textContent = text;
    return line;
  }));
  const show = (mark) => {
    write(tip, mark.dataset.trial);
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const x = box.width > 60 ? box.right - 60 : box.right + 8;
    tip.style.left = `${Math.max(4, Math.min(x, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${box.top > tip.offsetHeight + 12 ? box.top - tip.offsetHeight - 8 : box.bottom + 8}px`;
  };
  const hide = () => { tip.hidden = true; };
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.(".mark");
    if (mark) show(mark);
    else hide();
  });
  addEventListener("scroll", hide, { passive: true });

  const named = (key) => {
    const [stage, number] = key.split(":");
    return `${encodeURIComponent(stages[stage])}:${number}`;
  };
  const address = (key) => `#trial=${named(key)}`;
  let chosen = null;
  let curves = []; // whose learning curves are compared
  const remember = () => {
    const asked = [...(chosen === null ? [] : [`trial=${named(chosen)}`]), ...curves.map((key) => `curve=${named(key)}`)];
    history.replaceState(null, "", asked.length ? `#${asked.join("&")}` : location.pathname + location.search);
  };
  const asked = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  const keyOf = (name) => {
    const cut = name.lastIndexOf(":");
    const stage = stages.indexOf(name.slice(0, cut));
    const number = +name.slice(cut + 1);
    const key = `${stage}:${number}`;
    if (trials[key]) return key;
    return Object.keys(trials).find((each) => each.startsWith(`${stage}:`) && trials[each].also?.includes(number));
  };
  const rings = [];
  const choose = (key, scroll = false) => {
    for (const part of parts.get(chosen) ?? []) {
      part.classList.remove("lit");
      part.querySelector?.("a[aria-current]")?.removeAttribute("aria-current");
    }
    rings.splice(0).forEach((ring) => ring.remove());
    chosen = key;
    document.body.classList.toggle("choosing", key !== null);
    panel.hidden = key === null;
    if (key === null) return;
    for (const part of parts.get(key) ?? []) {
      part.classList.add("lit");
      part.querySelector?.("a[href^='#trial=']")?.setAttribute("aria-current", "true");
      if (part.tagName === "use") {
        const ring = document.createElementNS(SVG, "circle");
        for (const [name, value] of [["cx", part.getAttribute("x")], ["cy", part.getAttribute("y")], ["r", 7]])
          ring.setAttribute(name, value);
        ring.setAttribute("class", "ring");
        part.after(ring);
        rings.push(ring);
      }
    }
    write(panel, key);
    element("button", "close", panel, "Close").addEventListener("click", clear);
    document.dispatchEvent(new CustomEvent("chosen", { detail: { key, panel } }));
    say(`Chosen: ${lines(key).join(". ")}`);
    const row = (parts.get(key) ?? []).find((part) => part.tagName === "TR");
    if (scroll && row) {
      for (let each = row; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
      row.scrollIntoView({ block: "center" });
    }
  };
  const clear = () => {
    choose(null);
    remember();
  };
  const pick = (key) => {
    if (key === chosen) return clear();
    choose(key);
    return remember();
  };
  const follow = (scroll) => {
    const name = asked().get("trial");
    if (name === null) return;
    const key = keyOf(name);
    if (key) choose(key, scroll);
    else say(`There is no trial ${name} on this page.`);
  };
  for (const row of document.querySelectorAll("tr[data-trial]")) {
    const key = row.dataset.trial;
    if (!trials[key]) continue;
    add(key, row);
    const cell = row.cells[1];
    const link = document.createElement("a");
    link.href = address(key);
    link.append(...cell.childNodes);
    cell.append(link);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      pick(key);
    });
  }
  document.addEventListener("click", (event) => {
    const mark = event.target.closest?.(".mark");
    if (mark) pick(mark.dataset.trial);
  });
  for (const [figure, marks] of figures) {
    const x = (mark) => +(mark.getAttribute("x") ?? 0);
    marks.sort((a, b) => x(a) - x(b));
    let place = -1;
    figure.tabIndex = 0;
    figure.setAttribute("role", "group");
    const about = figure.querySelector("svg").getAttribute("aria-label");
    figure.setAttribute("aria-label", `${about} Arrow keys go from trial to trial, Enter chooses one.`);
    figure.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step || event.key === "Home" || event.key === "End") {
        place = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : place + step;
        place = Math.max(0, Math.min(marks.length - 1, place));
        show(marks[place]);
        say(lines(marks[place].dataset.trial).join(". "));
      } else if ((event.key === "Enter" || event.key === " ") && place >= 0) pick(marks[place].dataset.trial);
      else return;
      event.preventDefault();
    });
    figure.addEventListener("blur", hide);
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    if (chosen !== null) clear();
  });
  addEventListener("hashchange", () => follow(true));
  queueMicrotask(() => follow(true)); // when the other scripts listen
  return {
    trials, learning, coordinates, parts, SVG, element, say, keyOf,
    add: (key, part) => {
      add(key, part);
      part.classList.toggle("lit", key === chosen);
    },
    remove: (key, part) => parts.set(key, (parts.get(key) ?? []).filter((each) => each !== part)),
    kept: () => asked().getAll("curve").map(keyOf).filter((key) => key),
    keep: (keys) => {
      curves = keys;
      remember();
    },
  };
})();
