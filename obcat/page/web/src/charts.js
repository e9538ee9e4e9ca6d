// Two drawings of a star: what its distance is made of, and its magnitudes.
import { drawAxes, extent, frame, FONT, line } from "./axes.js";
import { element } from "./dom.js";
import { unpacked } from "./payload.js";
import { pictureMenu } from "./picture.js";
import { decoded } from "./spectrum.js";
import { colours } from "./theme.js";

const LN_PER_MAG = 0.2 * Math.LN10;
const POINTS = 600;
const WIDE = 7; // half intervals of 68 per cent that a drawing of the distance holds
// effective wavelengths, micrometre
const BANDS = { b: ["B", 0.436], g: ["g", 0.477], bp: ["BP", 0.511], v: ["V", 0.545], r: ["r", 0.623], i: ["i", 0.763], rp: ["RP", 0.777], j: ["J", 1.235], h: ["H", 1.662], ks: ["Ks", 2.159] };
const DISTANCE = { label: "Distance", unit: "kpc", log: true };
const DENSITY = { label: "Density / maximum", unit: "" };
const WAVE = { label: "Wavelength", unit: "µm", log: true };
const MAGNITUDE = { label: "Magnitude", unit: "", reverse: true };

function chart(title, id, label, note, put) {
  const canvas = element("canvas", { class: "chart", id, role: "img", "aria-label": label });
  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });
  const draw = () => {
    const { width, height } = size();
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    put(ctx, { width, height }, colours());
  };
  new ResizeObserver(draw).observe(canvas);
  return element("div", {}, element("header", { class: "spectrum-head" }, element("h3", {}, title),
    element("div", { class: "controls" }, pictureMenu(title, id, size, (ctx) => put(ctx, size(), colours())))), canvas, element("p", { class: "caption" }, note));
}

const value = (row, name) => row[name]?.value ?? NaN;

// log of each term at distances in kpc, as obcat explain has them; null where it is missing
function terms(row) {
  const [mk, ks, aKs, parallax, error] = ["mk", "ks", "a_ks", "parallax_corrected", "parallax_error"].map((name) => value(row, name));
  const centre = LN_PER_MAG * (ks - aKs - mk - 10);
  const width = LN_PER_MAG * Math.hypot(...["mk_err", "ks_err", "a_ks_err"].map((name) => value(row, name)));
  const spectrum = width > 0 && Number.isFinite(centre) ? (d) => -0.5 * ((Math.log(d) - centre) / width) ** 2 : null;
  const astrometry = error > 0 && Number.isFinite(parallax) ? (d) => -0.5 * ((1 / d - parallax) / error) ** 2 : null;
  const both = [value(row, "binary_flag") === 1 ? null : spectrum, astrometry].filter(Boolean);
  const used = both.length ? (d) => both.reduce((sum, term) => sum + term(d), 0) : null;
  return [["spectrum", spectrum], ["parallax", astrometry], ["used", used]].filter(([, term]) => term);
}

