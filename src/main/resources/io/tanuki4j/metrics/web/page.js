"use strict";

const POLL_MILLIS = 5000;
const LOG_LINES = 200;
const CHARTS = [
  {title: "Loss", keys: ["lm loss", "lm loss validation", "lm loss test", "z loss"]},
  {title: "Learning rate", keys: ["learning-rate", "decoupled-learning-rate"]},
  {title: "Gradient norm", keys: ["grad-norm"]},
  {title: "Tokens per second", keys: ["tokens-per-second"]},
  {title: "TFLOP/s of a device", keys: ["throughput"]},
  {title: "Share of the peak rate (%)", keys: ["mfu", "share-of-measured-rate"], labels: ["MFU", "of the measured rate"], scale: 100},
  {title: "Memory (GiB)", keys: ["mem-allocated-bytes", "mem-reserved-bytes"], labels: ["allocated", "reserved"], scale: 2 ** -30},
  {title: "Evaluation: perplexity", keys: ["lm loss validation ppl", "lm loss test ppl"], labels: ["validation", "test"]},
  {title: "Joules per token", keys: ["joules-per-token"]},
  {title: "Power of a device (W)", keys: ["power/gpu"]},
  {title: "Norm of the weights", keys: ["params-norm"]},
  {title: "Batch size", keys: ["batch-size"]},
];
const MAX_COLORS = 5;
const element = id => document.getElementById(id);

let run = {};
let columns = {};
let timers = {};
let log = [];
let nextLine = 0;
const others = [];
const charts = CHARTS.map(chart => ({...chart, view: new Chart(chart.title, element("charts"), drawSoon)}));

/** Makes the curves of each chart, of this run and of those that it is compared with. */
function makeSeries() {
  for (const chart of charts) {
    chart.curves = [{columns: () => columns, name: ""}, ...others.map(other => ({columns: () => other.columns, name: other.name}))]
      .flatMap((source, number) => chart.keys.map((key, index) => {
        const color = `--c${(number * chart.keys.length + index) % MAX_COLORS}`;
        const label = chart.labels ? chart.labels[index] : key;
        const name = source.name ? `${source.name}: ${label}` : label;
        return {source, key, series: new Series(name, color, number > 0)};
      }));
    chart.view.series = chart.curves.map(curve => curve.series);
  }
}

/** Lets the curves take new rows. */
function extend() {
  const axis = element("axis").value;
  const weight = Number(element("smoothing").value);
  const axes = [columns, ...others.map(other => other.columns)].map(all => all[axis]).filter(xs => xs && xs.length > 0);
  view.run = [Math.min(...axes.map(xs => xs[0])), Math.max(...axes.map(xs => xs[xs.length - 1]))];
  for (const chart of charts) {
    for (const {source, key, series} of chart.curves) {
      series.extend(source.columns()[axis] || [], source.columns()[key] || [], chart.scale || 1);
      series.smoothen(weight);
    }
  }
}

let isDrawing = false;
function drawSoon() {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(() => { isDrawing = false; draw(); });
  }
}

function draw() {
  const start = performance.now();
  extend();
  for (const chart of charts) chart.view.draw();
  const millis = performance.now() - start;
  document.documentElement.dataset.drawMillis = millis.toFixed(1);
  document.documentElement.dataset.shownMillis ??= performance.now().toFixed(1);
  element("footer").textContent = `${(columns.iteration || []).length} iterations, drawn in ${millis.toFixed(0)} ms`;
}

function last(key) {
  const column = columns[key] || [];
  for (let i = column.length - 1; i >= 0; i--) if (column[i] !== null) return column[i];
  return undefined;
}

function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const found = parts.findIndex(([size]) => seconds >= size);
  const first = found < 0 ? parts.length - 1 : found;
  return parts.slice(first, first + 2).map(([size, unit], i) =>
    `${Math.floor((i === 0 ? seconds : seconds % parts[first][0]) / size)} ${unit}`).join(" ");
}

