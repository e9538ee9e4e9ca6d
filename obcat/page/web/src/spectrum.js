// The spectrum of a star, where it travels with the page: means of some pixels, marked so; its reconstruction beside it.
import { quantileSorted } from "d3-array";
import { extent, frame, drawAxes, line, FONT } from "./axes.js";
import { button, count, element, save } from "./dom.js";
import { unpacked } from "./payload.js";
import { pictureMenu } from "./picture.js";
import { colours } from "./theme.js";
import { csvLine } from "./values.js";

// vacuum wavelengths in Angstrom (NIST ASD)
const LINES = [
  ["Ca K", 3934.8], ["Hδ", 4102.9], ["Hγ", 4341.7], ["He I", 4472.7], ["He II", 4687.0], ["Hβ", 4862.7], ["He I", 5877.2],
  ["Hα", 6564.6], ["He I", 6680.0], ["O I", 7776.3], ["Ca II", 8544.4],
];
const RANGES = [["All", 3700, 9100], ["Blue", 3800, 5000], ["Hα", 6464, 6664]];
const CALM = [3900, 8900]; // Angstrom; the noise beyond does not set the scale
const SHARE = [0.002, 0.995]; // of the pixels at either end; what is beyond them sets no scale
const EMITTING = [4341.7, 4862.7, 6564.6]; // but these lines do, however few pixels they have
const REACH = 25; // Angstrom about them
const X = { label: "Rest wavelength in vacuum", unit: "Å" };
const Y = { label: "Flux / continuum", unit: "" };

export function makeSpectra(facts, stars) {
  const head = facts.spectra;
  const places = [head.specids, head.coarse ? stars.specid : []].map((names) => new Map(names.map((name, i) => [name, i])));
  const kept = [null, null];
  return {
    head,
    // how a spectrum is kept, its wavelengths and layers: fine for some stars, coarse for all; undefined where it is not there
    async read(specid) {
      const which = places.findIndex((place) => place.has(specid));
      if (which < 0) return undefined;
      const form = [head, head.coarse][which];
      const at = places[which].get(specid);
      kept[which] ??= which ? await unpacked("coarse") : decoded(await unpacked("spectra"), head);
      const layers = which ? [one(kept[1], at, stars.specid.length, form)] : kept[0].map((all) => all.subarray(at * head.pixels, (at + 1) * head.pixels));
      return layers[0].every(Number.isNaN) ? undefined : { form, layers, wavelength: grid(form) };
    },
  };
}

const grid = ({ pixels, log_start, log_step }) => Float64Array.from({ length: pixels }, (_, i) => 10 ** (log_start + log_step * i));

// one row of a layer of `rows`
function one(bytes, at, rows, form) {
  const [from, to, size] = [at * form.pixels, (at + 1) * form.pixels, rows * form.pixels];
  const both = new Uint8Array(2 * form.pixels);
  both.set(bytes.subarray(from, to));
  both.set(bytes.subarray(size + from, size + to), form.pixels);
  return decoded(both, { ...form, specids: [""], layers: ["flux"] })[0];
}

// low bytes of all differences of neighbours, then their high bytes
export function decoded(bytes, { specids, pixels, step, missing, layers }) {
  const size = specids.length * pixels;
  return layers.map((_, layer) => {
    const low = bytes.subarray(2 * size * layer, 2 * size * layer + size);
    const high = bytes.subarray(2 * size * layer + size, 2 * size * (layer + 1));
    const values = new Float32Array(size);
    for (let start = 0; start < size; start += pixels) {
      let sum = 0;
      for (let i = start; i < start + pixels; i++) {
        sum = ((sum + (low[i] | (high[i] << 8))) << 16) >> 16;
        values[i] = sum === missing ? NaN : sum * step;
      }
    }
    return values;
  });
}

