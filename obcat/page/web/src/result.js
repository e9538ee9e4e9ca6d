// The answer to a query as a table: sorted by a click on a column, a page of rows at a time, all of it as CSV, VOTable or FITS.
import { button, count, element, plural, save } from "./dom.js";
import { fits } from "./fits.js";
import { dms, hms } from "./places.js";
import { votable } from "./votable.js";
import { columnOf, compared, csvLine, exact, isFloat, isNumber, printed, shown } from "./values.js";

const PAGE = 100;
const NAMES = ["specid", "star_id", "gaia_id"];
const CSV_ROWS = 5000; // lines joined at a time

export function showResult(host, { schema, batches, total, seconds, cut }, page) {
  const found = keptOf({ schema, batches });
  const { fields, columns } = found;
  const kept = columns[0]?.length ?? 0;
  const formats = new Map(page.columns.map(({ name, decimals, exponent }) => [name, [decimals, exponent]]));
  const result = { formats, ...found, sorted: null, first: 0 };
  const named = NAMES.map((name) => fields.findIndex((field) => field.name === name)).find((j) => j >= 0);
  const head = element("thead");
  const body = element("tbody");
  const pages = element("div", { class: "pages" });
  const draw = () => {
    head.replaceChildren(heading(result, draw));
    body.replaceChildren(...rows(result, page));
    pages.replaceChildren(...pager(result, draw));
  };
  draw();
  const rest = kept < total ? `; the first ${count(kept)} are here` : "";
  const status = element("p", { class: "status", id: "result-status" }, `${cut ? "more than " : ""}${plural(total, "row")}${rest}, ${seconds.toFixed(2)} s`);
  host.replaceChildren(
    element("div", { class: "resultbar" }, status,
      button("Download CSV", () => saveAs("csv", "result", result, page), { id: "download", disabled: !fields.length }),
      button("VOTable", () => saveAs("votable", "result", result, page), { id: "download-votable", disabled: !fields.length, "aria-label": "Download VOTable" }),
      button("FITS", () => saveAs("fits", "result", result, page), { id: "download-fits", disabled: !fields.length, "aria-label": "Download FITS" }),
      named === undefined ? null : button("Select in plots", () => page.selectNamed(fields[named].name, columns[named]), { id: "to-plots" }),
      pages),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Result" },
      element("table", { class: "result", "aria-describedby": "result-status" }, head, body)));
  return result;
}

// columns of all batches as arrays, in the order they came
export function keptOf({ schema: { fields }, batches }) {
  const columns = fields.map((_, j) => batches.flatMap((batch) => columnOf(batch.getChildAt(j))));
  return { fields, columns, order: Uint32Array.from({ length: columns[0]?.length ?? 0 }, (_, i) => i) };
}

// a file in the order shown; how many rows it has
export function saveAs(form, name, result, page) {
  if (form === "csv") save(`${name}.csv`, "text/csv", csv(result));
  else if (form === "fits") save(`${name}.fits`, "application/fits", fits(result, page.facts, page.columns));
  else save(`${name}.vot`, "application/x-votable+xml", votable(result, page.facts, page.columns));
  return result.order.length;
}

function heading(result, draw) {
  return element("tr", {}, ...result.fields.map((field, j) => {
    const by = result.sorted?.j === j ? (result.sorted.up ? "ascending" : "descending") : "none";
    const mark = { ascending: " ▲", descending: " ▼", none: "" }[by];
    const control = button(`${field.name}${mark}`, () => {
      sort(result, j);
      draw();
      // the heading was drawn anew: the keyboard stays on it
      document.querySelectorAll("table.result th button")[j]?.focus();
    }, { title: String(field.type) });
    return element("th", { scope: "col", "aria-sort": by, class: isNumber(field.type) ? "number" : "" }, control);
  }));
}

export function sort(result, j) {
  const up = !(result.sorted?.j === j && result.sorted.up);
  const { type } = result.fields[j];
  const values = result.columns[j];
  const sign = up ? 1 : -1;
  // empty values stay last, whichever way
  const order = (a, b) => {
    const empty = (values[a] === null) - (values[b] === null);
    return empty || sign * compared(values[a], values[b], type) || a - b;
  };
  Object.assign(result, { sorted: { j, up }, first: 0, order: result.order.slice().sort(order) });
}

function rows({ formats, fields, columns, order, first }, page) {
  return Array.from(order.subarray(first, first + PAGE), (i) =>
    element("tr", {}, ...fields.map((field, j) => cell(columns[j][i], field, page, formats.get(field.name)))));
}

function cell(value, { name, type }, page, format = []) {
  if (value === null) return element("td", { class: "null", "aria-label": "empty" });
  const text = (isFloat(type) ? printed(value, ...format) : null) ?? shown(value, type);
  const star = NAMES.includes(name) ? page.starNamed(name, text) : -1;
  const content = star >= 0 ? button(text, (event) => page.open(star, event.target, text), { class: "link" }) : text;
  return element("td", { class: isNumber(type) ? "number" : "", title: isFloat(type) ? full(value, name, type) : null }, content);
}

// every digit; of a coordinate also in hours, or degrees, minutes and seconds
function full(value, name, type) {
  const sky = { ra: hms, dec: dms }[name];
  return [exact(value, type), sky && Number.isFinite(value) ? sky(value) : null].filter(Boolean).join(", ");
}

function pager(result, draw) {
  const n = result.order.length;
  if (n <= PAGE) return [];
  const go = (to) => () => { result.first = to; draw(); };
  const last = Math.floor((n - 1) / PAGE) * PAGE;
  const { first } = result;
  return [
    button("‹", go(Math.max(0, first - PAGE)), { "aria-label": "Rows before", disabled: first === 0 }),
    element("span", {}, `${count(first + 1)}–${count(Math.min(n, first + PAGE))}`),
    button("›", go(Math.min(last, first + PAGE)), { "aria-label": "Rows after", disabled: first >= last }),
  ];
}

// RFC 4180, in the order shown
export function csv({ fields, columns, order }) {
  const parts = [csvLine(fields.map((field) => field.name))];
  for (let start = 0; start < order.length; start += CSV_ROWS) {
    const lines = Array.from(order.subarray(start, start + CSV_ROWS), (i) =>
      csvLine(fields.map((field, j) => exact(columns[j][i], field.type))));
    parts.push(lines.join(""));
  }
  return parts;
}
