// What the page was told, and how to look into its flat arrays.
const told = JSON.parse(document.getElementById("document").textContent);
const images = JSON.parse(document.getElementById("images").textContent);
const byId = (id) => document.getElementById(id);

const STATES = {
  v: "visible", s: "hidden by the person", o: "hidden by an object", p: "hidden by another person",
  u: "in the image", x: "outside the image", n: "behind the camera, or not known",
};
const FILTERS = { all: "vsopu", visible: "vu", hidden: "sop", self: "s", object: "o", other: "p" };
const REGION_COLOURS = { body: "#7ab0ff", cervical: "#4dd0c4", thoracic: "#ffc44d", lumbar: "#ff6b54" };
const STATE_COLOURS = { v: "#2fc79a", u: "#2fc79a", s: "#f2b134", o: "#f0603a", p: "#cf8fe6", x: "#9aa0a8", n: "#9aa0a8" };
const PERSON_COLOURS = ["#7ab0ff", "#ffc44d", "#4dd0c4", "#ff8aa8", "#b7a3ff", "#a5d96b"];
const REGIONS = Object.keys(REGION_COLOURS);

const state = {
  recording: 0, frame: 0, view: "all", person: "all", filter: "all", colour: "region",
  keypoints: true, skeleton: true, names: false, boxes: false, masks: false, closeup: false, cameras: true, model: false,
};

const recordingNow = () => told.recordings[state.recording];
const pointCount = (recording) => recording.keypoints.names.length;
const hasImages = (recording) => recording.images.some((view) => view.length > 0);
const shownViews = (recording) =>
  recording.cameras.map((_, view) => view).filter((view) => state.view === "all" || Number(state.view) === view);
const shownPeople = (recording) =>
  recording.people.map((_, person) => person).filter((person) => state.person === "all" || Number(state.person) === person);

/** Where a view's, frame's and keypoint's entry lies in a flat array. */
function place(recording, view, frame, point) {
  return (view * recording.frames.length + frame) * pointCount(recording) + point;
}

/** Image point in px (the centre of the first pixel is 0, 0), or null. */
function imagePoint(recording, person, view, frame, point) {
  const at = 2 * place(recording, view, frame, point);
  const points = recording.people[person].points2d;
  return points[at] === null || points[at + 1] === null ? null : [points[at] / 100, points[at + 1] / 100];
}

/** Letter of what is known of the keypoint's visibility, a key of STATES. */
function pointState(recording, person, view, frame, point) {
  return recording.people[person].states[place(recording, view, frame, point)];
}

/** Depth under the skin in mm, or null. */
function pointDepth(recording, person, view, frame, point) {
  const depths = recording.people[person].depths;
  return depths === null ? null : depths[place(recording, view, frame, point)];
}

/** Place in the world in m (Y up), or null; `from` is points3d or model3d. */
function worldPoint(recording, person, frame, point, from = "points3d") {
  const points = recording.people[person][from];
  const at = 3 * (frame * pointCount(recording) + point);
  if (!points || points[at] === null) return null;
  return [points[at] / 1e4, points[at + 1] / 1e4, points[at + 2] / 1e4];
}

/** x, y, width, height in px, or null. */
function boxOf(recording, person, view, frame) {
  const at = 4 * (view * recording.frames.length + frame);
  const box = recording.people[person].boxes.slice(at, at + 4);
  return box.includes(null) ? null : box.map((number) => number / 100);
}

/** R, t of X_camera = R X + t in a frame. */
function cameraPose(recording, view, frame) {
  const poses = recording.cameras[view].poses;
  const at = poses.length > 12 ? 12 * frame : 0;
  const numbers = poses.slice(at, at + 12).map((number) => number / 1e6);
  return { R: [numbers.slice(0, 3), numbers.slice(3, 6), numbers.slice(6, 9)], t: numbers.slice(9) };
}

/** Whether the filter lets a keypoint of this state through. */
const passes = (letter) => FILTERS[state.filter].includes(letter);

function colourOf(recording, person, point, letter) {
  if (state.colour === "visibility") return STATE_COLOURS[letter];
  if (state.colour === "person") return PERSON_COLOURS[person % PERSON_COLOURS.length];
  return REGION_COLOURS[recording.keypoints.regions[point]];
}

/** Pixels of a mask: COCO's compressed run lengths, down the columns; a byte for each pixel, row by row. */
function decodeMask(text, width, height) {
  const mask = new Uint8Array(width * height);
  const counts = [];
  let at = 0, pixel = 0;
  while (at < text.length) {
    let value = 0, shift = 0, more = true;
    while (more) {
      const group = text.charCodeAt(at++) - 48;
      value |= (group & 31) << shift;
      more = (group & 32) !== 0;
      shift += 5;
      if (!more && group & 16 && shift < 32) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2];
    if (counts.length % 2) {
      for (let end = pixel + value, each = pixel; each < end; each++) mask[(each % height) * width + Math.floor(each / height)] = 1;
    }
    counts.push(value);
    pixel += value;
  }
  return mask;
}
