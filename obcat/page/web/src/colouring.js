// What colours the points: their kind, or a number from blue to yellow.
import { extent } from "./axes.js";
import { interpolateViridis } from "d3-scale-chromatic";
import { KINDS } from "./stars.js";
import { short } from "./values.js";

const BINS = 24;

export const COLUMNS = [
  ["kind", "emission and binary"], ["ebv", "E(B−V)"], ["teff", "Teff"], ["snr_g", "S/N in g"], ["dis", "distance"],
  ["mk", "M_Ks from the spectrum"], ["snr_dparallax", "parallax excess"], ["halpha_ew", "Hα equivalent width"], ["z", "Z"],
];

// groups of stars of one colour, the last drawn on top; recomputed only when the column changes
export function makeColouring(stars) {
  let kept = null;
  return (column, ink) => {
    if (kept?.column !== column) kept = { column, ...(column === "kind" ? kinds(stars) : bins(stars[column])) };
    const order = kept.groups.map(({ name, colour, members }) => ({ colour: colour ?? ink[name], members }));
    return { order, ends: kept.ends };
  };
}

const kinds = (stars) => ({
  groups: grouped(stars.kind, KINDS.length).map((members, kind) => ({ name: KINDS[kind].name, members })),
});

function bins(values) {
  const [low, high] = extent(values);
  const bin = (v) => 1 + Math.min(BINS - 1, Math.max(0, Math.floor(((v - low) / (high - low)) * BINS)));
  const place = Array.from(values, (v) => (Number.isNaN(v) ? 0 : bin(v)));
  const colour = (i) => (i ? interpolateViridis(0.08 + (0.87 * (i - 1)) / (BINS - 1)) : undefined);
  const groups = grouped(place, BINS + 1).map((members, i) => ({ name: "unknown", colour: colour(i), members }));
  return { groups, ends: [low, high].map((v) => short(Number(v.toPrecision(3)))) };
}

function grouped(places, n) {
  const groups = Array.from({ length: n }, () => []);
  places.forEach((place, i) => groups[place].push(i));
  return groups;
}