export function drawDistance(row, best) {
  const [low, mode, high] = ["dis_low", "dis", "dis_high"].map((name) => value(row, name));
  const found = terms(row);
  if (!(low > 0) || !found.length) return element("div", {}, element("h3", {}, "Distance"), element("p", { class: "muted" }, "The distance is not known."));
  const [from, to] = [Math.max(low / 3, mode - WIDE * (mode - low)), Math.min(high * 3, mode + WIDE * (high - mode))];
  const distances = Float64Array.from({ length: POINTS }, (_, i) => from * (to / from) ** (i / (POINTS - 1)));
  const curves = found.map(([name, term]) => {
    const logs = distances.map(term);
    const most = Math.max(...logs);
    return [name, logs.map((v) => Math.exp(v - most))];
  });
  const peak = distances[curves.at(-1)[1].indexOf(1)];
  const styles = (ink) => ({ spectrum: [ink.accent, 1.5], parallax: [ink.binary, 1.5], used: [ink.ink, 3] });
  const note = `${found.map(([name]) => name).join(", ")}: each term over its maximum; lines at the 16th percentile, the mode and the 84th.${best && value(best, "dis") > 0 ? " Dotted: the same of best mode." : ""}`;
  return chart("Distance", "distance", `Density of the distance, highest at ${peak.toPrecision(4)} kpc`, note[0].toUpperCase() + note.slice(1), (ctx, size, ink) => {
    const f = frame(DISTANCE, DENSITY, [[distances[0], distances.at(-1)], [0, 1.08]], size);
    drawAxes(ctx, f, DISTANCE, DENSITY, ink);
    const mark = (at, dash, colour) => {
      if (!(f.x(at) >= f.left && f.x(at) <= f.right)) return;
      ctx.setLineDash(dash);
      line(ctx, colour, [f.x(at), f.top], [f.x(at), f.bottom]);
    };
    [low, mode, high].forEach((at) => mark(at, [], ink.muted));
    if (best) ["dis_low", "dis", "dis_high"].forEach((name) => mark(value(best, name), [2, 3], ink.emission));
    ctx.setLineDash([]);
    curves.forEach(([name, density]) => {
      [ctx.strokeStyle, ctx.lineWidth] = styles(ink)[name];
      ctx.beginPath();
      density.forEach((v, i) => (i ? ctx.lineTo(f.x(distances[i]), f.y(v)) : ctx.moveTo(f.x(distances[i]), f.y(v))));
      ctx.stroke();
    });
    legend(ctx, f, curves.map(([name]) => [name, styles(ink)[name][0]]));
  });
}

function legend(ctx, f, entries) {
  ctx.font = FONT;
  [ctx.textAlign, ctx.textBaseline] = ["right", "top"];
  entries.forEach(([text, colour], i) => {
    ctx.fillStyle = colour;
    ctx.fillText(text, f.right - 6, f.top + 5 + 15 * i);
  });
}

export function makePhotometry(facts, stars) {
  const { photometry } = facts;
  let all = null;
  return {
    // [band, magnitude, error] of a star, by its place among the stars
    async read(star) {
      if (star < 0 || !photometry.bands.length) return [];
      const pixels = 2 * photometry.bands.length;
      all ??= decoded(await unpacked("photometry"), { ...photometry, specids: stars.specid, pixels, layers: [0] })[0];
      const of = all.subarray(star * pixels, (star + 1) * pixels);
      return photometry.bands.map((band, i) => [band, of[2 * i], of[2 * i + 1]]).filter(([, magnitude]) => magnitude === magnitude);
    },
  };
}

export async function drawPhotometry(photometry, row, star) {
  const found = await photometry.read(star);
  const known = found.length ? found : ["j", "h", "ks"].map((band) => [band, value(row, band), value(row, `${band}_err`)]).filter(([, magnitude]) => magnitude === magnitude);
  if (!known.length) return element("div", {}, element("h3", {}, "Photometry"), element("p", { class: "muted" }, "No magnitude is known."));
  const points = known.map(([band, magnitude, error]) => ({ name: BANDS[band][0], at: BANDS[band][1], magnitude, error: error === error ? error : 0 }));
  const list = points.map(({ name, magnitude, error }) => `${name} ${magnitude.toFixed(3)}${error ? ` ± ${error.toFixed(3)}` : ""}`).join(", ");
  return chart("Photometry", "photometry-plot", `Magnitudes: ${list}`, list, (ctx, size, ink) => {
    const spread = extent(points.flatMap(({ magnitude, error }) => [magnitude - error, magnitude + error]), { full: true });
    const pad = Math.max(0.1, 0.25 * (spread[1] - spread[0]));
    const f = frame(WAVE, MAGNITUDE, [[0.38, 2.5], [spread[0] - pad, spread[1] + pad / 2]], size);
    drawAxes(ctx, f, WAVE, MAGNITUDE, ink);
    ctx.font = FONT;
    [ctx.textAlign, ctx.textBaseline] = ["center", "bottom"];
    points.forEach(({ name, at, magnitude, error }, i) => {
      line(ctx, ink.accent, f.project(at, magnitude - error), f.project(at, magnitude + error));
      const [x, y] = f.project(at, magnitude);
      ctx.fillStyle = ink.accent;
      ctx.fillRect(x - 2.5, y - 2.5, 5, 5);
      ctx.fillStyle = ink.muted;
      ctx.fillText(name, x, y - 5 - 12 * (i % 2));
    });
  });
}
