// Labels over an image: masks, boxes, skeleton, keypoints and names, in this order.
const DARK_EDGE = "rgba(16, 18, 22, .85)";
const maskImages = new Map();

/** Draw the labels of one image; `scale` is screen px per px of the image. */
function drawOverlay(context, recording, view, frame, scale) {
  const people = shownPeople(recording);
  if (state.masks) for (const person of people) drawMask(context, recording, person, view, frame, scale);
  if (state.boxes) for (const person of people) drawBox(context, recording, person, view, frame, scale);
  const drawn = people.map((person) => pointsToDraw(recording, person, view, frame, scale));
  if (state.skeleton) for (const points of drawn) drawSkeleton(context, recording, points);
  if (state.keypoints) for (const points of drawn) drawKeypoints(context, points);
  if (state.names) drawNames(context, recording, drawn.flat(), scale);
}

/** Keypoints that the filter lets through, with their place on the screen: labels count from a pixel's centre. */
function pointsToDraw(recording, person, view, frame, scale) {
  const points = [];
  for (let point = 0; point < pointCount(recording); point++) {
    const at = imagePoint(recording, person, view, frame, point);
    const letter = pointState(recording, person, view, frame, point);
    if (at === null || !passes(letter)) continue;
    const colour = colourOf(recording, person, point, letter);
    points.push({ point, person, letter, colour, x: (at[0] + 0.5) * scale, y: (at[1] + 0.5) * scale });
  }
  const unit = markSize(points);
  for (const each of points) each.unit = unit;
  return points;
}

/** Marks shrink with people who are small on the screen, so that they do not cover them. */
function markSize(points) {
  const heights = points.map((each) => each.y);
  return Math.max(0.5, Math.min(1.1, (Math.max(...heights) - Math.min(...heights)) / 260));
}

/** The part of an image that is shown: x, y, width in px. Close up, it follows the people at one size throughout. */
function imageWindow(recording, view, frame) {
  const [width, height] = recording.cameras[view].size;
  const whole = { x: 0, y: 0, width };
  if (!state.closeup) return whole;
  const shape = width / height;
  const spans = recording.frames.map((_, each) => peopleSpan(recording, view, each));
  const wide = Math.max(...spans.map((span) => (span ? Math.max(span[2] - span[0], (span[3] - span[1]) * shape) : 0)));
  const span = spans[frame];
  if (!span || !wide) return whole;
  const shown = Math.min(width, Math.max(1.3 * wide, width / 8));
  const within = (middle, size, limit) => Math.max(0, Math.min(limit - size, middle - size / 2));
  return {
    x: within((span[0] + span[2]) / 2, shown, width), y: within((span[1] + span[3]) / 2, shown / shape, height), width: shown,
  };
}

/** Left, top, right, bottom of the shown people's keypoints within the image, or null. */
function peopleSpan(recording, view, frame) {
  let span = null;
  for (const person of shownPeople(recording))
    for (let point = 0; point < pointCount(recording); point++) {
      if (!"vsopu".includes(pointState(recording, person, view, frame, point))) continue;
      const [x, y] = imagePoint(recording, person, view, frame, point);
      span = span ? [Math.min(span[0], x), Math.min(span[1], y), Math.max(span[2], x), Math.max(span[3], y)] : [x, y, x, y];
    }
  return span;
}

const isHidden = (letter) => "sop".includes(letter);
const isSpine = (recording, point) => recording.keypoints.regions[point] !== "body";

function drawSkeleton(context, recording, points) {
  const found = new Map(points.map((each) => [each.point, each]));
  const edges = points
    .map((child) => [child, found.get(recording.keypoints.parents[child.point])])
    .filter((edge) => edge[1] !== undefined);
  edges.sort((one, other) => isSpine(recording, one[0].point) - isSpine(recording, other[0].point));
  for (const [child, parent] of edges) {
    const spine = isSpine(recording, child.point) && isSpine(recording, parent.point);
    for (const [width, style] of [[spine ? 5 : 3.6, DARK_EDGE], [spine ? 2.8 : 1.6, child.colour]]) {
      context.lineWidth = width * child.unit;
      context.strokeStyle = style;
      context.lineCap = "round";
      context.beginPath();
      context.moveTo(parent.x, parent.y);
      context.lineTo(child.x, child.y);
      context.stroke();
    }
  }
}