export async function drawSpectrum(spectra, best, chosen) {
  const { head } = spectra;
  const title = element("h3", {}, "Spectrum");
  const found = await spectra.read(best);
  if (!found) return element("div", {}, title, element("p", { class: "muted" }, absent(head)));
  const { form, wavelength, layers: [flux, model] } = found;
  const canvas = element("canvas", { class: "spectrum", role: "img", "aria-label": `Spectrum ${best}, flux over continuum from ${Math.round(wavelength[0])} to ${Math.round(wavelength.at(-1))} Angstrom, downsampled` });
  let shown = RANGES[0];
  const draw = () => plot(canvas, wavelength, flux, model, shown);
  const controls = RANGES.map((range) => button(range[0], () => {
    shown = range;
    controls.forEach((c) => c.setAttribute("aria-pressed", String(c.textContent === range[0])));
    draw();
  }, { "aria-pressed": String(range === shown), "aria-label": `Spectrum: ${range[0]}, ${range[1]} to ${range[2]} Angstrom` }));
  const picture = pictureMenu(`Spectrum ${best}`, best, () => ({ width: canvas.clientWidth, height: canvas.clientHeight }), (ctx) => put(ctx, { width: canvas.clientWidth, height: canvas.clientHeight }, wavelength, flux, model, shown));
  const file = button("CSV", () => save(`${best}.csv`, "text/csv", csv(wavelength, flux, model)), { "aria-label": "Spectrum: download as CSV", id: "spectrum-csv" });
  new ResizeObserver(draw).observe(canvas);
  const other = chosen === best ? "" : ` This is the best visit, ${best}; the page holds no other.`;
  const drawn = model ? " The broad line is what the eigenspectra make of it without emission." : "";
  const rest = form === head ? "" : ` Finer ones of ${count(head.specids.length)} stars are here: ${head.rule}.`;
  const note = `Downsampled: each point is the mean of ${form.binned} pixels of the spectrum in its rest frame, rounded to ${form.step}.${rest}${drawn}${other}`;
  return element("div", {}, element("header", { class: "spectrum-head" }, title, element("div", { class: "controls" }, ...controls, picture, file)), canvas,
    element("p", { class: "caption" }, note));
}

function csv(wavelength, flux, model) {
  const text = (value, digits) => (Number.isNaN(value) ? null : value.toFixed(digits));
  const head = csvLine(["wavelength", "flux", ...(model ? ["reconstruction"] : [])]);
  const layers = [flux, model].filter(Boolean);
  return [head, ...Array.from(wavelength, (w, i) => csvLine([text(w, 3), ...layers.map((layer) => text(layer[i], 3))]))];
}

const absent = ({ specids, rule }) =>
  specids.length ? `The spectrum of this star is not in the page, which holds ${count(specids.length)}: ${rule}` : `No spectrum is in the page: ${rule}`;

// from percentiles, so that the remnant of a sky line does not flatten the rest
function limits(wavelength, layers, [from, to]) {
  const values = (use) => Float32Array.from(layers.flatMap((layer) => [...layer].filter((v, i) => v === v && use(wavelength[i])))).sort();
  const inside = values((w) => w >= from && w <= to);
  if (!inside.length) return [0, 1];
  const line = values((w) => w >= from && w <= to && EMITTING.some((at) => Math.abs(w - at) < REACH));
  const [low, high] = SHARE.map((q) => quantileSorted(inside, q));
  return extent([Math.min(low, line[2] ?? low), Math.max(high, line.at(-3) ?? high)], { full: true });
}

function plot(canvas, ...drawn) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  put(ctx, { width, height }, ...drawn);
}

function put(ctx, { width, height }, wavelength, flux, model, [, from, to]) {
  const ink = colours();
  const f = frame(X, Y, [[from, to], limits(wavelength, [flux, model].filter(Boolean), [Math.max(from, CALM[0]), Math.min(to, CALM[1])])], { width, height });
  drawAxes(ctx, f, X, Y, ink);
  ctx.save();
  ctx.beginPath();
  ctx.rect(f.left, f.top, f.right - f.left, f.bottom - f.top);
  ctx.clip();
  marks(ctx, f, from, to, ink);
  if (model) curve(ctx, f, wavelength, model, ink.binary, 2);
  curve(ctx, f, wavelength, flux, ink.accent, 1);
  ctx.restore();
}

function marks(ctx, f, from, to, ink) {
  ctx.font = FONT;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  let right = -Infinity;
  for (const [name, at] of LINES) {
    const x = f.x(at);
    if (at < from || at > to) continue;
    ctx.setLineDash([2, 3]);
    line(ctx, ink.muted, [x, f.top + 16], [x, f.bottom]);
    ctx.setLineDash([]);
    const half = ctx.measureText(name).width / 2;
    if (x - half < right) continue; // no name over another
    ctx.fillStyle = ink.muted;
    ctx.fillText(name, x, f.top + 3);
    right = x + half + 3;
  }
}

function curve(ctx, f, wavelength, values, colour, width) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  let down = false;
  values.forEach((v, i) => {
    if (Number.isNaN(v)) { down = false; return; }
    if (down) ctx.lineTo(f.x(wavelength[i]), f.y(v));
    else ctx.moveTo(f.x(wavelength[i]), f.y(v));
    down = true;
  });
  ctx.stroke();
}