function showFigures() {
  const iteration = last("iteration");
  const left = (run.trainIterations - iteration) * last("iteration-time");
  const figures = {
    iteration: `${iteration ?? "–"} of ${run.trainIterations ?? "–"}`,
    "lm loss": short(last("lm loss")),
    "validation loss": short(last("lm loss validation")),
    "tokens/s": short(last("tokens-per-second")),
    tokens: short(last("consumed-tokens")),
    "to go": Number.isFinite(left) && left > 0 ? duration(left) : undefined,
    "TFLOP/s a device": short(last("throughput")),
    MFU: last("mfu") === undefined ? undefined : `${(100 * last("mfu")).toFixed(1)} %`,
    "joules per token": last("joules-per-token") && short(last("joules-per-token")),
    device: run.device,
  };
  element("figures").replaceChildren(...Object.entries(figures).filter(([, value]) => value !== undefined).map(([name, value]) => {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    pair.append(term, text);
    return pair;
  }));
  element("progress").value = iteration / run.trainIterations || 0;
  element("name").textContent = run.name || "run";
  document.title = `${run.name || "run"} · ${iteration ?? 0} · ${short(last("lm loss"))}`;
}

/** Adds what the server, or the data in this file, says. */
function take(data) {
  if (data.run.id !== run.id || data.from !== (columns.iteration || []).length) {
    columns = {};
    makeSeries();
  }
  run = data.run;
  timers = data.timers;
  for (const [key, values] of Object.entries(data.columns)) {
    const column = columns[key] || (columns[key] = new Array(data.from).fill(null));
    for (const value of values) column.push(value);
  }
  showFigures();
  const millis = last("iteration-time");
  element("ranks-section").hidden = !run.grid;
  if (run.grid) showRanks(run.grid, timers, millis && 1000 * millis);
  showLog(data);
  draw();
}

function showLog(data) {
  log = (data.logFrom === nextLine ? log : []).concat(data.log).slice(-LOG_LINES);
  nextLine = data.logFrom + data.log.length;
  element("log-section").hidden = log.length === 0;
  const box = element("log");
  const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 5;
  box.textContent = log.join("\n");
  if (isAtEnd) box.scrollTop = box.scrollHeight;
}

/** Asks for what is new while the page is visible. */
async function poll() {
  if (!document.hidden) await ask();
  setTimeout(poll, POLL_MILLIS);
}

async function ask() {
  try {
    const answer = await fetch(`data?from=${(columns.iteration || []).length}&log=${nextLine}`);
    if (!answer.ok) throw new Error(await answer.text());
    const data = await answer.json();
    if (run.id !== undefined && data.run.id !== run.id && data.from !== 0) columns = {}; // another run: ask for all of it
    else take(data);
    element("state").textContent = (run.state || "").toLowerCase();
  } catch (problem) {
    element("state").textContent = `no news: ${problem.message}`;
  }
}

/** Reads another run's metrics.jsonl, which stays in this browser. */
async function compare(file) {
  const rows = (await file.text()).split("\n").flatMap(line => {
    try { return [JSON.parse(line)]; } catch { return []; }
  });
  const keys = new Set(rows.flatMap(row => Object.keys(row).filter(key => !Array.isArray(row[key]))));
  addOther(file.name, Object.fromEntries([...keys].map(key => [key, rows.map(row => row[key] ?? null)])));
}

function addOther(name, otherColumns) {
  others.push({name, columns: otherColumns});
  makeSeries();
  draw();
}

function listen() {
  element("smoothing").addEventListener("input", drawSoon);
  element("axis").addEventListener("change", () => {
    view.low = view.high = null;
    makeSeries();
    draw();
  });
  element("compare").addEventListener("change", event => [...event.target.files].forEach(compare));
  element("reset").addEventListener("click", () => { view.low = view.high = null; draw(); });
  element("theme").addEventListener("click", () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
    draw();
  });
  window.addEventListener("resize", drawSoon);
  if (!element("data")) document.addEventListener("visibilitychange", () => document.hidden || ask());
  element("controls").addEventListener("submit", event => event.preventDefault());
}

makeSeries();
listen();
if (["#dark", "#light"].includes(location.hash)) document.documentElement.dataset.theme = location.hash.slice(1);
const embedded = element("data");
if (embedded) {
  const data = JSON.parse(embedded.textContent);
  take(data);
  for (const [name, otherColumns] of Object.entries(data.others)) addOther(name, otherColumns);
} else {
  poll();
}
