// Ticks, numbers and scales of axes, for what scripts draw.
const axes = (() => {
  const number = (value) => {
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e\+?/, "e");
    return (+value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  };
  const linear = (low, high, whole = false) => {
    const rough = (high - low) / 6 || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = power * [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999);
    if (whole) step = Math.max(1, Math.round(step));
    const found = [];
    for (let place = Math.ceil(low / step - 1e-9); place * step <= high + 1e-9 * step; place++) found.push(+(place * step).toPrecision(12));
    return found;
  };
  const logarithmic = (low, high) => {
    const decades = Math.log10(high / low);
    if (decades < 0.7) return linear(low, high);
    const each = decades < 2 ? [1, 2, 5] : [1];
    const step = Math.ceil(decades / 6);
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      if (power % step === 0) found.push(...each.map((factor) => +`${factor}e${power}`));
    return found.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  };
  const ticks = (low, high, log, whole) => (log ? logarithmic(low, high) : linear(low, high, whole));
  // From values between `low` and `high` to places between `start` and `end`.
  const scale = (low, high, log, start, end) => {
    const of = log ? Math.log : (value) => value;
    const span = of(high) - of(low) || 1;
    return (value) => start + ((of(value) - of(low)) / span) * (end - start);
  };
  // A button that switches one axis; `change` is called with whether it is logarithmic now.
  const button = (parent, name, log, change) => {
    const made = document.createElement("button");
    const write = () => {
      made.textContent = `${name}: ${log ? "logarithmic" : "linear"}`;
      made.setAttribute("aria-label", `Axis of ${name}: ${log ? "logarithmic; make it linear" : "linear; make it logarithmic"}`);
    };
    made.type = "button";
    made.className = "scale";
    made.addEventListener("click", () => {
      log = !log;
      write();
      change(log);
    });
    write();
    parent.append(made);
    return made;
  };
  return { number, ticks, scale, button };
})();
