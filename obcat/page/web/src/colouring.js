// What colours the points: their kind, or a number from blue to yellow.
import { extent } from "./axes.js";
import { interpolateViridis } from "d3-scale-chromatic";
import { STEPS } from "./density.js";
import { KINDS } from "./stars.js";
import { short } from "./values.js";

const BINS = 24;
const VIRIDIS = (i, n) => interpolateViridis(0.08 + (0.87 * i) / (n - 1));

export const COLUMNS = [
  ["kind", "emission and binary"], ["density", "density of points"], ["ebv", "E(B−V)"], ["teff", "Teff"], ["snr_g", "S/N in g"], ["dis", "distance"],
  ["mk", "M_Ks from the spectrum"], ["snr_dparallax", "parallax excess"], ["halpha_ew", "Hα equivalent width"], ["z", "Z"],
];

// groups of stars of one colour, the last drawn on top; recomputed only when the column changes
export function makeColouring(stars) {
  let kept = null;
  return (column, ink) => {
    if (kept?.column !== column) kept = { column, ...(OWN[column]?.(stars) ?? bins(stars[column])) };
    const order = kept.groups.map(({ name, colour, ramp, members }) => ({ colour: colour ?? ink[name], ramp: ramp?.(ink), members }));
    return { order, ends: kept.ends };
  };
}

const steps = (colour) => Array.from({ length: STEPS }, (_, i) => colour(i, STEPS));

// the many are shaded by how close they lie; the few stand out among them
const kinds = (stars) => ({
  groups: grouped(stars.kind, KINDS.length).map((members, kind) => ({
    name: KINDS[kind].name, members, ramp: KINDS[kind].name === "other" ? (ink) => steps((i, n) => mixed(ink.sparse, ink.deep, i / (n - 1))) : undefined,
  })),
});

const density = (stars) => ({
  groups: [{ name: "other", ramp: () => steps(VIRIDIS), members: [...stars.kind.keys()] }], ends: ["few", "many"],
});

const OWN = { kind: kinds, density };

// between two colours "#rrggbb"
function mixed(from, to, part) {
  const channel = (text, at) => Number.parseInt(text.slice(at, at + 2), 16);
  const two = (at) => Math.round(channel(from, at) * (1 - part) + channel(to, at) * part).toString(16).padStart(2, "0");
  return `#${[1, 3, 5].map(two).join("")}`;
}

function bins(values) {
  const [low, high] = extent(values);
  const bin = (v) => 1 + Math.min(BINS - 1, Math.max(0, Math.floor(((v - low) / (high - low)) * BINS)));
  const place = Array.from(values, (v) => (Number.isNaN(v) ? 0 : bin(v)));
  const colour = (i) => (i ? VIRIDIS(i - 1, BINS) : undefined);
  const groups = grouped(place, BINS + 1).map((members, i) => ({ name: "unknown", colour: colour(i), members }));
  return { groups, ends: [low, high].map((v) => short(Number(v.toPrecision(3)))) };
}

function grouped(places, n) {
  const groups = Array.from({ length: n }, () => []);
  places.forEach((place, i) => groups[place].push(i));
  return groups;
}
