"use strict";

/** One curve: the finite points of a column over the column of the horizontal axis. */
class Series {
  constructor(name, color, isOther) {
    this.name = name;
    this.color = color;
    this.isOther = isOther;
    this.clear();
  }

  clear() {
    this.xs = [];
    this.ys = [];
    this.smooth = [];
    this.taken = 0;
    this.weight = 0;
  }

  /** Takes the rows of a column that were not taken yet. */
  extend(axis, column, scale) {
    const end = Math.min(axis.length, column.length);
    for (let i = this.taken; i < end; i++) {
      if (column[i] !== null && axis[i] !== null) {
        this.xs.push(axis[i]);
        this.ys.push(column[i] * scale);
      }
    }
    this.taken = end;
    this.smoothen(this.weight);
  }

  /** Averages exponentially, from the points that are not averaged yet on. */
  smoothen(weight) {
    if (weight !== this.weight) {
      this.smooth = [];
      this.weight = weight;
    }
    for (let i = this.smooth.length; weight > 0 && i < this.ys.length; i++) {
      this.smooth.push(i === 0 ? this.ys[0] : weight * this.smooth[i - 1] + (1 - weight) * this.ys[i]);
    }
  }

  /** The first point whose x is not below a value. */
  indexOf(x) {
    let low = 0;
    let high = this.xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.xs[middle] < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The value at the point nearest to x. */
  at(x) {
    const i = this.indexOf(x);
    const near = i > 0 && (i === this.xs.length || x - this.xs[i - 1] < this.xs[i] - x) ? i - 1 : i;
    return near < this.xs.length ? (this.weight > 0 ? this.smooth : this.ys)[near] : undefined;
  }

  /**
   * Returns the points of a range for a line of this width in pixels. Where several points share a pixel, only the first,
   * the lowest, the highest and the last count, so that no peak is lost.
   */
  points(values, low, high, width) {
    const begin = Math.max(0, this.indexOf(low) - 1);
    const end = Math.min(this.xs.length, this.indexOf(high) + 2);
    if (end - begin <= 4 * width) {
      return Array.from({length: end - begin}, (_, i) => [this.xs[begin + i], values[begin + i]]);
    }
    const points = [];
    const perPixel = (high - low) / width;
    for (let i = begin; i < end;) {
      const pixel = Math.floor((this.xs[i] - low) / perPixel);
      let least = i;
      let most = i;
      const first = i;
      for (; i < end && Math.floor((this.xs[i] - low) / perPixel) === pixel; i++) {
        if (values[i] < values[least]) least = i;
        if (values[i] > values[most]) most = i;
      }
      for (const at of [...new Set([first, least, most, i - 1])].sort((a, b) => a - b)) {
        points.push([this.xs[at], values[at]]);
      }
    }
    return points;
  }
}

/** Formats a number for people: four digits, with k, M, G, T for large ones. */
function short(value) {
  if (value === undefined || value === null) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  const units = ["", " k", " M", " G", " T", " P"];
  const unit = size < 1e4 ? 0 : Math.min(5, Math.floor(Math.log10(size) / 3));
  return Number((value / 1000 ** unit).toPrecision(4)) + units[unit];
}
