// With #selftest in the address the page draws into a pen that remembers, and writes down what was drawn.
/** A pen that keeps every call by its name. */
function rememberingPen() {
  const calls = [];
  const pen = new Proxy({ calls }, {
    get: (target, name) => {
      if (name === "calls") return calls;
      if (name === "measureText") return (text) => ({ width: 6 * text.length });
      return (...given) => void calls.push([name, ...given.map((each) => (typeof each === "object" ? "object" : each))]);
    },
    set: () => true,
  });
  return pen;
}

function callsWith(changes, recording, view, frame, scale) {
  const before = { ...state };
  Object.assign(state, changes);
  const pen = rememberingPen();
  drawOverlay(pen, recording, view, frame, scale);
  Object.assign(state, before);
  return pen.calls;
}

const NOTHING = { keypoints: false, skeleton: false, names: false, boxes: false, masks: false };

function overlayFindings(recording, view, frame) {
  const drawn = (changes, name) =>
    callsWith({ ...NOTHING, ...changes }, recording, view, frame, 2).filter((call) => call[0] === name).map((call) => call.slice(1));
  return {
    keypoints: drawn({ keypoints: true }, "arc").map(([x, y]) => [x, y]),
    visible: drawn({ keypoints: true, filter: "visible" }, "arc").length,
    hidden: Object.fromEntries(["self", "object", "other"].map((filter) => [filter, drawn({ keypoints: true, filter }, "arc").length])),
    first: drawn({ keypoints: true, person: "0" }, "arc").length,
    edges: drawn({ skeleton: true }, "lineTo").length / 2,
    names: drawn({ names: true }, "fillText").map(([text]) => text),
    boxes: drawn({ boxes: true }, "strokeRect").filter((_, index) => index % 2),
    nothing: callsWith(NOTHING, recording, view, frame, 2).length,
    masks: recording.people.map((person) =>
      person.masks ? decodeMask(person.masks[view][frame], ...recording.cameras[view].size).reduce((sum, each) => sum + each, 0) : null),
  };
}

function spaceFindings(recording) {
  Object.assign(eye, { yaw: 0, pitch: 0, distance: 4, target: [0, 1, 0] });
  const front = seenFrom(eyeAxes(), [0.5, 1.5, 1], 400, 300);
  turnEye(Math.PI / 2, 0);
  const side = seenFrom(eyeAxes(), [0.5, 1.5, 1], 400, 300);
  const frusta = recording.cameras.map((_, view) => frustum(recording, view, 0));
  resetEye(recording);
  const pen = rememberingPen();
  drawSpace(pen, 400, 300, recording, 0, pageColours());
  return { front, side, frusta, arcs: pen.calls.filter((call) => call[0] === "arc").length };
}

/** The colour on the screen at the first visible keypoint of the first image, so that what is drawn is also seen. */
function pixelFindings() {
  const [recording, first] = [recordingNow(), figures[0]];
  if (!first) return null;
  const scale = first.canvas.clientWidth / recording.cameras[first.view].size[0];
  redraw();
  const each = pointsToDraw(recording, 0, first.view, state.frame, scale).at(-1);
  const fine = window.devicePixelRatio || 1;
  const pixel = each && first.canvas.getContext("2d").getImageData(Math.floor(each.x * fine), Math.floor(each.y * fine), 1, 1).data;
  return { width: first.canvas.clientWidth, pixel: pixel ? [...pixel] : null, loaded: first.picture.naturalWidth };
}

async function selfTest() {
  if (figures[0]) await figures[0].picture.decode();
  const findings = {
    pixel: pixelFindings(),
    recordings: told.recordings.map((recording) => ({
      name: recording.name,
      overlays: recording.cameras.map((_, view) => recording.frames.map((_, frame) => overlayFindings(recording, view, frame))),
      space: spaceFindings(recording),
    })),
  };
  goTo(0);
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  findings.afterArrow = state.frame;
  findings.playing = ["Play", "Pause"].map(() => { byId("play").click(); return byId("play").textContent; });
  byId("colour").value = "visibility";
  byId("colour").dispatchEvent(new Event("change"));
  findings.legend = byId("legend").textContent;
  byId("recording").value = String(told.recordings.length - 1);
  byId("recording").dispatchEvent(new Event("change"));
  findings.shown = byId("where").textContent;
  findings.unlabelled = [...document.querySelectorAll("input, select, canvas, button")]
    .filter((each) => !each.labels?.length && !each.getAttribute("aria-label") && !each.textContent.trim()).map((each) => each.id);
  return findings;
}

start();
if (location.hash.startsWith("#selftest")) {
  selfTest().catch((error) => { errors.push(String(error)); return {}; }).then((findings) => {
    const place = Object.assign(document.createElement("script"), { type: "application/json", id: "selftest" });
    place.textContent = JSON.stringify({ ...findings, errors });
    document.body.append(place);
  });
}
