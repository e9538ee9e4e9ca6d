// The plot of any two columns, or the histogram of one, with error bars.
import { ask } from "./engine.js";
import { drawAxes, extent, frame } from "./axes.js";
import { columnOf } from "./values.js";

export const NUMBER = "number of stars";
const BARS = 2000; // error bars of more stars would be a blot
const BINS = [8, 60];
const RANK = "free.rank";

// columns as [key, text], by table; keys are TABLE.COLUMN
export function freeView(engine, facts, stars) {
  const tables = [["ob_stars", facts.columns], ["ob_stars_best", facts.best]];
  const known = new Map(tables.flatMap(([table, columns]) => columns.filter(({ axis }) => axis).map((column) => [`${table}.${column.name}`, { table, ...column }])));
  const options = [...known].map(([key, { table, name }]) => [key, table === "ob_stars" ? name : `${name}, best mode`]);
  const errors = (key) => ["_err", "_error"].map((end) => key + end).filter((name) => known.has(name)).slice(0, 1);
  const ends = (key) => ["_low", "_high"].map((end) => key + end).filter((name) => known.has(name));
  const spread = (key) => (ends(key).length === 2 ? ends(key) : errors(key));
  const load = async (key) => {
    if (key === NUMBER) return;
    const names = [key, ...spread(key)].filter((name) => !stars[name]);
    if (names.length) Object.assign(stars, await columnsOf(await engine, known.get(key).table, names, stars));
  };
  const view = {
    id: "free", title: "Any two columns", first: ["ob_stars.mk", NUMBER], log: [false, false], bars: false, load, spread,
    choices: [["Across", options], ["Upwards", [[NUMBER, NUMBER], ...options]]],
    toggles: [["log x", "logarithmic axis across", () => flip(view.log, 0)], ["log y", "logarithmic axis upwards", () => flip(view.log, 1)],
      ["±", "error bars; of counts their square root", () => { view.bars = !view.bars; return view.bars; }]],
    axes: ([x, y]) => [axis(known.get(x), x, view.log[0]), y === NUMBER ? { value: RANK, label: "Stars in a bin", unit: "", log: view.log[1] } : axis(known.get(y), y, view.log[1])],
    geometry(all, [x, y], size, { full, use }) {
      const domain = (a) => extent(all[a.value], { log: a.log, full, use });
      if (y.value !== RANK) return frame(x, y, [domain(x), domain(y)], size);
      const bins = binned(all[x.value], domain(x), x.log);
      all[RANK] = bins.rank;
      const most = Math.max(1, ...bins.counts);
      return { ...frame(x, y, [domain(x), y.log ? [0.7, most * 1.3] : [0, most * 1.06]], size), bins };
    },
    draw: (ctx, f, [x, y], ink) => drawAxes(ctx, f, x, y, ink),
    drawAbove(ctx, f, axes, ink, plot) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(f.left, f.top, f.right - f.left, f.bottom - f.top);
      ctx.clip();
      if (f.bins) histogram(ctx, f, plot, ink, view.bars);
      else if (view.bars) errorBars(ctx, f, plot, axes.map(({ value }) => spread(value).map((key) => stars[key])), ink);
      ctx.restore();
    },
    hidden: (axes) => axes[1].value === RANK,
    note: (plot) => (view.bars && plot.axes()[1].value !== RANK ? barNote(plot, spread) : ""),
  };
  // what the other plots draw of the same columns is here already
  for (const { name } of facts.columns) if (stars[name]) stars[`ob_stars.${name}`] ??= stars[name];
  return view;
}

const flip = (log, at) => { log[at] = !log[at]; return log[at]; };
const axis = ({ table, name, unit, ucd }, value, log) => ({
  value, label: table === "ob_stars" ? name : `${name} of best mode`, unit, log, reverse: /^(phys\.magAbs|phot\.mag)(;|$)/.test(ucd ?? "") && !/arith\.diff/.test(ucd),
  sql: table === "ob_stars" ? name : `(SELECT ${name} FROM catalog.${table} WHERE specid = ob_stars.specid) AS best_${name}`,
});

