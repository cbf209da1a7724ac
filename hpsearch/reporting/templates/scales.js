// Axes of positive numbers can be made logarithmic or linear: what is drawn moves along, and the axis has new ticks.
for (const svg of document.querySelectorAll("svg:has([data-scale])")) {
  const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => +svg.querySelector("clipPath > rect").getAttribute(name));
  const now = { x: null, y: null }; // how a place moves along an axis, null where it stays
  const moved = [...svg.querySelectorAll(".drawn :is(path, use, text)")].filter((each) => !each.closest("defs")).map((each) => {
    const d = each.getAttribute("d");
    if (d !== null) return { each, corners: axes.points(d), end: d.endsWith("z") ? "z" : "" };
    return { each, at: ["x", "y"].map((name) => +each.getAttribute(name)) };
  });
  const place = () => {
    const move = (corner) => corner.map((value, axis) => (now["xy"[axis]] ?? ((same) => same))(value));
    for (const { each, corners, end, at } of moved) {
      if (corners) each.setAttribute("d", axes.path(corners.map(move), end));
      else move(at).forEach((value, axis) => each.setAttribute("xy"[axis], +value.toFixed(2)));
    }
    for (const ring of svg.querySelectorAll(".ring"))
      for (const axis of ["x", "y"]) ring.setAttribute(`c${axis}`, ring.previousElementSibling.getAttribute(axis));
  };
  const bar = document.createElement("p");
  bar.className = "tools scales";
  for (const group of svg.querySelectorAll("[data-scale]")) {
    const [axis, kind, ...edges] = group.dataset.scale.split(" ");
    const [low, high, least] = edges.map(Number);
    const ends = axis === "x" ? [left, left + width] : [top + height, top];
    const texts = [...group.querySelectorAll("text")];
    const label = texts.pop();
    // The lines of the ticks and of the grid: all that was there, and of the first one its points and its style.
    const lines = [group, svg.querySelector(`[data-grid="${axis}"]`)].filter(Boolean).map((parent) => {
      const first = parent.querySelector("path");
      const style = first?.getAttribute("style") ?? first?.parentNode.getAttribute("style");
      return { parent, before: [...parent.children], corners: first && axes.points(first.getAttribute("d")), style };
    });
    if (!texts.length || !lines[0].corners) continue;
    const name = label.textContent.replace(", logarithmic", "");
    const lower = axis === "x" ? 0 : +texts[0].getAttribute("y") - lines[0].corners[0][1];
    const whole = texts.every((text) => /^[\d,]*$/.test(text.textContent.trim()));
    const wasLog = kind === "log";
    const scaled = (log) => {
      label.textContent = log ? `${name}, logarithmic` : name;
      if (log === wasLog) {
        for (const { parent, before } of lines) parent.replaceChildren(...before);
        now[axis] = null;
        return place();
      }
      const start = log && low <= 0 ? least / 1.2 : low;
      const to = axes.scale(start, high, log, ...ends);
      const value = wasLog
        ? (at) => low * (high / low) ** ((at - ends[0]) / (ends[1] - ends[0]))
        : (at) => low + ((high - low) * (at - ends[0])) / (ends[1] - ends[0]);
      now[axis] = (at) => to(log ? Math.max(value(at), start) : value(at));
      const ticks = axes.ticks(start, high, log, whole);
      for (const { parent, corners, style } of lines)
        parent.replaceChildren(...ticks.map((tick) => {
          const line = document.createElementNS(svg.namespaceURI, "path");
          line.setAttribute("d", axes.path(corners.map(([x, y]) => (axis === "x" ? [to(tick), y] : [x, to(tick)]))));
          line.setAttribute("style", style);
          return line;
        }));
      group.append(...ticks.map((tick) => {
        const text = texts[0].cloneNode();
        text.setAttribute(axis, +(to(tick) + lower).toFixed(2));
        text.textContent = axes.number(tick);
        return text;
      }), label);
      return place();
    };
    axes.button(bar, name, wasLog, scaled);
  }
  if (bar.children.length) svg.after(bar);
}
