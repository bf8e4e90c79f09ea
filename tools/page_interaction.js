"use strict";

// Appended to a report by page_screenshots.sh: uses the page as a reader would and says what is wrong in the page's title.
const mistakes = [];
const expect = (what, is) => { if (!is) mistakes.push(what); };
const loss = charts[0].view;
const count = loss.series[0].xs.length;

function pointer(type, share) {
  const box = loss.canvas.getBoundingClientRect();
  const x = box.left + Chart.LEFT + share * (box.width - Chart.LEFT - Chart.RIGHT);
  loss.canvas.dispatchEvent(new PointerEvent(type, {clientX: x, clientY: box.top + 50}));
}

function pixels() {
  return loss.canvas.toDataURL();
}

const plain = pixels();
element("smoothing").value = "0.9";
draw();
expect("smoothing draws another line", pixels() !== plain);
const {xs, ys, smooth} = loss.series[0];
expect("smoothing is an exponential average", count === smooth.length && Math.abs(smooth[1] - (0.9 * ys[0] + 0.1 * ys[1])) < 1e-9);
element("smoothing").value = "0";
draw();
expect("no smoothing draws the first line", pixels() === plain);

loss.log.checked = true;
draw();
expect("a log scale draws another line", pixels() !== plain);
loss.log.checked = false;

const whole = loss.range();
pointer("pointerdown", 0.25);
pointer("pointermove", 0.5);
pointer("pointerup", 0.5);
const [low, high] = loss.range();
const near = (x, share) => Math.abs(x - whole[0] - share * (whole[1] - whole[0])) < 0.02 * (whole[1] - whole[0]);
expect("dragging zooms to its range", near(low, 0.25) && near(high, 0.5));
expect("all charts zoom", charts[1].view.range()[0] === low);
loss.canvas.dispatchEvent(new MouseEvent("dblclick"));
expect("a double click shows the whole run", loss.range()[0] === whole[0]);

element("axis").value = "consumed-tokens";
element("axis").dispatchEvent(new Event("change"));
expect("the axis may be tokens", loss.series[0].xs[0] === columns["consumed-tokens"][0]);
element("axis").value = "iteration";
element("axis").dispatchEvent(new Event("change"));

const peak = new Series("peak", "--c0", false);
peak.extend([...Array(100000).keys()], [...Array(100000).keys()].map(i => i === 54321 ? 9 : i === 12345 ? -9 : 0), 1);
const drawn = peak.points(peak.ys, 0, 99999, 300);
expect("no peak is lost", Math.max(...drawn.map(point => point[1])) === 9 && Math.min(...drawn.map(point => point[1])) === -9 && drawn.length < 1300);

const before = others.length;
compare(new File(['{"iteration":1,"lm loss":9}\n{"iteration":2,"lm loss":8,"a by rank (ms)":[1]}\n{"iter'], "<b>other</b>.jsonl")).then(() => {
  expect("another run is shown", others.length === before + 1 && loss.legend.textContent.includes("<b>other</b>.jsonl: lm loss 8"));
  expect("a file's name is no HTML", loss.legend.querySelector("b") === null);
  element("theme").click();
  const first = getComputedStyle(document.documentElement).colorScheme;
  element("theme").click();
  expect("the theme changes", getComputedStyle(document.documentElement).colorScheme !== first);
  document.title = mistakes.length === 0 ? "interaction: all right" : "interaction: wrong: " + mistakes.join("; ");
});