async function columnsOf(con, table, keys, stars) {
  const names = keys.map((key) => key.split(".")[1]);
  const found = await ask(con, `SELECT specid, ${names.map((name) => `${name}::DOUBLE AS ${name}`).join(", ")} FROM obcat.catalog.${table} WHERE uniqflag = 1`);
  const place = new Map(stars.specid.map((name, i) => [name, i]));
  const places = columnOf(found.getChild("specid")).map((name) => place.get(name));
  return Object.fromEntries(keys.map((key, j) => {
    const values = new Float32Array(stars.size).fill(NaN);
    columnOf(found.getChild(names[j])).forEach((value, i) => { if (value !== null && places[i] !== undefined) values[places[i]] = value; });
    return [key, values];
  }));
}

// edges, counts, and the place of each star in the pile of its bin
function binned(values, [low, high], log) {
  const to = log ? Math.log : (v) => v;
  const [from, end] = [to(low), to(high)];
  const inside = values.reduce((n, v) => n + (v >= low && v <= high), 0);
  const n = Math.min(BINS[1], Math.max(BINS[0], Math.round(2 * Math.cbrt(inside))));
  const counts = new Array(n).fill(0);
  const bin = (v) => Math.min(n - 1, Math.floor(((to(v) - from) / (end - from)) * n));
  const rank = Float32Array.from(values, (v) => {
    if (!(v >= low && v <= high)) return NaN;
    counts[bin(v)] += 1;
    return counts[bin(v)];
  });
  const back = log ? Math.exp : (v) => v;
  const edges = Array.from({ length: n + 1 }, (_, i) => back(from + ((end - from) * i) / n));
  return { edges, counts, rank, bin };
}

function histogram(ctx, f, { stars, selection, axes }, ink, bars) {
  const { edges, counts, bin, rank } = f.bins;
  const values = stars[axes()[0].value];
  const chosen = new Array(counts.length).fill(0);
  if (selection.mask) selection.mask.forEach((on, i) => { if (on && rank[i] === rank[i]) chosen[bin(values[i])] += 1; });
  for (const [heights, colour] of [[counts, selection.mask ? ink.dim : ink.other], [chosen, ink.accent]]) {
    ctx.fillStyle = colour;
    heights.forEach((height, i) => {
      if (!height) return;
      const [left, right] = [f.x(edges[i]), f.x(edges[i + 1])].sort((a, b) => a - b);
      const top = f.y(height);
      ctx.fillRect(left + 0.5, top, Math.max(1, right - left - 1), f.bottom - top);
      if (bars) stem(ctx, ink.ink, (left + right) / 2, [f.y(Math.max(height - Math.sqrt(height), f.y.domain()[0])), f.y(height + Math.sqrt(height))]);
    });
  }
}

function stem(ctx, colour, x, [from, to]) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, from);
  ctx.lineTo(x, to);
  ctx.stroke();
}

// those of the selection, or of all where they are few
function barred({ px, selection }) {
  const wanted = [...px.keys()].filter((i) => px[i] === px[i] && (!selection.mask || selection.mask[i]));
  return wanted.length > BARS ? [] : wanted;
}

function errorBars(ctx, f, plot, spreads, ink) {
  const { stars } = plot;
  const values = plot.axes().map(({ value }) => stars[value]);
  ctx.strokeStyle = ink.muted;
  ctx.lineWidth = 0.8;
  ctx.beginPath();
  for (const i of barred(plot)) {
    spreads.forEach((spread, k) => {
      if (!spread.length) return;
      const ends = spread.length === 2 ? spread.map((end) => end[i]) : [-1, 1].map((sign) => values[k][i] + sign * spread[0][i]);
      if (ends.some(Number.isNaN)) return;
      const scale = k ? f.y : f.x;
      const [a, b] = ends.map((end) => Math.min(1e4, Math.max(-1e4, scale(end) || (end <= 0 ? scale(scale.domain()[0]) : 0))));
      if (k) [[plot.px[i], a], [plot.px[i], b]].forEach(([x, y], n) => (n ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      else [[a, plot.py[i]], [b, plot.py[i]]].forEach(([x, y], n) => (n ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    });
  }
  ctx.stroke();
}

function barNote(plot, spread) {
  if (!plot.axes().some(({ value }) => spread(value).length)) return "Neither column has an error in this catalog";
  return barred(plot).length ? "Error bars: one standard deviation, or the 16th to the 84th percentile" : `Error bars are drawn for at most ${BARS.toLocaleString("en-GB")} stars: select fewer`;
}
