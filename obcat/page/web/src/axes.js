// Frames of the plots: from values to pixels, and the axes drawn.
import { quantileSorted } from "d3-array";
import { format } from "d3-format";
import { scaleLinear, scaleLog } from "d3-scale";

const TAILS = 0.003; // of the points at each end may lie outside the frame until "All" is asked for
const FENCE = [0.5, 0.97]; // white dwarfs are one or two in a hundred: beyond this, and as far again, lies no other star
const MARGIN = { top: 8, right: 12, bottom: 38, left: 52 };
export const FONT = "12px system-ui, sans-serif";

// the interval that a plot shows of some values
export function extent(values, { log = false, full = false, use = () => true, tails = TAILS, fence = false } = {}) {
  const good = Float64Array.from(values.filter((v, i) => Number.isFinite(v) && (!log || v > 0) && use(i))).sort(); // by size: a plain array sorts as text
  if (!good.length) return log ? [0.1, 10] : [0, 1];
  const [low, most] = full ? [good[0], good.at(-1)] : [tails, 1 - tails].map((q) => quantileSorted(good, q));
  const high = fence && !full ? Math.min(most, fenced(good)) : most;
  if (log) {
    const pad = Math.max((high / low) ** 0.04, 1.05);
    return [low / pad, high * pad];
  }
  const pad = (high - low) * 0.04 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

function fenced(sorted) {
  const [middle, upper] = FENCE.map((q) => quantileSorted(sorted, q));
  return upper + 0.7 * (upper - middle);
}

export function frame(x, y, domains, { width, height, square }) {
  const inner = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
  let [dx, dy] = domains;
  if (square) [dx, dy] = squared(dx, dy, inner);
  const sx = scale(x, dx, [inner.left, inner.right]);
  const sy = scale(y, dy, [inner.bottom, inner.top]);
  return { ...inner, x: sx, y: sy, project: (a, b) => [sx(a), sy(b)], invert: (a, b) => [sx.invert(a), sy.invert(b)] };
}

const scale = (axis, domain, range) =>
  (axis.log ? scaleLog() : scaleLinear()).domain(axis.reverse ? [...domain].reverse() : domain).range(range);

// the same length for a unit of x and of y
function squared([x0, x1], [y0, y1], inner) {
  const [width, height] = [inner.right - inner.left, inner.bottom - inner.top];
  const unit = Math.max((x1 - x0) / width, (y1 - y0) / height);
  const around = (a, b, pixels) => [(a + b - unit * pixels) / 2, (a + b + unit * pixels) / 2];
  return [around(x0, x1, width), around(y0, y1, height)];
}

export function drawAxes(ctx, f, x, y, ink) {
  ctx.font = FONT;
  ctx.lineWidth = 1;
  const marks = (s, axis, room) => {
    const ticks = s.ticks(Math.max(2, Math.floor(room / 70)));
    return axis.log && ticks.length > 8 ? ticks.filter((t) => [1, 2, 5].includes(leading(t))) : ticks;
  };
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const taken = [];
  for (const tick of marks(f.x, x, f.right - f.left)) {
    const [text, at] = [tickText(tick, x), f.x(tick)];
    line(ctx, ink.line, [at, f.top], [at, f.bottom]);
    const half = ctx.measureText(text).width / 2 + 4;
    if (taken.some(([left, right]) => at - half < right && at + half > left)) continue; // no number over another
    taken.push([at - half, at + half]);
    ctx.fillStyle = ink.muted;
    ctx.fillText(text, at, f.bottom + 5);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const tick of marks(f.y, y, (f.bottom - f.top) * 1.6)) {
    line(ctx, ink.line, [f.left, f.y(tick)], [f.right, f.y(tick)]);
    ctx.fillStyle = ink.muted;
    ctx.fillText(tickText(tick, y), f.left - 6, f.y(tick));
  }
  ctx.strokeStyle = ink.muted;
  ctx.strokeRect(f.left + 0.5, f.top + 0.5, f.right - f.left - 1, f.bottom - f.top - 1);
  ctx.fillStyle = ink.ink;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  ctx.fillText(labelled(x), (f.left + f.right) / 2, f.bottom + MARGIN.bottom - 1);
  ctx.save();
  ctx.translate(2, (f.top + f.bottom) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.textBaseline = "top";
  ctx.fillText(labelled(y), 0, 0);
  ctx.restore();
}

export const labelled = ({ label, unit }) => (unit ? `${label} (${unit})` : label);
const leading = (t) => Number(t.toExponential()[0]);
const tickText = (t, axis) => (axis.log || Math.abs(t) >= 1000 ? format("~g")(t) : format("~r")(Number(t.toPrecision(6))));

export function line(ctx, colour, [x0, y0], [x1, y1]) {
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  ctx.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  ctx.stroke();
}
