// A star in a few words: its name and its values on the axes of a plot.
import { short } from "./values.js";

export function shown({ stars, view, axes }, star) {
  const values = axes().map((axis) => {
    const value = stars[axis.value][star];
    const name = view.id === "sky" ? axis.value.toUpperCase() : axis.label;
    return `${name} ${Number.isNaN(value) ? "not known" : `${short(Number(value.toPrecision(5)))} ${axis.unit}`.trim()}`;
  });
  return [stars.starId[star], ...values].join(", ");
}
