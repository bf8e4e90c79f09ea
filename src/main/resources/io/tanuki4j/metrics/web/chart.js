"use strict";

/** The range of the horizontal axis that all charts show (null for the whole run), the run's, and the pointer's place. */
const view = {low: null, high: null, run: [0, 1], cursor: null};

/** Round numbers between two, about four of them. */
function ticks(low, high) {
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({length: Math.floor(high / step + 1e-9) - first + 1}, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Curves in one frame, drawn on a canvas. */
class Chart {
  constructor(title, parent, onView) {
    this.series = [];
    this.onView = onView;
    this.figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const name = document.createElement("strong");
    name.textContent = title;
    const label = document.createElement("label");
    this.log = document.createElement("input");
    this.log.type = "checkbox";
    this.log.addEventListener("change", () => this.draw());
    label.append(this.log, " log scale");
    this.legend = document.createElement("div");
    this.legend.className = "legend";
    caption.append(name, label, this.legend);
    this.canvas = document.createElement("canvas");
    this.figure.append(caption, this.canvas);
    parent.append(this.figure);
    this.listen();
  }

  listen() {
    let from = null;
    this.canvas.addEventListener("pointerdown", event => { from = event.offsetX; });
    this.canvas.addEventListener("pointermove", event => {
      view.cursor = this.toX(event.offsetX);
      this.drag = from === null ? null : [from, event.offsetX];
      this.onView();
    });
    this.canvas.addEventListener("pointerup", event => {
      if (from !== null && Math.abs(event.offsetX - from) > 5) {
        [view.low, view.high] = [this.toX(from), this.toX(event.offsetX)].sort((a, b) => a - b);
      }
      from = this.drag = null;
      this.onView();
    });
    this.canvas.addEventListener("pointerleave", () => {
      from = this.drag = view.cursor = null;
      this.onView();
    });
    this.canvas.addEventListener("dblclick", () => {
      view.low = view.high = null;
      this.onView();
    });
  }

  range() {
    const low = view.low ?? view.run[0];
    const high = view.high ?? view.run[1];
    return [low, high > low ? high : low + 1];
  }

  toX(pixel) {
    const [low, high] = this.range();
    return low + (pixel - Chart.LEFT) / (this.canvas.clientWidth - Chart.LEFT - Chart.RIGHT) * (high - low);
  }

  draw() {
    const hasData = this.series.some(one => one.xs.length > 0);
    this.figure.hidden = !hasData;
    if (!hasData) return;
    const [low, high] = this.range();
    const width = this.canvas.clientWidth - Chart.LEFT - Chart.RIGHT;
    const height = this.canvas.clientHeight - Chart.TOP - Chart.BOTTOM;
    const lines = [];
    for (const one of this.series) {
      if (one.weight > 0) lines.push([one, one.points(one.ys, low, high, width), 0.25]);
      lines.push([one, one.points(one.weight > 0 ? one.smooth : one.ys, low, high, width), 1]);
    }
    const scale = this.scale(lines, low, high);
    const pen = this.pen();
    const place = ([x, y]) => [
      Chart.LEFT + (x - low) / (high - low) * width,
      Chart.TOP + height - (scale.of(y) - scale.low) / (scale.high - scale.low) * height,
    ];
    this.frame(pen, scale, place, low, high);
    pen.save();
    pen.beginPath();
    pen.rect(Chart.LEFT, Chart.TOP - 2, width, height + 4);
    pen.clip();
    for (const [one, points, alpha] of lines) this.line(pen, one, points, alpha, place);
    pen.restore();
    if (this.drag) {
      pen.globalAlpha = 0.15;
      pen.fillRect(Math.min(...this.drag), Chart.TOP, Math.abs(this.drag[1] - this.drag[0]), height);
    }
    this.describe();
  }

  /** The vertical axis: what is shown of the curves, logarithmic if asked and possible. */
  scale(lines, low, high) {
    const isLog = this.log.checked;
    let least = Infinity;
    let most = -Infinity;
    for (const [, points] of lines) {
      for (const [x, y] of points) {
        if (x >= low && x <= high && (!isLog || y > 0)) {
          least = Math.min(least, y);
          most = Math.max(most, y);
        }
      }
    }
    if (least > most) [least, most] = isLog ? [1, 10] : [0, 1];
    if (least === most) [least, most] = isLog ? [least / 2, most * 2] : [least - (Math.abs(least) || 1) / 2, most + (Math.abs(most) || 1) / 2];
    const of = isLog ? y => Math.log10(Math.max(y, 1e-300)) : y => y;
    const back = isLog ? y => 10 ** y : y => y;
    const marks = isLog
      ? Array.from({length: 5}, (_, i) => Number(back(of(least) + (of(most) - of(least)) * i / 4).toPrecision(2)))
      : ticks(least, most);
    return {low: of(least), high: of(most), of, back, ticks: marks.filter(y => y >= least && y <= most)};
  }

  pen() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.clientWidth * ratio;
    this.canvas.height = this.canvas.clientHeight * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "11px sans-serif";
    return pen;
  }

  frame(pen, scale, place, low, high) {
    const style = getComputedStyle(document.documentElement);
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.fillStyle = style.getPropertyValue("--faint");
    for (const y of scale.ticks) {
      const [, at] = place([low, y]);
      pen.beginPath();
      pen.moveTo(Chart.LEFT, at);
      pen.lineTo(this.canvas.clientWidth - Chart.RIGHT, at);
      pen.stroke();
      pen.textAlign = "right";
      pen.fillText(short(y), Chart.LEFT - 5, at + 4);
    }
    for (const x of ticks(low, high)) {
      const at = place([x, scale.back(scale.low)])[0];
      pen.textAlign = at > this.canvas.clientWidth - 30 ? "right" : "center";
      pen.fillText(short(x), at, this.canvas.clientHeight - 3);
    }
    if (view.cursor !== null) {
      const at = place([view.cursor, scale.back(scale.low)])[0];
      pen.beginPath();
      pen.moveTo(at, Chart.TOP);
      pen.lineTo(at, this.canvas.clientHeight - Chart.BOTTOM);
      pen.stroke();
    }
  }

  line(pen, one, points, alpha, place) {
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue(one.color);
    pen.globalAlpha = alpha;
    pen.lineWidth = 1.4;
    pen.setLineDash(one.isOther ? [5, 3] : []);
    pen.beginPath();
    for (const point of points) pen.lineTo(...place(point));
    pen.stroke();
    if (points.length === 1) {
      pen.fillStyle = pen.strokeStyle;
      pen.fillRect(place(points[0])[0] - 2, place(points[0])[1] - 2, 4, 4);
    }
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  describe() {
    this.legend.replaceChildren(...this.series.filter(one => one.xs.length > 0).map(one => {
      const entry = document.createElement("span");
      entry.style.color = `var(${one.color})`;
      const x = view.cursor ?? view.high ?? Infinity;
      entry.textContent = `${one.isOther ? "┄" : "━"} ${one.name} ${short(one.at(x))}`;
      return entry;
    }));
  }
}
Chart.LEFT = 58;
Chart.RIGHT = 8;
Chart.TOP = 8;
Chart.BOTTOM = 18;
