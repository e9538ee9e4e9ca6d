// A star in a few words: its name and its values on the axes of a plot.
import { dms, hms } from "./places.js";
import { short } from "./values.js";

export function shown({ stars, view, axes }, star) {
  if (view.id === "sky") return [stars.starId[star], hms(stars.ra[star]), dms(stars.dec[star]), ...degrees(stars, star, axes())].join(", ");
  const values = axes().map((axis) => {
    const value = stars[axis.value][star];
    return `${axis.label} ${Number.isNaN(value) ? "not known" : `${short(Number(value.toPrecision(5)))} ${axis.unit}`.trim()}`;
  });
  return [stars.starId[star], ...values].join(", ");
}

const degrees = (stars, star, axes) => axes.map(({ value }) => `${value.toUpperCase()} ${short(Number(stars[value][star].toPrecision(6)))}°`);
