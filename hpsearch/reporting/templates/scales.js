// Axes of positive numbers can be made logarithmic or linear: what is drawn moves along, and the axis has new ticks.
for (const svg of document.querySelectorAll("svg[data-x], svg[data-y]")) {
  const box = svg.querySelector("clipPath > rect");
  const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => +box.getAttribute(name));
  const [right, bottom] = [left + width, top + height];
  const points = (path) => { // of a path of relative steps: its places, and whether it is closed
    const d = path.getAttribute("d");
    const [x, y, ...steps] = d.match(/-?[\d.]+/g).map(Number);
    const found = [[x, y]];
    if (d.includes("l")) for (let i = 0; i < steps.length; i += 2) {
      const [before, under] = found.at(-1);
      found.push([before + steps[i], under + steps[i + 1]]);
    }
    return [found, d.endsWith("z")];
  };
  const shapes = [...svg.querySelectorAll("path, use")].filter((each) => !each.closest("defs, [data-part]"));
  const before = new Map();
  for (const each of shapes) {
    const [places, closed] = each.tagName === "use" ? [[[+each.getAttribute("x"), +each.getAttribute("y")]]] : points(each);
    if (places.some(([x]) => x <= right + 2)) before.set(each, [places, closed]); // beyond is the bar of colours
  }
  const now = { x: (value) => value, y: (value) => value };
  const place = () => {
    const within = (value, from, to) => value >= from - 0.5 && value <= to + 0.5;
    const at = ([x, y]) => [within(x, left, right) ? now.x(x) : x, within(y, top, bottom) ? now.y(y) : y].map((value) => +value.toFixed(2));
    for (const [each, [places, closed]] of before) {
      if (each.tagName === "use") [each.attributes.x.value, each.attributes.y.value] = at(places[0]);
      else each.setAttribute("d", `M${places.map((each) => at(each).join(" ")).join("L")}${places.length > 1 ? "" : "h0"}${closed ? "z" : ""}`);
    }
    for (const ring of svg.querySelectorAll(".ring"))
      for (const axis of ["x", "y"]) ring.setAttribute(`c${axis}`, ring.previousElementSibling.getAttribute(axis));
  };
  const bar = document.createElement("p");
  bar.className = "tools scales";
  for (const axis of ["x", "y"]) {
    if (!svg.dataset[axis]) continue;
    const [kind, ...edges] = svg.dataset[axis].split(" ");
    const [low, high, least] = edges.map(Number);
    const ends = axis === "x" ? [left, right] : [bottom, top];
    const label = svg.querySelector(`[data-part="${axis} label"]`);
    const own = [...svg.querySelectorAll(`[data-part="${axis}"]`)]; // grid lines, ticks and their texts
    const texts = own.filter((each) => each.tagName === "text");
    if (!label || !texts.length) continue;
    const lines = own.filter((each) => each.tagName !== "text").map((group) => ({ group, made: [...group.childNodes], first: points(group.querySelector("path"))[0] }));
    const name = label.textContent.replace(", logarithmic", "");
    const whole = texts.every((text) => /^[\d,]*$/.test(text.textContent.trim()));
    const wasLog = kind === "log";
    const named = !wasLog || label.textContent !== name; // the axes of learning curves do not say it
    let added = [];
    const scaled = (log) => {
      label.textContent = log && named ? `${name}, logarithmic` : name;
      added.forEach((each) => each.remove());
      added = [];
      texts.forEach((text) => { text.style.display = log === wasLog ? "" : "none"; });
      if (log === wasLog) {
        now[axis] = (value) => value;
        for (const { group, made } of lines) group.replaceChildren(...made);
        return place();
      }
      const start = log && low <= 0 ? least / 1.2 : low;
      const to = axes.scale(start, high, log, ...ends);
      const share = (at) => (at - ends[0]) / (ends[1] - ends[0]);
      const value = (at) => (wasLog ? low * (high / low) ** share(at) : low + (high - low) * share(at));
      now[axis] = (at) => to(log ? Math.max(value(at), start) : value(at));
      const ticks = axes.ticks(start, high, log, whole);
      for (const { group, made, first } of lines) {
        const pattern = made.find((each) => each.tagName === "path") ?? made[0];
        group.replaceChildren(...ticks.map((tick) => {
          const line = pattern.cloneNode();
          const ends = first.map(([x, y]) => (axis === "x" ? `${to(tick)} ${y}` : `${x} ${to(tick)}`));
          line.setAttribute("d", `M${ends.join("L")}`);
          return line;
        }));
      }
      const below = +texts[0].getAttribute("y") - lines.at(-1).first[0][1]; // its base line, of a tick of the vertical axis
      for (const tick of ticks) {
        const text = texts[0].cloneNode();
        text.style.display = "";
        text.textContent = axes.number(tick);
        text.setAttribute(axis, axis === "x" ? to(tick) : to(tick) + below);
        texts[0].before(text);
        added.push(text);
      }
      return place();
    };
    axes.button(bar, name, wasLog, scaled);
  }
  if (bar.children.length) svg.after(bar);
}
