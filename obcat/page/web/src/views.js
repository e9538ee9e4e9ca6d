// The plots: what is on their axes, and what is drawn beside the points; of best mode only where it was run.
import { geoPath, geoGraticule10 } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import { drawAxes, extent, FONT, frame, line } from "./axes.js";

const AXES = {
  teff: { value: "teff", brief: "Teff", label: "Effective temperature", unit: "K", log: true, reverse: true },
  j_ks: { value: "j_ks", label: "J − Ks", unit: "mag" },
  h_ks: { value: "h_ks", label: "H − Ks", unit: "mag" },
  mk: { value: "mk", brief: "M spectrum", label: "M_Ks from the spectrum", unit: "mag", reverse: true },
  mk_geo: { value: "mk_geo", brief: "M parallax", label: "M_Ks from the parallax", unit: "mag", reverse: true },
  x: { value: "x", label: "X, to the Galactic centre", unit: "kpc" },
  y: { value: "y", label: "Y, along rotation", unit: "kpc" },
  dis: { value: "dis", label: "Distance", unit: "kpc", log: true },
  dis_error: { value: "dis_error", label: "Relative error of distance", unit: "", log: true },
  mk_best: { value: "mk_best", brief: "M best mode", label: "M_Ks in best mode", unit: "mag", reverse: true },
  dis_best: { value: "dis_best", brief: "d best mode", label: "Distance in best mode", unit: "kpc", log: true },
  dis_err_best: { value: "dis_err_best", brief: "error best mode", label: "Relative error of distance in best mode", unit: "", log: true },
  ebv_best: { value: "ebv_best", brief: "E(B−V) best mode", label: "E(B−V) in best mode", unit: "mag" },
  r_v: { value: "r_v", label: "R_V", unit: "" },
  p_companion: { value: "p_companion", brief: "P(companion)", label: "Probability of a companion's light", unit: "" },
};
const TWICE = 2.5 * Math.log10(2); // mag: two equal stars against one

const flat = (view) => ({
  ...view,
  axes: ([x, y] = view.first) => [AXES[x], AXES[y]],
  geometry(stars, [x, y], size, { full, use }) {
    const domain = (axis) => extent(stars[axis.value], { log: axis.log, full, use, tails: view.tails });
    return frame(x, y, [domain(x), domain(y)], { ...size, square: view.square });
  },
  draw(ctx, f, [x, y], ink) {
    drawAxes(ctx, f, x, y, ink);
  },
  // above the points
  drawAbove(ctx, f, _, ink) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(f.left, f.top, f.right - f.left, f.bottom - f.top);
    ctx.clip();
    view.guides?.(ctx, f, ink);
    ctx.restore();
  },
});

const SKIES = {
  equatorial: { values: ["ra", "dec"], label: "Equatorial", centre: 180, axes: "Right ascension and declination" },
  galactic: { values: ["l", "b"], label: "Galactic", centre: 0, axes: "Galactic longitude and latitude" },
  anticentre: { values: ["l", "b"], label: "Galactic, anticentre", centre: 180, axes: "Galactic longitude and latitude" },
};

