// Hands on a plot: a drag selects, a click opens a star, and the keys do both.
import { count, say } from "./dom.js";
import { inBox, inLasso } from "./shapes.js";
import { shown } from "./tip.js";

const CLICK = 4; // pixels that a hand may move in a click
const REACH = { mouse: 8, touch: 18, pen: 12, key: 25 };
const STEPS = 40; // of the cursor keys from edge to edge

const how = (event) => (event.shiftKey ? "add" : event.altKey ? "less" : "new");
const corners = ([[x0, y0], [x1, y1]]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];

export function drag(plot, page) {
  const { top, selection } = plot;
  let from = null;
  let path = [];
  let before = null;
  let waiting = false;

  const at = (event) => {
    const { left, top: above } = top.getBoundingClientRect();
    return [event.clientX - left, event.clientY - above];
  };
  const select = (live, event) => {
    const lasso = page.tool() === "lasso";
    plot.shape = lasso ? path : corners([from, path.at(-1)]);
    const mask = lasso ? inLasso(plot.px, plot.py, path) : inBox(plot.px, plot.py, [from, path.at(-1)]);
    selection.set(mask, plot.view.title, { how: how(event), old: before, live });
  };
  const moved = () => from && Math.hypot(path.at(-1)[0] - from[0], path.at(-1)[1] - from[1]) > CLICK;

  top.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = at(event);
    path = [from];
    before = selection.mask;
    if (page.tool() !== "pick") top.setPointerCapture(event.pointerId);
  });
  top.addEventListener("pointermove", (event) => {
    if (!from) return hover(plot, page, at(event));
    path.push(at(event));
    if (page.tool() === "pick" || (!plot.shape && !moved()) || waiting) return undefined;
    plot.tip.hidden = true;
    waiting = true;
    return requestAnimationFrame(() => {
      waiting = false;
      if (from) select(true, event);
    });
  });
  top.addEventListener("pointerup", (event) => {
    if (!from) return;
    path.push(at(event));
    if (plot.shape) select(false, event);
    else open(plot, page, at(event), REACH[event.pointerType] ?? REACH.mouse);
    from = plot.shape = null;
    plot.overlay();
  });
  top.addEventListener("pointercancel", () => {
    from = plot.shape = null;
    plot.overlay();
  });
  top.addEventListener("pointerleave", () => { plot.tip.hidden = true; });
  keys(plot, page);
}

function hover(plot, page, at) {
  if (!plot.px) return;
  const star = plot.nearest(at, REACH.mouse);
  plot.tip.hidden = star < 0;
  if (star < 0) return;
  plot.tip.textContent = shown(plot, star);
  const right = at[0] > plot.size.width / 2;
  plot.tip.style.left = right ? "auto" : `${at[0] + 12}px`;
  plot.tip.style.right = right ? `${plot.size.width - at[0] + 12}px` : "auto";
  plot.tip.style.top = `${Math.max(0, at[1] - 30)}px`;
}

function open(plot, page, at, reach) {
  const star = plot.nearest(at, reach);
  if (star >= 0) page.open(star, plot.top);
  else if (plot.selection.mask) plot.selection.clear();
}

function keys(plot, page) {
  const { top, selection } = plot;
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let corner = null;
  const end = () => { plot.cursor = plot.shape = corner = null; plot.overlay(); };

  top.addEventListener("focus", () => { if (top.matches(":focus-visible") && plot.geometry) { plot.cursor = middle(plot.geometry); plot.overlay(); } });
  top.addEventListener("blur", end);
  top.addEventListener("pointerdown", end);
  top.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      const start = plot.cursor ?? middle(plot.geometry);
      if (event.shiftKey) corner ??= start;
      plot.cursor = step(start, move, plot.geometry);
      plot.shape = corner && corners([corner, plot.cursor]);
      if (!corner) sayNearest(plot);
      plot.overlay();
    } else if (event.key === " " && corner) {
      selection.set(inBox(plot.px, plot.py, [corner, plot.cursor]), plot.view.title, { how: how({ altKey: event.altKey }) });
      plot.shape = corner = null;
      plot.overlay();
    } else if (event.key === "Enter" && plot.cursor) open(plot, page, plot.cursor, REACH.key);
    else if (event.key === "Escape" && (corner || selection.mask)) {
      if (!corner) selection.clear();
      plot.shape = corner = null;
      plot.overlay();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

const middle = (f) => [(f.left + f.right) / 2, (f.top + f.bottom) / 2];

function step([x, y], [dx, dy], f) {
  const bounded = (v, low, high) => Math.min(Math.max(v, low), high);
  const [width, height] = [f.right - f.left, f.bottom - f.top];
  return [bounded(x + (dx * width) / STEPS, f.left, f.right), bounded(y + (dy * height) / STEPS, f.top, f.bottom)];
}

function sayNearest(plot) {
  const star = plot.nearest(plot.cursor, REACH.key);
  if (star >= 0) say(`Near the cursor: ${shown(plot, star)}. Enter opens it.`);
  else say(`No star near the cursor; ${count(plot.counts.drawn)} in this plot.`);
}
