// What is read rather than seen: the legend, the keypoints of a frame, and what was drawn for a recording.
const MARKS = { disc: '<circle cx="8" cy="8" r="5.5"/>', ring: '<circle cx="8" cy="8" r="4.5" fill="none" stroke-width="3.5"/>' };

function legendEntry(colour, mark, text) {
  const item = document.createElement("li");
  const shape = MARKS[mark].replace("/>", mark === "disc" ? ` fill="${colour}"/>` : ` stroke="${colour}"/>`);
  item.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${shape}</svg>`;
  item.append(text);
  return item;
}

/** Colours in use, and how many keypoints of the images shown are visible or hidden and why. */
function fillLegend(recording, frame) {
  const counts = countStates(recording, frame);
  const known = recording.people.some((person) => person.depths !== null);
  const entries = [];
  if (state.colour === "region")
    for (const region of REGIONS)
      if (recording.keypoints.regions.includes(region)) entries.push(legendEntry(REGION_COLOURS[region], "disc", region));
  if (state.colour === "person")
    shownPeople(recording).forEach((person) => entries.push(legendEntry(PERSON_COLOURS[person % 6], "disc", personName(recording, person))));
  const byState = state.colour === "visibility";
  const spaced = entries.length;
  for (const letter of known ? "vsop" : "u") {
    if (!counts[letter] && letter !== "v") continue;
    const mark = letter === "v" || letter === "u" ? "disc" : "ring";
    entries.push(legendEntry(byState ? STATE_COLOURS[letter] : "currentColor", mark, `${STATES[letter]} ${counts[letter]}`));
  }
  if (spaced && entries[spaced]) entries[spaced].classList.add("apart");
  const outside = counts.x + counts.n;
  if (outside) entries.push(Object.assign(document.createElement("li"), { textContent: `outside the image ${outside}` }));
  byId("legend").replaceChildren(...entries);
}

function countStates(recording, frame) {
  const counts = { v: 0, s: 0, o: 0, p: 0, u: 0, x: 0, n: 0 };
  for (const view of shownViews(recording))
    for (const person of shownPeople(recording))
      for (let point = 0; point < pointCount(recording); point++) counts[pointState(recording, person, view, frame, point)]++;
  return counts;
}

function personName(recording, person) {
  const name = recording.people[person].name;
  return recording.people.length > 1 ? `${person + 1}, ${name}` : name;
}

function tableOf(head, rows) {
  const table = document.createElement("table");
  const line = table.createTHead().insertRow();
  for (const text of head) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    line.append(cell);
  }
  const body = table.createTBody();
  for (const [first, ...others] of rows) {
    const row = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = first;
    row.append(name);
    for (const text of others) row.insertCell().textContent = text;
  }
  return table;
}

/** World place and visibility in every view shown, of the people shown. */
function fillKeypointTable(recording, frame) {
  const views = shownViews(recording);
  const tables = shownPeople(recording).map((person) => {
    const rows = recording.keypoints.names.map((name, point) => {
      const at = worldPoint(recording, person, frame, point);
      const vertebra = recording.keypoints.vertebrae[point];
      const seen = views.map((view) => STATES[pointState(recording, person, view, frame, point)]);
      return [vertebra ? `${name} (${vertebra})` : name, ...(at ? at.map((each) => each.toFixed(4)) : ["", "", ""]), ...seen];
    });
    const table = tableOf(["keypoint", "x, m", "y, m", "z, m", ...views.map((view) => recording.cameras[view].name)], rows);
    table.createCaption().textContent = personName(recording, person);
    table.caption.className = "small";
    table.caption.style.textAlign = "left";
    return table;
  });
  byId("keypoint-table").replaceChildren(...tables);
}

function fillVariety(recording) {
  const groups = recording.variety.map(([heading, rows]) => {
    const group = document.createElement("div");
    group.className = "group";
    const title = document.createElement("h3");
    title.textContent = heading;
    const table = tableOf([], rows);
    table.deleteTHead();
    table.setAttribute("aria-label", heading);
    group.append(title, table);
    return group;
  });
  if (!groups.length) groups.push(Object.assign(document.createElement("p"), { className: "small", textContent: "Nothing was noted." }));
  byId("variety").replaceChildren(...groups);
}
