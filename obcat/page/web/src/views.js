// The plots: what is on their axes, and what is drawn beside the points; of best mode only where it was run.
import { drawAxes, extent, frame, line } from "./axes.js";
import { SKIES, sky } from "./sky.js";

const AXES = {
  teff: { value: "teff", brief: "Teff", label: "Effective temperature", unit: "K", log: true, reverse: true },
  j_ks: { value: "j_ks", label: "J − Ks", unit: "mag" },
  h_ks: { value: "h_ks", label: "H − Ks", unit: "mag" },
  mk: { value: "mk", brief: "M spectrum", label: "M_Ks from the spectrum", unit: "mag", reverse: true, fence: true },
  mk_geo: { value: "mk_geo", brief: "M parallax", label: "M_Ks from the parallax", unit: "mag", reverse: true, fence: true },
  x: { value: "x", label: "X, to the Galactic centre", unit: "kpc" },
  y: { value: "y", label: "Y, along rotation", unit: "kpc" },
  dis: { value: "dis", label: "Distance", unit: "kpc", log: true },
  dis_error: { value: "dis_error", label: "Relative error of distance", unit: "", log: true },
  mk_best: { value: "mk_best", brief: "M best mode", label: "M_Ks in best mode", unit: "mag", reverse: true, fence: true },
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
    const domain = (axis) => extent(stars[axis.value], { log: axis.log, fence: axis.fence, full, use, tails: view.tails });
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
    id: "sky", title: "Sky", first: ["equatorial"], note: "Dashed: the plane of the Galaxy.",
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
