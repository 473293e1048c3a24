// The recording in space: skeletons, the floor and the cameras, seen by an eye that goes round them.
const FRUSTUM_M = 0.4;
const eye = { yaw: 0.65, pitch: 0.3, distance: 5, target: [0, 0.9, 0] };

const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Look at the people of a recording from a distance that shows them whole, and the cameras unless they are far off. */
function resetEye(recording) {
  const points = [];
  for (let person = 0; person < recording.people.length; person++)
    for (let frame = 0; frame < recording.frames.length; frame++)
      for (let point = 0; point < pointCount(recording); point++) {
        const at = worldPoint(recording, person, frame, point);
        if (at) points.push(at);
      }
  if (!points.length) return;
  const span = [0, 1, 2].map((axis) => {
    const values = points.map((point) => point[axis]);
    return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  });
  eye.target = span.map(([low, high]) => (low + high) / 2);
  const size = Math.hypot(...span.map(([low, high]) => high - low));
  const reach = Math.max(0, ...recording.cameras.map((_, view) => Math.hypot(...minus(frustum(recording, view, 0).center, eye.target))));
  eye.distance = Math.max(1.5, 1.9 * size, Math.min(3 * reach, 2.6 * size));
  eye.yaw = 0.65;
  eye.pitch = 0.3;
}

/** Right, up and back (towards the eye) in the world, whose Y is up. */
function eyeAxes() {
  const [sy, cy, sp, cp] = [Math.sin(eye.yaw), Math.cos(eye.yaw), Math.sin(eye.pitch), Math.cos(eye.pitch)];
  return { right: [cy, 0, -sy], up: [-sy * sp, cp, -cy * sp], back: [sy * cp, sp, cy * cp] };
}

/** Place on a canvas of this size, and how far before the eye; null behind it. */
function seenFrom(axes, point, width, height) {
  const away = minus(point, eye.target);
  const before = eye.distance - dot(away, axes.back);
  if (before < 0.05) return null;
  const scale = (1.5 * Math.min(width, height)) / before;
  return [width / 2 + dot(away, axes.right) * scale, height / 2 - dot(away, axes.up) * scale, before];
}

/** Draw everything in space; `colours` are those of the page. */
function drawSpace(context, width, height, recording, frame, colours) {
  const axes = eyeAxes();
  const see = (point) => seenFrom(axes, point, width, height);
  drawFloor(context, see, colours);
  if (state.cameras) recording.cameras.forEach((_, view) => drawFrustum(context, see, recording, view, frame, colours));
  for (const person of shownPeople(recording)) {
    drawBody(context, see, recording, person, frame, colours);
    if (state.model) drawModel(context, see, recording, person, frame, colours);
  }
}

function line(context, from, to, width, style) {
  if (!from || !to) return;
  context.lineWidth = width;
  context.strokeStyle = style;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.stroke();
}

/** Lines on the floor, half a metre apart. */
function drawFloor(context, see, colours) {
  const [x0, z0] = [Math.round(eye.target[0] * 2) / 2, Math.round(eye.target[2] * 2) / 2];
  for (let step = -4; step <= 4; step++) {
    const [x, z] = [x0 + step / 2, z0 + step / 2];
    line(context, see([x, 0, z0 - 2]), see([x, 0, z0 + 2]), 1, colours.line);
    line(context, see([x0 - 2, 0, z]), see([x0 + 2, 0, z]), 1, colours.line);
  }
}

/** A camera's centre and the corners of its image, FRUSTUM_M before it. */
function frustum(recording, view, frame) {
  const { R, t } = cameraPose(recording, view, frame);
  const world = (x) => [0, 1, 2].map((axis) => [0, 1, 2].reduce((sum, row) => sum + R[row][axis] * (x[row] - t[row]), 0));
  const rays = recording.cameras[view].corners;
  const corners = [0, 1, 2, 3]
    .filter((corner) => rays[2 * corner] !== null)
    .map((corner) => world([(rays[2 * corner] / 1e4) * FRUSTUM_M, (rays[2 * corner + 1] / 1e4) * FRUSTUM_M, FRUSTUM_M]));
  return { center: world([0, 0, 0]), corners };
}