const sky = (view) => ({
  ...view,
  axes: ([name] = view.first) => [
    { value: SKIES[name].values[0], label: SKIES[name].axes, unit: "deg", sky: SKIES[name] },
    { value: SKIES[name].values[1], label: "", unit: "deg" },
  ],
  // east is to the left, as on the sky
  geometry(stars, [x], { width, height }) {
    const edges = { left: 4, right: width - 4, top: 4, bottom: height - 18 };
    const projection = geoMollweide().rotate([-x.sky.centre, 0]).reflectX(true).precision(0.3);
    projection.fitExtent([[edges.left, edges.top], [edges.right, edges.bottom]], { type: "Sphere" });
    return { ...edges, project: (a, b) => projection([a, b]), invert: (a, b) => projection.invert([a, b]), projection };
  },
  draw(ctx, f, [x], ink) {
    const path = geoPath(f.projection, ctx);
    for (const [shape, colour] of [[geoGraticule10(), ink.line], [{ type: "Sphere" }, ink.muted]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = shape.type === "Sphere" ? 1 : 0.6;
      ctx.beginPath();
      path(shape);
      ctx.stroke();
    }
  },
  drawAbove(ctx, f, [x], ink) {
    ctx.font = FONT;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = ink.panel;
    ctx.fillStyle = ink.ink;
    const write = (text, at) => {
      ctx.strokeText(text, ...at);
      ctx.fillText(text, ...at);
    };
    for (const step of [-120, -60, 0, 60, 120]) {
      const degrees = (x.sky.centre + step + 360) % 360;
      write(`${degrees}°`, f.project(degrees, 0));
    }
    for (const degrees of [-60, -30, 30, 60]) write(`${degrees}°`.replace("-", "−"), f.project(x.sky.centre, degrees));
    ctx.fillStyle = ink.muted;
    ctx.fillText(x.sky.axes, (f.left + f.right) / 2, f.bottom + 10);
  },
});

function equality(ctx, f, ink) {
  const ends = f.x.domain();
  for (const [shift, dash] of [[0, []], [TWICE, [4, 3]]]) {
    ctx.setLineDash(dash);
    line(ctx, ink.ink, f.project(ends[0], ends[0] + shift), f.project(ends[1], ends[1] + shift));
  }
  ctx.setLineDash([]);
}

const solar = (sun) => (ctx, f, ink) => {
  ctx.strokeStyle = ink.muted;
  ctx.setLineDash([2, 3]);
  for (const radius of [1, 2, 4, 8]) {
    ctx.beginPath();
    ctx.arc(...f.project(sun, 0), Math.abs(f.x(radius) - f.x(0)), 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.fillStyle = ink.ink;
  ctx.font = "bold 15px system-ui, sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText("☉", ...f.project(sun, 0));
  ctx.fillText("✛", ...f.project(0, 0));
};

// values that this catalog has not are no choice, and a plot that begins with one is not there
const known = (all, stars) => all.filter(({ first }) => first.every((name) => !AXES[name] || stars[name]))
  .map((view) => ({ ...view, choices: choicesOf(view, stars) }));

const choicesOf = (view, stars) => view.choices?.map(([label, options]) =>
  [label, options.filter((name) => Array.isArray(name) || stars[name])]).filter(([, options]) => options.length > 1);

export const views = (sun, stars) => known([
  flat({
    id: "hr", title: "Hertzsprung–Russell diagram", first: ["teff", "mk"],
    choices: [["Colour or temperature", ["teff", "j_ks", "h_ks"]], ["Magnitude", ["mk", "mk_geo", "mk_best"]]],
  }),
  flat({
    id: "magnitudes", title: "M from the spectrum, M from the parallax", first: ["mk_geo", "mk"],
    choices: [["Across", ["mk_geo", "mk_best"]], ["Upwards", ["mk", "mk_best"]]],
    guides: equality, note: "Full line: equal. Dashed: two equal stars, 0.75 mag.",
  }),
  flat({
    id: "map", title: "Map of the disc", first: ["x", "y"], square: true, tails: 0.015, guides: solar(sun),
    note: "☉ Sun; ✛ Galactic centre; circles of 1, 2, 4, 8 kpc around the Sun.",
  }),
  sky({
    id: "sky", title: "Sky", first: ["equatorial"],
    choices: [["Coordinates", Object.entries(SKIES).map(([name, { label }]) => [name, label])]],
  }),
  flat({
    id: "errors", title: "Distance error against distance", first: ["dis", "dis_error"],
    choices: [["Across", ["dis", "dis_best"]], ["Upwards", ["dis_error", "dis_err_best"]]],
    note: "Half of the interval from the 16th to the 84th percentile over the distance.",
  }),
  flat({
    id: "best", title: "Best mode", first: ["mk_best", "p_companion"],
    choices: [["Across", ["mk_best", "dis_best", "ebv_best"]], ["Upwards", ["p_companion", "r_v"]]],
    note: "Only best mode has these values.",
  }),
], stars);

export const labelOf = (name) => AXES[name].brief ?? AXES[name].label;
