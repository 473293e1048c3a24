// The page itself: controls, drawing, playing.
const errors = [];
window.addEventListener("error", (event) => errors.push(String(event.message)));
let figures = [];
let moveCurveCursor = null;
let timer = null;

function option(value, text) {
  return Object.assign(document.createElement("option"), { value, textContent: text });
}

/** Everything that depends on the recording: lists, images, curves, tables. */
function showRecording() {
  const recording = recordingNow();
  state.frame = Math.min(state.frame, recording.frames.length - 1);
  byId("frame").max = recording.frames.length - 1;
  byId("view").replaceChildren(option("all", "all views"), ...recording.cameras.map((camera, view) => option(view, camera.name)));
  byId("person").replaceChildren(
    option("all", "everyone"), ...recording.people.map((_, person) => option(person, personName(recording, person))));
  if (Number(state.view) >= recording.cameras.length) state.view = "all";
  if (Number(state.person) >= recording.people.length) state.person = "all";
  const occlusion = recording.people.some((person) => person.depths !== null);
  for (const item of byId("filter").options) item.disabled = !occlusion && item.value !== "all";
  if (!occlusion) state.filter = "all";
  allow("filter", occlusion, "This data set was made without labels of occlusion");
  allow("masks", recording.people.some((person) => person.masks !== null), "This data set was made without masks");
  allow("model", recording.people.some((person) => person.model3d !== null), "The keypoints shown are the model's own");
  allow("person", recording.people.length > 1, "");
  byId("main").classList.toggle("labels-alone", !hasImages(recording));
  for (const id of ["keypoints", "skeleton", "names", "boxes", "closeup"]) allow(id, hasImages(recording), "This data set has no images");
  resetEye(recording);
  fillVariety(recording);
  fillControls();
  showViews();
}

function allow(id, possible, why) {
  byId(id).disabled = !possible;
  (byId(id).closest("label") || byId(id)).title = possible ? "" : why;
}

/** Everything that depends on which views and people are chosen. */
function showViews() {
  const recording = recordingNow();
  const views = shownViews(recording).filter((view) => recording.images[view].length);
  byId("pictures").classList.toggle("one", views.length === 1);
  figures = views.map((view) => makeFigure(recording, view));
  byId("pictures").replaceChildren(...figures.map((each) => each.figure));
  moveCurveCursor = drawCurves(byId("curve"), recording, shownPeople(recording), (time) => goTo(nearestRow(recording.time, time)));
  byId("curve-section").hidden = moveCurveCursor === null;
  const others = shownPeople(recording).length > 1 ? ` Paler: everyone but ${personName(recording, 0)}.` : "";
  byId("curve-help").textContent = `Cobb angles in degrees over time.${others} Click to go to a frame.`;
  showFrame();
}

function makeFigure(recording, view) {
  const [width, height] = recording.cameras[view].size;
  const figure = document.createElement("figure");
  figure.style.setProperty("--shape", width / height);
  figure.innerHTML = '<div class="plate"><img alt=""><canvas role="img"></canvas></div><figcaption></figcaption>';
  const [plate, picture, canvas] = [figure.firstChild, figure.querySelector("img"), figure.querySelector("canvas")];
  plate.style.aspectRatio = `${width} / ${height}`;
  const made = { figure, plate, picture, canvas, caption: figure.lastChild, view };
  canvas.addEventListener("pointermove", (event) => describe(made, [event.offsetX, event.offsetY]));
  canvas.addEventListener("pointerleave", () => describe(made));
  return made;
}

/** A line under the image: of the keypoint below the pointer, else of the image. */
function describe(made, pointer) {
  const recording = recordingNow();
  const part = imageWindow(recording, made.view, state.frame);
  const scale = made.canvas.clientWidth / part.width;
  const at = pointer && [pointer[0] + part.x * scale, pointer[1] + part.y * scale];
  const name = Object.assign(document.createElement("b"), { textContent: recording.cameras[made.view].name });
  const each = at ? nearestPoint(recording, made.view, state.frame, scale, ...at) : null;
  if (each === null) {
    made.caption.replaceChildren(name, `  ${imageSummary(recording, made.view)}`);
    return;
  }
  const [u, v] = imagePoint(recording, each.person, made.view, state.frame, each.point);
  const depth = pointDepth(recording, each.person, made.view, state.frame, each.point);
  name.textContent = recording.keypoints.names[each.point];
  const texts = [`${u.toFixed(1)}, ${v.toFixed(1)} px`, STATES[each.letter]];
  if (depth !== null) texts.push(`${depth} mm under the skin`);
  if (recording.people.length > 1) texts.push(`person ${each.person + 1}`);
  made.caption.replaceChildren(name, `  ${texts.join(", ")}`);
}