function drawFrustum(context, see, recording, view, frame, colours) {
  const { center, corners } = frustum(recording, view, frame);
  const chosen = state.view !== "all" && Number(state.view) === view;
  const [style, width] = [chosen ? colours.link : colours.faint, chosen ? 1.8 : 1];
  const at = see(center);
  const seen = corners.map(see);
  seen.forEach((corner, index) => {
    line(context, at, corner, width, style);
    line(context, corner, seen[(index + 1) % seen.length], width, style);
  });
  if (!at) return;
  context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  context.fillStyle = chosen ? colours.link : colours.soft;
  context.fillText(recording.cameras[view].name, at[0], at[1] - 7);
  context.textAlign = "start";
}

/** How a keypoint counts in the one view that is chosen; with several views there is no such thing. */
function stateInSpace(recording, person, frame, point) {
  const views = shownViews(recording);
  return views.length === 1 ? pointState(recording, person, views[0], frame, point) : "v";
}

function colourInSpace(recording, person, frame, point) {
  const several = shownViews(recording).length !== 1;
  if (state.colour === "visibility" && several) return REGION_COLOURS[recording.keypoints.regions[point]];
  return colourOf(recording, person, point, stateInSpace(recording, person, frame, point));
}

/** People far off get finer marks. */
const markSizeInSpace = () => Math.max(0.5, Math.min(1.3, 5.5 / eye.distance));

function drawBody(context, see, recording, person, frame, colours) {
  const places = recording.keypoints.names.map((_, point) => worldPoint(recording, person, frame, point));
  const seen = places.map((at) => (at ? see(at) : null));
  const unit = markSizeInSpace();
  const hues = places.map((_, point) => colourInSpace(recording, person, frame, point));
  const order = places.map((_, point) => point).sort((one, other) => isSpine(recording, one) - isSpine(recording, other));
  for (const point of order) {
    const parent = recording.keypoints.parents[point];
    if (parent < 0) continue;
    const spine = isSpine(recording, point) && isSpine(recording, parent);
    line(context, seen[parent], seen[point], (spine ? 4.4 : 3) * unit, colours.edge);
    line(context, seen[parent], seen[point], (spine ? 3 : 1.6) * unit, hues[point]);
  }
  for (const point of order) {
    if (!seen[point]) continue;
    const spine = isSpine(recording, point);
    context.beginPath();
    context.arc(seen[point][0], seen[point][1], (spine ? 3.2 : 2.4) * unit, 0, 2 * Math.PI);
    context.lineWidth = 1.4 * unit;
    context.strokeStyle = colours.edge;
    context.stroke();
    context.fillStyle = hues[point];
    context.fill();
  }
}

/** The model's keypoints as small squares, tied to those of the avatar that stand for them. */
function drawModel(context, see, recording, person, frame, colours) {
  const side = 4.4 * markSizeInSpace();
  for (let point = 0; point < pointCount(recording); point++) {
    const model = worldPoint(recording, person, frame, point, "model3d");
    const own = worldPoint(recording, person, frame, point);
    const at = model && see(model);
    if (!at) continue;
    if (own) line(context, at, see(own), 1, colours.model);
    context.lineWidth = 0.27 * side;
    context.strokeStyle = colours.model;
    context.strokeRect(at[0] - side / 2, at[1] - side / 2, side, side);
  }
}

function turnEye(yaw, pitch) {
  eye.yaw += yaw;
  eye.pitch = Math.max(-1.5, Math.min(1.5, eye.pitch + pitch));
}

function moveEye(factor) {
  eye.distance = Math.max(0.4, Math.min(60, eye.distance * factor));
}
