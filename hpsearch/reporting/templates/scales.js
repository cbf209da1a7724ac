// Axes of positive numbers can be made logarithmic or linear: what is drawn moves along, and the axis has new ticks.
for (const svg of document.querySelectorAll("svg:has([data-scale])")) {
  if (svg.querySelector("image")) continue; // marks in an image cannot move
  const groups = [...svg.querySelectorAll("[data-scale]")];
  const area = groups[0].parentNode;
  const clip = area.querySelector("[clip-path]")?.getAttribute("clip-path").slice(5, -1);
  const box = clip && svg.querySelector(`#${clip} > rect`);
  if (!box) continue;
  const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => +box.getAttribute(name));
  const moved = [...area.querySelectorAll("path, use")].filter((each) =>
    !each.closest("defs") && ![...area.children].some((group) => group.contains(each) && group.querySelector(":scope > g > g > text, :scope[data-scale]")));
  const before = new Map(moved.map((each) => [each, ["d", "x", "y"].map((name) => each.getAttribute(name))]));
  const now = { x: null, y: null }; // how a place moves along an axis, null where it stays
  const place = () => {
    const [x, y] = ["x", "y"].map((axis) => now[axis] ?? ((value) => value));
    const round = (value) => +value.toFixed(3);
    for (const [each, [d, at, height]] of before) {
      if (d === null) {
        each.setAttribute("x", round(x(+at)));
        each.setAttribute("y", round(y(+height)));
      } else each.setAttribute("d", d.replace(/(-?[\d.]+) (-?[\d.]+)/g, (_, one, other) => `${round(x(+one))} ${round(y(+other))}`));
    }
    for (const ring of svg.querySelectorAll(".ring"))
      for (const axis of ["x", "y"]) ring.setAttribute(`c${axis}`, ring.previousElementSibling.getAttribute(axis));
  };
  const bar = document.createElement("p");
  bar.className = "tools scales";
  for (const group of groups) {
    const [axis, kind, ...edges] = group.dataset.scale.split(" ");
    const [low, high, least] = edges.map(Number);
    const ends = axis === "x" ? [left, left + width] : [top + height, top];
    const first = [...group.children];
    const label = first.pop().querySelector("text");
    const pattern = first[0];
    if (!pattern?.querySelector("use") || !label) continue;
    const name = label.textContent.replace(", logarithmic", "");
    const origin = +pattern.querySelector("use").getAttribute(axis);
    const whole = first.every((tick) => /^[\d,]*$/.test(tick.textContent.trim()));
    const wasLog = kind === "log";
    const scaled = (log) => {
      label.textContent = log ? `${name}, logarithmic` : name;
      for (const tick of [...group.children].slice(0, -1)) tick.remove();
      if (log === wasLog) {
        group.prepend(...first);
        now[axis] = null;
        return place();
      }
      const start = log && low <= 0 ? least / 1.2 : low;
      const to = axes.scale(start, high, log, ...ends);
      const value = wasLog
        ? (at) => low * (high / low) ** ((at - ends[0]) / (ends[1] - ends[0]))
        : (at) => low + ((high - low) * (at - ends[0])) / (ends[1] - ends[0]);
      now[axis] = (at) => to(log ? Math.max(value(at), start) : value(at));
      group.prepend(...axes.ticks(start, high, log, whole).map((each) => {
        const tick = pattern.cloneNode(true);
        const by = to(each) - origin;
        tick.setAttribute("transform", axis === "x" ? `translate(${by} 0)` : `translate(0 ${by})`);
        tick.querySelector("text").textContent = axes.number(each);
        return tick;
      }));
      return place();
    };
    axes.button(bar, name, wasLog, scaled);
  }
  if (bar.children.length) svg.after(bar);
}
