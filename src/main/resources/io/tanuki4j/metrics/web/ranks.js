"use strict";

const WHOLE = "interval-time";
const WAITING = "exposed-communication";

/** The ranks' places along the axes, from the sizes of the axes, innermost first. */
function places(grid) {
  const axes = Object.entries(grid);
  const count = axes.reduce((product, [, size]) => product * size, 1);
  return Array.from({length: count}, (_, rank) => {
    let rest = rank;
    const place = {rank};
    for (const [axis, size] of axes) {
      place[axis] = rest % size;
      rest = Math.floor(rest / size);
    }
    return place;
  });
}

/** Shows a row for each pipeline stage, with its ranks, their time and how much of it they waited. */
function showRanks(grid, timers, iterationMillis) {
  const stages = new Map();
  for (const place of places(grid)) {
    if (!stages.has(place.pp)) stages.set(place.pp, []);
    stages.get(place.pp).push(place);
  }
  const table = document.createElement("table");
  for (const [stage, ranks] of stages) {
    const row = table.insertRow();
    const head = document.createElement("th");
    head.textContent = stages.size > 1 ? `stage ${stage}` : "";
    row.append(head);
    for (const place of ranks) rankCell(row.insertCell(), place, grid, timers, iterationMillis);
  }
  document.getElementById("ranks").replaceChildren(table);
  document.getElementById("ranks-note").textContent = note(grid, timers);
}

function note(grid, timers) {
  if (Object.values(grid).every(size => size === 1)) return "One rank: it waits for no other.";
  if (timers[WAITING] === undefined) return "Waits are measured with --timing-log-level 1.";
  return "Of an iteration: computing, and waiting for other ranks.";
}

function rankCell(cell, place, grid, timers, iterationMillis) {
  const axes = Object.keys(grid).filter(axis => grid[axis] > 1 && axis !== "pp");
  const where = axes.map(axis => `${axis} ${place[axis]}`).join(", ");
  const title = document.createElement("div");
  title.textContent = `rank ${place.rank}${where && ` (${where})`}`;
  cell.append(title);
  const wait = timers[WAITING] && timers[WAITING][place.rank];
  const whole = timers[WHOLE] ? timers[WHOLE][place.rank] : iterationMillis;
  if (whole === undefined) return;
  const time = document.createElement("div");
  time.textContent = wait === undefined || wait === null
    ? `${short(whole)} ms`
    : `${short(whole - wait)} ms + ${short(wait)} ms waiting`;
  const bar = document.createElement("div");
  bar.className = "bar";
  for (const [kind, millis] of [["busy", whole - (wait || 0)], ["wait", wait || 0]]) {
    const part = document.createElement("div");
    part.className = kind;
    part.style.width = `${100 * Math.max(0, millis) / whole}%`;
    bar.append(part);
  }
  cell.append(time, bar);
  cell.title = Object.entries(timers).map(([name, millis]) => `${name}: ${short(millis[place.rank])} ms`).join("\n");
}