/** Visible keypoints are discs, hidden ones rings, so that colour is not the only sign. */
function drawKeypoints(context, points) {
  for (const each of points) {
    const hidden = isHidden(each.letter);
    context.beginPath();
    context.arc(each.x, each.y, (hidden ? 3.2 : 3.4) * each.unit, 0, 2 * Math.PI);
    context.lineWidth = (hidden ? 3.6 : 2) * each.unit;
    context.strokeStyle = DARK_EDGE;
    context.stroke();
    if (hidden) {
      context.lineWidth = 1.6 * each.unit;
      context.strokeStyle = each.colour;
      context.stroke();
    } else {
      context.fillStyle = each.colour;
      context.fill();
    }
  }
}

/** Names right or left of their keypoints, above or below, or not at all where there is no room. */
function drawNames(context, recording, points, scale) {
  const taken = [];
  context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const ordered = [...points].sort((one, other) => isSpine(recording, other.point) - isSpine(recording, one.point));
  for (const each of ordered) {
    const text = recording.keypoints.names[each.point];
    const width = context.measureText(text).width;
    const places = [[7, 0], [-7 - width, 0], [-width / 2, -12], [-width / 2, 12], [7, -9], [7, 9], [-7 - width, -9], [-7 - width, 9]];
    const free = places.find(([dx, dy]) => !taken.some((box) => overlaps(box, nameBox(each, dx, dy, width))));
    if (!free) continue;
    taken.push(nameBox(each, ...free, width));
    context.lineWidth = 3;
    context.strokeStyle = DARK_EDGE;
    context.strokeText(text, each.x + free[0], each.y + free[1]);
    context.fillStyle = "#fff";
    context.fillText(text, each.x + free[0], each.y + free[1]);
  }
}

const nameBox = (each, dx, dy, width) => [each.x + dx - 2, each.y + dy - 7, each.x + dx + width + 2, each.y + dy + 7];
const overlaps = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

function drawBox(context, recording, person, view, frame, scale) {
  const box = boxOf(recording, person, view, frame);
  if (box === null) return;
  const [x, y, width, height] = [(box[0] + 0.5) * scale, (box[1] + 0.5) * scale, box[2] * scale, box[3] * scale];
  for (const [line, style] of [[3.5, DARK_EDGE], [1.5, PERSON_COLOURS[person % PERSON_COLOURS.length]]]) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(x, y, width, height);
  }
}

function drawMask(context, recording, person, view, frame, scale) {
  const mask = maskImage(recording, person, view, frame);
  if (mask === null) return;
  const [width, height] = recording.cameras[view].size;
  context.drawImage(mask, 0, 0, width * scale, height * scale);
}

/** The mask as a tinted picture with a firm edge, made when first asked for. */
function maskImage(recording, person, view, frame) {
  const masks = recording.people[person].masks;
  if (masks === null || !masks[view][frame]) return null;
  const key = [told.recordings.indexOf(recording), person, view, frame].join(" ");
  if (!maskImages.has(key)) {
    if (maskImages.size > 64) maskImages.clear();
    maskImages.set(key, paintMask(masks[view][frame], recording.cameras[view].size, person));
  }
  return maskImages.get(key);
}

function paintMask(text, [width, height], person) {
  const mask = decodeMask(text, width, height);
  const colour = PERSON_COLOURS[person % PERSON_COLOURS.length];
  const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (!mask[pixel]) continue;
    const column = pixel % width;
    const inner = column > 0 && column < width - 1 && mask[pixel - 1] && mask[pixel + 1] && mask[pixel - width] && mask[pixel + width];
    picture.data.set([...rgb, inner ? 115 : 255], 4 * pixel);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

/** The drawn keypoint nearest to a place on the screen, within 14 px. */
function nearestPoint(recording, view, frame, scale, x, y) {
  const points = shownPeople(recording).flatMap((person) => pointsToDraw(recording, person, view, frame, scale));
  let best = null, least = 14;
  for (const each of points) {
    const distance = Math.hypot(each.x - x, each.y - y);
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}
