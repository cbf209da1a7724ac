// Drag along an axis of the parallel coordinates, or give a range below: figures and tables keep the configurations within.
(() => {
  const data = report.coordinates;
  const svg = document.querySelector('svg[data-figure="parallel"]');
  if (!data || !svg) return;
  const { parts, SVG, element, say } = report;
  const ranges = data.axes.map(() => null); // of each axis the shares of its length, [from, to]
  const lines = new Map([...svg.querySelectorAll("[data-trials]")].map((line) => [line.dataset.trials, line]));
  const figure = svg.closest("figure");

  const scales = data.axes.map(({ low, high, log }) => ({
    share: axes.scale(low, high, log, 0, 1),
    value: (share) => (log ? low * (high / low) ** share : low + share * (high - low)),
  }));
  const make = (tag, name, attributes) => {
    const made = document.createElementNS(SVG, tag);
    made.setAttribute("class", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    svg.append(made);
    return made;
  };
  const within = (place) => (key) => {
    const [from, to] = ranges[place];
    const value = data.at[key][place];
    if (value === null) return false;
    const share = scales[place].share(value);
    return share >= from - 1e-6 && share <= to + 1e-6;
  };

  element("p", "caption", figure, "Drag along an axis, or choose a range: figures and tables show the configurations within.");
  const bar = element("p", "tools", figure);
  const clear = element("button", "keep-all", bar, "Keep all");
  clear.type = "button";
  const count = element("output", "", bar);
  const grid = element("div", "ranges tools", figure);

  const controls = data.axes.map((axis, place) => {
    const set = element("fieldset", "", grid);
    element("legend", "", set, axis.name);
    const factor = axis.share ? 100 : 1;
    const fields = ["from", "to"].map((end) => {
      const label = element("label", "", set, `${end} `);
      const field = element(axis.choices ? "select" : "input", "", label);
      if (axis.choices) field.append(new Option("any", ""), ...axis.choices.map((choice, index) => new Option(choice, index)));
      else {
        field.type = "number";
        field.step = "any";
      }
      set.append(" ");
      field.addEventListener("change", () => {
        const [from, to] = fields.map((each) => (each.value === "" ? null : +each.value / factor));
        if (from === null && to === null) ranges[place] = null;
        else {
          const [least, most] = [axis.low, axis.high].sort((a, b) => a - b);
          const ends = [from ?? least, to ?? most].map((each) => scales[place].share(axis.log ? Math.max(each, 1e-300) : each));
          ranges[place] = ends.sort((a, b) => a - b);
        }
        update(place);
      });
      return field;
    });
    return {
      write: () => {
        const edges = ranges[place]?.map(scales[place].value).sort((a, b) => a - b);
        const rounded = axis.choices ? edges && [Math.ceil(edges[0] - 1e-6), Math.floor(edges[1] + 1e-6)] : edges?.map((each) => +(factor * each).toPrecision(3));
        fields.forEach((field, end) => { field.value = rounded?.[end] ?? ""; });
      },
    };
  });

  const drawn = [...svg.querySelectorAll('[data-part^="axis"]')].map((axis) => {
    const [x, bottom, , up] = axis.querySelector("path").getAttribute("d").match(/-?[\d.]+/g).map(Number);
    const top = bottom + up;
    const kept = make("rect", "axis-kept", { x: x - 5, width: 10, y: top, height: 0 });
    const area = make("rect", "axis-area", { x: x - 11, width: 22, y: top - 6, height: bottom - top + 12 });
    return { x, top, bottom, kept, area };
  });
  drawn.forEach(({ top, bottom, area }, place) => {
    const share = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return Math.max(0, Math.min(1, (bottom - point.y) / (bottom - top)));
    };
    let start = null;
    area.addEventListener("pointerdown", (event) => {
      start = share(event);
      area.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    area.addEventListener("pointermove", (event) => {
      if (start === null) return;
      ranges[place] = [start, share(event)].sort((a, b) => a - b);
      controls[place].write();
      update(place, false);
    });
    area.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const end = share(event);
      ranges[place] = Math.abs(end - start) < 0.01 ? null : [start, end].sort((a, b) => a - b); // a click frees the axis
      start = null;
      controls[place].write();
      update(place);
    });
    area.addEventListener("pointercancel", () => { start = null; });
  });

  const update = (place, aloud = true) => {
    drawn.forEach(({ top, bottom, kept }, each) => {
      const [from, to] = ranges[each]?.map((share) => Math.max(0, Math.min(1, share))) ?? [0, 0];
      kept.setAttribute("y", bottom - to * (bottom - top));
      kept.setAttribute("height", (to - from) * (bottom - top));
    });
    const tests = ranges.flatMap((range, each) => (range ? [within(each)] : []));
    const keys = Object.keys(data.at);
    let inside = 0;
    for (const key of keys) {
      const out = !tests.every((test) => test(key));
      inside += !out;
      lines.get(key)?.classList.toggle("out", out);
      for (const part of parts.get(key) ?? []) if (!part.closest(".compare")) part.classList.toggle("out", out);
    }
    count.textContent = tests.length ? `${inside} of ${keys.length} configurations` : "";
    clear.disabled = !tests.length;
    document.dispatchEvent(new Event("brushed"));
    if (aloud) say(tests.length ? `${count.textContent} within ${data.axes[place]?.name ?? "the ranges"}.` : "All configurations are shown.");
  };
  clear.addEventListener("click", () => {
    ranges.fill(null);
    controls.forEach((each) => each.write());
    update();
  });
  clear.disabled = true;
})();