function imageSummary(recording, view) {
  const letters = shownPeople(recording).flatMap((person) =>
    recording.keypoints.names.map((_, point) => pointState(recording, person, view, state.frame, point)));
  const count = (kinds) => letters.filter((letter) => kinds.includes(letter)).length;
  if (!recording.people.some((person) => person.depths !== null)) return `${count("u")} of ${letters.length} keypoints in the image`;
  return `${count("v")} visible, ${count("sop")} hidden, ${count("xn")} outside`;
}

/** Everything that depends on the frame. */
function showFrame() {
  const recording = recordingNow();
  byId("frame").value = state.frame;
  const where = `frame ${recording.frames[state.frame]}, ${recording.time[state.frame].toFixed(2)} s`;
  byId("where").textContent = `${where} (${state.frame + 1} of ${recording.frames.length})`;
  byId("frame").setAttribute("aria-valuetext", where);
  for (const each of figures) {
    const number = recording.images[each.view][state.frame];
    each.picture.hidden = number === null;
    if (number !== null) each.picture.src = images[number];
    each.plate.querySelector(".missing")?.remove();
    if (number === null) each.plate.append(Object.assign(document.createElement("div"), { className: "missing", textContent: "this image is not in the folder" }));
    each.canvas.setAttribute("aria-label", `${recording.cameras[each.view].name}, ${where}: ${imageSummary(recording, each.view)}`);
    describe(each);
  }
  if (moveCurveCursor) moveCurveCursor(recording.time[state.frame]);
  redraw();
}

/** Everything that is drawn. */
function redraw() {
  const recording = recordingNow();
  for (const each of figures) {
    const context = sized(each.canvas);
    const part = imageWindow(recording, each.view, state.frame);
    const scale = each.canvas.clientWidth / part.width;
    placePicture(each.picture, recording.cameras[each.view].size, part);
    context.translate(-part.x * scale, -part.y * scale);
    drawOverlay(context, recording, each.view, state.frame, scale);
  }
  fillLegend(recording, state.frame);
  if (byId("keypoint-details").open) fillKeypointTable(recording, state.frame);
  redrawSpace();
}

/** Show a part of the picture, as large as the plate. */
function placePicture(picture, [width, height], part) {
  const zoom = width / part.width;
  const whole = 100 * zoom;
  Object.assign(picture.style, {
    width: `${whole}%`, height: `${whole}%`, left: `${(-part.x / width) * whole}%`, top: `${(-part.y / height) * whole}%`,
  });
}

function redrawSpace() {
  const recording = recordingNow();
  const canvas = byId("space");
  drawSpace(sized(canvas), canvas.clientWidth, canvas.clientHeight, recording, state.frame, pageColours());
  canvas.setAttribute("aria-label", `Skeleton of ${shownPeople(recording).length} and ${recording.cameras.length} cameras in space`);
}

/** The canvas's pen, with one unit for a CSS px, on an empty canvas as fine as the screen. */
function sized(canvas) {
  const fine = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(canvas.clientWidth * fine), Math.round(canvas.clientHeight * fine)];
  const context = canvas.getContext("2d");
  context.setTransform(fine, 0, 0, fine, 0, 0);
  return context;
}

function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["line", "faint", "soft", "link", "model"];
  return { ...Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])), edge: DARK_EDGE };
}

function goTo(frame) {
  state.frame = Math.max(0, Math.min(recordingNow().frames.length - 1, frame));
  showFrame();
}

/** Play as fast as it was recorded, but neither faster than 25 nor slower than 4 frames a second. */
function play(going) {
  clearInterval(timer);
  timer = null;
  const { time, frames } = recordingNow();
  if (going && frames.length > 1) {
    const step = ((time[time.length - 1] - time[0]) / (time.length - 1)) * 1000;
    timer = setInterval(() => goTo((state.frame + 1) % frames.length), Math.max(40, Math.min(250, step)));
  }
  byId("play").textContent = timer === null ? "Play" : "Pause";
  byId("play").setAttribute("aria-pressed", String(timer !== null));
}

