// Learning curves of any trials in one figure for each quantity: add, hide and remove them, with axes of either scale.
(() => {
  const section = document.querySelector("#curves > details");
  if (!report.learning || !section) return;
  const { epoch, of, curves } = report.learning;
  for (const curve of Object.values(curves))
    if (typeof curve.x === "number") curve.x = Array.from({ length: curve.x }, (_, place) => place + 1);
  const { trials, parts, SVG, element, say } = report;
  const MARKS = "●■▲◆▼✚✖";
  const MOST = 12;
  const compared = new Map(); // of each trial its place, which is its colour and mark, and whether it is shown
  const name = (key) => trials[key].name;

  const box = document.createElement("div");
  box.className = "group compare";
  section.querySelector(".group").before(box);
  element("h3", "", box, "Compare trials");
  const bar = element("p", "tools", box);
  const label = element("label", "", bar, "Add a trial ");
  const field = element("input", "", label);
  const list = element("datalist", "", bar);
  list.id = "trials-with-curves";
  field.setAttribute("list", list.id);
  field.size = 14;
  for (const key of Object.keys(curves)) if (trials[key]) list.append(new Option(trials[key].text[0], name(key)));
  const only = element("input", "", element("label", "", bar));
  only.type = "checkbox";
  only.after(" Show only these in the figures of all trials");
  const clear = element("button", "", bar, "Clear");
  clear.type = "button";
  element("p", "caption", box, `Tick trials in a ranking, or name one here: here each has its own colour and mark, whatever its stage.${epoch === "step" ? "" : " Solid lines are validation, dashed lines training."}`);
  const legend = element("ul", "legend", box);
  const panels = element("div", "panels", box);
  let drawn = [];

  const make = (tag, attributes, parent) => {
    const made = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };
  const values = (series, length) => (series.length === 1 ? Array(length).fill(series[0]) : series);
  const line = (xs, ys, x, y) => {
    let path = "";
    let pen = "M";
    xs.forEach((each, place) => {
      const value = ys[place];
      if (value === null || value === undefined || !isFinite(y(value))) pen = "M";
      else {
        path += `${pen}${x(each).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = "L";
      }
    });
    return path;
  };
  const figures = of.map((quantity) => {
    const figure = element("figure", "", panels);
    const holder = element("div", "", figure);
    const switches = element("p", "tools scales", figure);
    return { ...quantity, figure, holder, switches, x: false, y: null };
  });
  const W = 480, H = 300, LEFT = 56, RIGHT = 14, TOP = 10, BOTTOM = 40;

  const draw = (panel, place) => {
    const shown = [...compared].filter(([key, { hidden }]) => !hidden && curves[key].y[place][1]?.length);
    const all = shown.flatMap(([key]) => curves[key].y[place].flat()).filter((each) => each !== null);
    panel.figure.hidden = !all.length;
    if (!all.length) return;
    const xs = shown.flatMap(([key]) => curves[key].x);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    const [first, last] = [Math.min(...xs), Math.max(...xs)];
    const may = !panel.share && low > 0 && high / low > 1.5;
    const log = may && (panel.y ?? high / low > 20);
    const room = 0.05 * (high - low) || 0.1 * Math.abs(high) || 1;
    const margin = (high / low) ** 0.05;
    [low, high] = log ? [low / margin, high * margin] : [low - room, high + room];
    const x = axes.scale(first, last, panel.x, LEFT, W - RIGHT);
    const y = axes.scale(low, high, log, H - BOTTOM, TOP);
    const write = (value) => axes.number(panel.share ? 100 * value : value);
    panel.holder.replaceChildren();
    const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" }, panel.holder);
    const grid = make("g", { class: "grid" }, svg);
    for (const tick of axes.ticks(low, high, log)) {
      make("line", { x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick) }, grid);
      make("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, grid).textContent = write(tick);
    }
    for (const tick of axes.ticks(first, last, panel.x, true)) {
      make("line", { x1: x(tick), x2: x(tick), y1: TOP, y2: H - BOTTOM }, grid);
      make("text", { x: x(tick), y: H - BOTTOM + 16, "text-anchor": "middle" }, grid).textContent = write(panel.share ? tick / 100 : tick);
    }
    make("path", { class: "edge", d: `M${LEFT} ${TOP}V${H - BOTTOM}H${W - RIGHT}` }, svg);
    make("text", { x: (LEFT + W - RIGHT) / 2, y: H - 6, "text-anchor": "middle" }, svg).textContent = epoch;
    const middle = (TOP + H - BOTTOM) / 2;
    make("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, svg).textContent = panel.name;
    const said = [];
    for (const [key, { slot }] of shown) {
      const { x: at, y: quantities } = curves[key];
      const [train, validation, least, most] = quantities[place].map((each) => values(each, at.length));
      const group = make("g", { class: `mark curve s${slot % 7}`, "data-trial": key }, svg);
      if (least) {
        const back = [...at].reverse();
        const d = line(at, least, x, y) + line(back, [...most].reverse(), x, y).replace("M", "L");
        if (![...least, ...most].includes(null)) make("path", { class: "band", d: `${d}Z` }, group);
      }
      if (train.length) make("path", { class: "train", d: line(at, train, x, y) }, group);
      const d = line(at, validation, x, y);
      make("path", { d }, group);
      make("path", { class: "near", d }, group);
      const step = Math.max(1, Math.ceil(at.length / 6));
      at.forEach((each, index) => {
        if ((index + slot) % step || validation[index] === null) return;
        make("text", { x: x(each), y: y(validation[index]) + 4, "text-anchor": "middle", class: "dot" }, group).textContent = mark(slot);
      });
      report.add(key, group);
      drawn.push([key, group]);
      const known = validation.filter((each) => each !== null);
      if (known.length) said.push(`${name(key)} ends at ${write(known.at(-1))}`);
    }
    svg.setAttribute("aria-label", `${panel.name} by ${epoch}: ${said.join("; ")}.`);
    panel.switches.replaceChildren();
    const again = (which) => (now) => {
      panel[which] = now;
      update();
      panel.switches.querySelector(`[data-axis="${which}"]`)?.focus();
    };
    if (last > 2 * first) axes.button(panel.switches, epoch, panel.x, again("x")).dataset.axis = "x";
    if (may) axes.button(panel.switches, panel.name, log, again("y")).dataset.axis = "y";
  };
  const mark = (slot) => MARKS[(slot + Math.floor(slot / 7)) % 7];
  const update = () => {
    for (const [key, group] of drawn) report.remove(key, group);
    drawn = [];
    figures.forEach(draw);
  };

  const boxes = new Map(); // the checkboxes of each trial
  for (const link of document.querySelectorAll("tr[data-trial] a[href^='#trial=']")) {
    const key = link.closest("tr").dataset.trial;
    if (!curves[key]) continue;
    const tick = document.createElement("input");
    tick.type = "checkbox";
    tick.title = "compare its learning curve";
    tick.setAttribute("aria-label", `Compare the learning curve of ${name(key)}`);
    tick.addEventListener("change", () => (tick.checked ? add(key) : remove(key)));
    link.before(tick);
    boxes.set(key, [...(boxes.get(key) ?? []), tick]);
  }
  const mirror = () => {
    for (const [key, ticks] of boxes) for (const tick of ticks) tick.checked = compared.has(key);
    for (const part of document.querySelectorAll(".all-curves .compared")) part.classList.remove("compared");
    for (const [key, { slot, hidden }] of compared)
      for (const part of parts.get(key) ?? []) {
        if (hidden || !part.closest(".all-curves")) continue;
        part.classList.add("compared");
        part.style.setProperty("--as", `var(--series-${slot % 7})`);
      }
    legend.replaceChildren(...[...compared].map(([key, entry]) => {
      const item = document.createElement("li");
      const labelled = element("label", "", item);
      const tick = element("input", "", labelled);
      tick.type = "checkbox";
      tick.checked = !entry.hidden;
      tick.setAttribute("aria-label", `Show ${name(key)}`);
      tick.addEventListener("change", () => {
        entry.hidden = !tick.checked;
        mirror();
        [...legend.querySelectorAll("input")][[...compared.keys()].indexOf(key)].focus();
        say(`${name(key)} is ${entry.hidden ? "hidden" : "shown"}.`);
      });
      element("span", `swatch s${entry.slot % 7}`, labelled, mark(entry.slot)).setAttribute("aria-hidden", "true");
      labelled.append(` ${name(key)}: ${trials[key].text[0]} `);
      const away = element("button", "", item, "✕");
      away.type = "button";
      away.setAttribute("aria-label", `Remove ${name(key)}`);
      away.addEventListener("click", () => {
        remove(key);
        field.focus();
      });
      return item;
    }));
    update();
  };
  const put = (key) => {
    const taken = [...compared.values()].map(({ slot }) => slot);
    compared.set(key, { slot: [...Array(MOST).keys()].find((slot) => !taken.includes(slot)), hidden: false });
  };
  const changed = (what) => {
    report.keep([...compared.keys()]);
    mirror();
    say(`${what} ${compared.size} ${compared.size === 1 ? "curve" : "curves"} compared.`);
  };
  const add = (key) => {
    if (!compared.has(key) && compared.size >= MOST) {
      mirror(); // the checkbox is empty again
      return say(`At most ${MOST} curves are compared; remove one first.`);
    }
    if (!compared.has(key)) put(key);
    return changed(`Added ${name(key)}.`);
  };
  const remove = (key) => {
    compared.delete(key);
    changed(`Removed ${name(key)}.`);
  };
  field.addEventListener("change", () => {
    const key = report.keyOf(field.value.trim());
    if (!field.value.trim()) return;
    if (key && curves[key]) {
      field.value = "";
      add(key);
    } else say(`There is no curve of ${field.value} on this page.`);
  });
  clear.addEventListener("click", () => {
    compared.clear();
    changed("Cleared.");
  });
  only.addEventListener("change", () => document.body.classList.toggle("only-compared", only.checked));
  document.addEventListener("chosen", ({ detail: { key, panel } }) => {
    if (!curves[key]) return;
    const button = element("button", "close", panel);
    button.type = "button";
    const write = () => { button.textContent = compared.has(key) ? "Remove its curve" : "Compare its curve"; };
    button.addEventListener("click", () => {
      if (compared.has(key)) remove(key);
      else add(key);
      write();
    });
    write();
  });
  const start = () => {
    const wanted = report.kept().filter((key) => curves[key]);
    const tables = [...document.querySelectorAll("section.stage table")].map((table) =>
      [...table.tBodies[0].rows].map((row) => row.dataset.trial).filter((key) => curves[key]));
    const best = tables.map(([first]) => first).filter((key) => key);
    const few = best.length > 1 ? best.slice(-3) : tables.flat().slice(0, 3);
    for (const key of wanted.length ? wanted.slice(0, MOST) : few) put(key);
    mirror();
  };
  start();
  addEventListener("hashchange", () => {
    if (!report.kept().length) return;
    compared.clear();
    start();
  });
})();
