// A plot on two canvases: the points below; the frame of a drag, the cursor and the star in the panel above.
import { labelled } from "./axes.js";
import { button, choice, count, element } from "./dom.js";
import { drag } from "./drag.js";
import { densities } from "./density.js";
import { paint } from "./paint.js";
import { pictureMenu } from "./picture.js";
import { nearest } from "./shapes.js";
import { colours } from "./theme.js";
import { labelOf } from "./views.js";

export function makePlot(view, page) {
  const { stars, selection } = page;
  const base = element("canvas", { class: "points", "aria-hidden": "true" });
  const top = element("canvas", {
    class: "hand", tabindex: "0", role: "application", "aria-roledescription": "plot", "aria-describedby": "plot-keys",
    id: `plot-${view.id}`,
  });
  const tip = element("div", { class: "tip", hidden: true });
  const caption = element("p", { class: "caption" });
  const box = element("div", { class: "canvas" }, base, top, tip);
  const plot = { view, stars, selection, top, tip, chosen: [...view.first], full: false, zoomed: null, sheet: {} };
  const figure = element("section", { class: "plot", id: view.id, "aria-labelledby": `title-${view.id}` });
  figure.append(header(plot, page, figure), box, caption);

  plot.axes = () => view.axes(plot.chosen);
  plot.layout = () => {
    const { width, height } = box.getBoundingClientRect();
    if (!width) return;
    plot.size = { width, height };
    for (const canvas of [base, top]) fit(canvas, width, height);
    const use = plot.zoomed ? (i) => plot.zoomed[i] : undefined;
    plot.geometry = view.geometry(stars, plot.axes(), plot.size, { full: plot.full || Boolean(plot.zoomed), use });
    project(plot);
    plot.draw();
  };
  plot.draw = () => {
    if (!plot.geometry) return;
    const ink = colours();
    plot.put(cleared(base, plot.size), ink);
    describe(plot, caption);
    plot.overlay();
  };
  plot.put = (ctx, ink = colours()) => {
    view.draw(ctx, plot.geometry, plot.axes(), ink);
    if (!view.hidden?.(plot.axes())) paint(ctx, plot, page.colouring(ink), ink);
    view.drawAbove?.(ctx, plot.geometry, plot.axes(), ink, plot);
  };
  plot.overlay = () => plot.geometry && drawOverlay(cleared(top, plot.size), plot, page.opened());
  plot.nearest = (at, reach) => nearest(plot.px, plot.py, at, reach);
  plot.figure = figure;
  drag(plot, page);
  new ResizeObserver(() => plot.layout()).observe(box);
  return plot;
}

function header(plot, page, figure) {
  const { view } = plot;
  const controls = element("div", { class: "controls" });
  view.choices?.forEach(([label, options], place) => {
    const named = options.map((option) => (Array.isArray(option) ? option : [option, labelOf(option)]));
    const at = view.choices.length === 1 ? 0 : place;
    controls.append(choice(`${view.title}: ${label}`, named, view.first[at], async (value) => {
      await view.load?.(value);
      plot.chosen[at] = value;
      plot.zoomed = null;
      plot.layout();
    }));
  });
  view.toggles?.forEach(([text, label, turn]) => {
    const toggle = button(text, () => {
      toggle.setAttribute("aria-pressed", String(turn()));
      Promise.all(plot.chosen.map((value) => view.load?.(value))).then(plot.layout);
    }, { title: label, "aria-label": `${view.title}: ${text}, ${label}`, "aria-pressed": "false" });
    controls.append(toggle);
  });
  if (view.id !== "sky") controls.append(...ranges(plot));
  controls.append(
    button("Table", () => page.asTable(plot.axes()), { title: "The points as a table, by SQL", "aria-label": `${view.title}: as a table` }),
    pictureMenu(view.title, `${page.survey}_${view.id}`, () => plot.size, (ctx) => plot.put(ctx)),
    button("⤢", () => figure.classList.toggle("large"), { class: "large-toggle", title: "Large or small", "aria-label": `${view.title}: large or small` }),
  );
  return element("header", {}, element("h3", { id: `title-${view.id}` }, view.title), controls);
}

// what the axes span: most of the points, all of them, or those selected
function ranges(plot) {
  const toggles = [["All", "all points, with the farthest out"], ["Zoom", "zoom to the selection"]].map(([text, label]) =>
    button(text, () => range(text), { title: label, "aria-label": `${plot.view.title}: ${label}`, "aria-pressed": "false" }));
  const range = (text) => {
    const pressed = toggles.map((t) => t.textContent === text && t.getAttribute("aria-pressed") === "false");
    [plot.full, plot.zoomed] = [pressed[0], pressed[1] ? plot.selection.mask : null];
    pressed[1] &&= Boolean(plot.zoomed);
    toggles.forEach((t, i) => t.setAttribute("aria-pressed", String(pressed[i])));
    plot.layout();
  };
  return toggles;
}

function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
}

function cleared(canvas, { width, height }) {
  const ctx = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

// pixels of the stars; NaN where a value is not known or lies outside the frame
function project(plot) {
  const { stars, geometry: f } = plot;
  const [a, b] = plot.axes().map((axis) => stars[axis.value]);
  plot.px = new Float32Array(stars.size).fill(NaN);
  plot.py = new Float32Array(stars.size).fill(NaN);
  plot.counts = { drawn: 0, outside: 0, unknown: 0 };
  for (let i = 0; i < stars.size; i++) {
    if (Number.isNaN(a[i]) || Number.isNaN(b[i])) { plot.counts.unknown++; continue; }
    const [x, y] = f.project(a[i], b[i]);
    if (x >= f.left && x <= f.right && y >= f.top && y <= f.bottom) {
      [plot.px[i], plot.py[i]] = [x, y];
      plot.counts.drawn++;
    } else plot.counts.outside++;
  }
  plot.density = densities(plot.px, plot.py, plot.size);
}

function describe(plot, caption) {
  const { drawn, outside, unknown } = plot.counts;
  const parts = [`${count(drawn)} stars`];
  if (outside) parts.push(`${count(outside)} outside the frame`);
  if (unknown) parts.push(`${count(unknown)} without these values`);
  const { note } = plot.view;
  caption.textContent = [parts.join(", "), typeof note === "function" ? note(plot) : note].filter(Boolean).join(". ");
  const [x, y] = plot.axes();
  const chosen = plot.selection.mask ? `, ${count(plot.selection.count)} selected` : "";
  const what = plot.view.id === "sky" ? x.label : `${labelled(y)} against ${labelled(x)}`;
  plot.top.setAttribute("aria-label", `${plot.view.title}: ${what}; ${parts.join(", ")}${chosen}`);
}

function drawOverlay(ctx, plot, opened) {
  const ink = colours();
  ctx.lineWidth = 1.5;
  if (plot.shape) {
    ctx.strokeStyle = ink.accent;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    plot.shape.forEach(([x, y]) => ctx.lineTo(x, y));
    ctx.closePath();
    ctx.stroke();
    ctx.setLineDash([]);
  }
  if (opened >= 0 && !Number.isNaN(plot.px[opened])) ring(ctx, [plot.px[opened], plot.py[opened]], 7, ink.ink);
  if (plot.cursor) {
    const [x, y] = plot.cursor;
    ring(ctx, plot.cursor, 4, ink.accent);
    ctx.strokeStyle = ink.accent;
    ctx.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      ctx.moveTo(x + 6 * dx, y + 6 * dy);
      ctx.lineTo(x + 14 * dx, y + 14 * dy);
    }
    ctx.stroke();
  }
}

function ring(ctx, [x, y], radius, colour) {
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.stroke();
}