const SELECTS = { recording: showRecording, view: showViews, person: showViews, filter: showFrame, colour: redraw };
const CHECKS = ["keypoints", "skeleton", "names", "boxes", "masks", "closeup", "cameras", "model"];

function fillControls() {
  for (const id of Object.keys(SELECTS)) byId(id).value = String(state[id]);
  for (const id of CHECKS) byId(id).checked = state[id];
}

function onKey(event) {
  const inField = /^(INPUT|SELECT|BUTTON|SUMMARY)$/.test(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey || (inField && event.target.type !== "checkbox")) return;
  const last = recordingNow().frames.length - 1;
  const steps = { ArrowRight: state.frame + 1, ArrowLeft: state.frame - 1, Home: 0, End: last };
  if (event.key in steps) goTo(steps[event.key]);
  else if (event.key === " " && !inField) play(timer === null);
  else return;
  event.preventDefault();
}

function onSpaceKey(event) {
  const turns = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const moves = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 };
  if (event.key in turns) turnEye(...turns[event.key]);
  else if (event.key in moves) moveEye(moves[event.key]);
  else return;
  event.preventDefault();
  event.stopPropagation();
  redrawSpace();
}

function listen() {
  for (const [id, show] of Object.entries(SELECTS))
    byId(id).addEventListener("change", () => {
      state[id] = id === "recording" ? Number(byId(id).value) : byId(id).value;
      if (id === "recording") play(false);
      show();
    });
  for (const id of CHECKS) byId(id).addEventListener("change", () => { state[id] = byId(id).checked; redraw(); });
  byId("frame").addEventListener("input", () => goTo(Number(byId("frame").value)));
  byId("play").addEventListener("click", () => play(timer === null));
  byId("keypoint-details").addEventListener("toggle", redraw);
  document.addEventListener("keydown", onKey);
  const space = byId("space");
  space.addEventListener("keydown", onSpaceKey);
  space.addEventListener("pointerdown", (event) => space.setPointerCapture(event.pointerId));
  space.addEventListener("pointermove", (event) => {
    if (!space.hasPointerCapture(event.pointerId)) return;
    turnEye(-0.01 * event.movementX, 0.01 * event.movementY);
    redrawSpace();
  });
  space.addEventListener("wheel", (event) => {
    if (document.activeElement !== space && !event.ctrlKey) return; // else the page could not be scrolled past it
    event.preventDefault();
    moveEye(Math.exp(0.001 * event.deltaY));
    redrawSpace();
  }, { passive: false });
  const changes = { nearer: () => moveEye(0.85), farther: () => moveEye(1 / 0.85), upright: () => resetEye(recordingNow()) };
  for (const [id, change] of Object.entries(changes)) byId(id).addEventListener("click", () => { change(); redrawSpace(); });
  new ResizeObserver(redraw).observe(byId("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

/** What the address asks for after `#`, such as recording=1&frame=4&view=2&colour=visibility&names=1&theme=dark. */
function readAddress() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (name === "theme") document.documentElement.dataset.theme = value;
    else if (CHECKS.includes(name)) state[name] = value === "1";
    else if (name === "recording" || name === "frame") state[name] = Math.max(0, Math.floor(Number(value)) || 0);
    else if (name in SELECTS) state[name] = value;
  }
  state.recording = Math.min(state.recording, told.recordings.length - 1);
  if (!(state.filter in FILTERS)) state.filter = "all";
}

function start() {
  byId("lead").textContent = told.shown;
  byId("left-out").textContent = [told.leftOut.length ? `Shown here: ${told.leftOut.join(", ")}, chosen evenly.` : "", ...told.notes.map((note) => `${note}.`)].join(" ").trim();
  byId("left-out").hidden = byId("left-out").textContent === "";
  byId("recording").replaceChildren(...told.recordings.map((recording, number) => option(number, recording.name)));
  readAddress();
  allow("recording", told.recordings.length > 1, "");
  showRecording();
  listen();
}
