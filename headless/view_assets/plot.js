// The spine's curvature over time, as a drawing of lines.
const SVG = "http://www.w3.org/2000/svg";
const KINDS = { lordosis: "LLA", kyphosis: "TKA" };
const PLOT = { width: 430, height: 190, left: 34, right: 44, top: 8, bottom: 24 };

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Round numbers between two limits, about `wanted` of them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let number = Math.ceil(low / step - 1e-9) * step; number <= high + 1e-9 * step; number += step) found.push(number);
  return found.map((number) => Number(number.toPrecision(10)));
}

function curveLimits(curve) {
  const angles = [...curve.lordosis.flat(), ...curve.kyphosis.flat()].filter((angle) => angle !== null).map((angle) => angle / 10);
  if (!angles.length) return null;
  let [low, high] = [Math.min(...angles), Math.max(...angles)];
  const edge = Math.max(2, 0.08 * (high - low));
  const time = [curve.time[0], curve.time[curve.time.length - 1]];
  return { time, angle: [low - edge, high + edge] };
}

function plotScales(limits) {
  const { width, height, left, right, top, bottom } = PLOT;
  const span = limits.time[1] - limits.time[0] || 1;
  return {
    x: (time) => left + ((time - limits.time[0]) / span) * (width - left - right),
    y: (angle) => height - bottom - ((angle - limits.angle[0]) / (limits.angle[1] - limits.angle[0])) * (height - top - bottom),
    time: (x) => limits.time[0] + ((x - left) / (width - left - right)) * span,
  };
}

/** Draw the curves of a recording; gives what moves the cursor, or null where nothing is known. */
function drawCurves(holder, recording, people, goTo) {
  holder.replaceChildren();
  const limits = recording.curve && curveLimits(recording.curve);
  if (!limits) return null;
  const scales = plotScales(limits);
  const { width, height, left, right, bottom } = PLOT;
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const title = element("title", {}, "Lumbar lordosis (LLA) and thoracic kyphosis (TKA) over time");
  drawing.append(title);
  for (const angle of ticks(...limits.angle, 5)) {
    drawing.append(element("line", { class: "grid", x1: left, x2: width - right, y1: scales.y(angle), y2: scales.y(angle) }));
    drawing.append(element("text", { x: left - 6, y: scales.y(angle) + 4, "text-anchor": "end" }, String(angle).replace("-", "\u2212")));
  }
  drawing.append(element("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  for (const time of ticks(...limits.time, 5))
    drawing.append(element("text", { x: scales.x(time), y: height - bottom + 15, "text-anchor": "middle" }, `${time} s`));
  const cursor = element("line", { class: "cursor", y1: PLOT.top, y2: height - bottom });
  const dots = [];
  for (const person of people)
    for (const kind of Object.keys(KINDS)) drawCurve(drawing, dots, recording.curve, kind, person, person === people[0], scales);
  spreadLabels(drawing);
  drawing.append(cursor, ...dots.map((each) => each.dot));
  drawing.addEventListener("click", (event) => {
    const box = drawing.getBoundingClientRect();
    goTo(scales.time(((event.clientX - box.left) / box.width) * width));
  });
  holder.append(drawing);
  return (time) => moveCursor(cursor, dots, scales, recording.curve, time);
}

function drawCurve(drawing, dots, curve, kind, person, first, scales) {
  const angles = curve[kind][person];
  if (angles.every((angle) => angle === null)) return;
  const path = [];
  let pen = "M";
  angles.forEach((angle, row) => {
    if (angle !== null) path.push(`${pen}${scales.x(curve.time[row]).toFixed(2)} ${scales.y(angle / 10).toFixed(2)}`);
    pen = angle === null ? "M" : "L";
  });
  drawing.append(element("path", { class: first ? kind : `${kind} other`, d: path.join("") }));
  const dot = element("circle", { class: kind, r: first ? 4 : 3, "stroke-width": 1.5 });
  dots.push({ dot, angles });
  if (!first) return;
  const last = angles.findLast((angle) => angle !== null);
  drawing.append(element("text", { class: `${kind} end`, x: PLOT.width - PLOT.right + 6, y: scales.y(last / 10) + 4 }, KINDS[kind]));
}

/** Names at the ends of lines that meet are set apart. */
function spreadLabels(drawing) {
  const labels = [...drawing.querySelectorAll("text.end")].sort((one, other) => one.getAttribute("y") - other.getAttribute("y"));
  for (let index = 1; index < labels.length; index++) {
    const above = Number(labels[index - 1].getAttribute("y"));
    labels[index].setAttribute("y", Math.max(Number(labels[index].getAttribute("y")), above + 12));
  }
}

function moveCursor(cursor, dots, scales, curve, time) {
  const row = nearestRow(curve.time, time);
  const x = scales.x(curve.time[row]);
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  for (const { dot, angles } of dots) {
    dot.setAttribute("visibility", angles[row] === null ? "hidden" : "visible");
    dot.setAttribute("cx", x);
    if (angles[row] !== null) dot.setAttribute("cy", scales.y(angles[row] / 10));
  }
}

function nearestRow(times, time) {
  let best = 0;
  times.forEach((each, row) => {
    if (Math.abs(each - time) < Math.abs(times[best] - time)) best = row;
  });
  return best;
}
