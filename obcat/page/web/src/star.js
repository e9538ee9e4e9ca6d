// The panel of a star: names, flags explained, spectrum, every value of the chosen visit with unit and description.
import { byId, button, element, say } from "./dom.js";
import { ask } from "./engine.js";
import { links } from "./links.js";
import { dms, hms } from "./places.js";
import { drawDistance, drawPhotometry } from "./charts.js";
import { drawSpectrum } from "./spectrum.js";
import { exact, isFloat, printed } from "./values.js";

const query = (table) => `SELECT * FROM obcat.catalog.${table} WHERE star_id = ? ORDER BY uniqflag`;
const FLAGS = ["em_flag", "binary_flag", "erroneous", "simulated"];

export function makePanel(engine, facts, spectra, photometry, placeOf) {
  const panel = byId("star");
  const body = byId("star-body");
  let back = null;
  const close = () => {
    panel.hidden = true;
    back?.focus({ preventScroll: true });
    shown.closed();
  };
  byId("star-close").addEventListener("click", close);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  const shown = {
    close,
    closed: () => {},
    // specid of the visit that is shown, or nothing where there is no such star; `visit` is a specid: that one instead of the best
    async open(starId, from, visit) {
      const rows = rowsOf(await ask(await engine, query("ob_stars"), starId));
      if (!rows.length) return undefined;
      const best = facts.best.length ? rowsOf(await ask(await engine, query("ob_stars_best"), starId)) : [];
      back = from;
      byId("star-title").textContent = starId;
      const drawn = async (chosen) => [await drawSpectrum(spectra, rows[0].specid.text, chosen.specid.text),
        drawDistance(chosen, best.find((r) => r.specid.text === chosen.specid.text)), await drawPhotometry(photometry, chosen, placeOf(starId))];
      const show = async (chosen) => body.replaceChildren(...contents(facts, await drawn(chosen), rows, best, chosen, show));
      const chosen = rows.find((r) => r.specid.text === visit) ?? rows[0];
      await show(chosen);
      panel.hidden = false;
      panel.scrollTop = 0;
      byId("star-title").focus({ preventScroll: true });
      say(`Star ${starId} opened`);
      return chosen === rows[0] ? "best" : chosen.specid.text;
    },
  };
  return shown;
}

const rowsOf = (table) => Array.from({ length: table.numRows }, (_, i) => row(table, i));

function row(table, i) {
  return Object.fromEntries(table.schema.fields.map((field, j) => {
    const value = table.getChildAt(j).get(i);
    return [field.name, { value, text: exact(value, field.type), float: isFloat(field.type) }];
  }));
}

function contents(facts, drawings, rows, best, chosen, show) {
  const other = best.find((r) => r.specid.text === chosen.specid.text);
  return [
    visits(rows, chosen, show),
    element("p", { class: "names" }, [chosen.gaia_name?.text, place(chosen)].filter(Boolean).join(" · ")),
    keys(facts, chosen, other),
    links(facts, chosen),
    flags(facts, chosen),
    ...drawings,
    values(facts.columns, chosen, "Values"),
    ...(other ? [values(facts.best, other, "Values in best mode")] : []),
  ];
}

function visits(rows, chosen, show) {
  const choose = (r) => button(`Visit ${r.uniqflag.text}`, () => show(r), {
    "aria-pressed": String(r === chosen), title: r.specid.text, "aria-label": `Visit ${r.uniqflag.text}, ${r.specid.text}`,
  });
  return element("div", { class: "visits", role: "group", "aria-label": "Visits, the best one first" }, ...rows.map(choose));
}

const place = ({ ra, dec }) => `${hms(ra.value)} ${dms(dec.value)} · RA ${ra.value.toFixed(5)}°, Dec ${dec.value.toFixed(5)}°`;

const KEYS = [["mk", "M_Ks from the spectrum"], ["dis", "Distance"], ["ebv", "E(B−V)"]];

// what a star is looked up for, above everything else
function keys(facts, chosen, best) {
  const columns = new Map(facts.columns.map((column) => [column.name, column]));
  const value = (row, name) => {
    const of = (key) => number(row[key], columns.get(key));
    if (of(name) === null) return "not known";
    const spread = name === "dis" ? ` (${of("dis_low") ?? "?"} to ${of("dis_high") ?? "?"})` : ` ± ${of(`${name}_err`) ?? "?"}`;
    return `${of(name)}${spread} ${columns.get(name).unit}`;
  };
  return element("dl", { class: "keys" }, ...KEYS.map(([name, label]) => element("div", {},
    element("dt", {}, label), element("dd", {}, value(chosen, name)),
    best ? element("dd", { class: "muted" }, `best mode ${value(best, name)}`) : null)));
}

function flags(facts, chosen) {
  const quality = chosen.quality.value;
  const bits = facts.bits.filter(({ bit }) => quality & bit);
  const words = { em_flag: ["no emission lines", "emission lines"], binary_flag: ["not a binary by its parallax", "binary"],
    erroneous: [null, "erroneous spectrum"], simulated: [null, "simulated"] };
  const badges = FLAGS.map((name) => {
    const { value } = chosen[name];
    const text = value === null ? (words[name][0] ? `${name} not known` : null) : words[name][value];
    return text && element("li", { class: `badge ${name}${value === null ? "" : value}` }, text);
  });
  const meanings = bits.map(({ name, meaning, bit }) => element("li", {}, element("code", {}, name), ` (${bit}) ${meaning}`));
  return element("div", {}, element("ul", { class: "badges", "aria-label": "Flags" }, ...badges),
    element("h3", {}, `Quality ${quality}`), meanings.length ? element("ul", { class: "bits" }, ...meanings) : element("p", {}, "No quality bit is set."));
}

// errors stand with their values
function values(columns, chosen, caption) {
  const errors = new Map(columns.flatMap(({ name }) => {
    const of = name.replace(/_err(or)?$/, "");
    return of !== name && chosen[of] ? [[of, name]] : [];
  }));
  const hidden = new Set(errors.values());
  const lines = columns.filter(({ name }) => !hidden.has(name)).map((column) => {
    const error = errors.get(column.name);
    const text = number(chosen[column.name], column);
    const full = text === null ? "not known" : error ? `${text} ± ${number(chosen[error], column) ?? "?"}` : text;
    return element("tr", {}, element("th", { scope: "row" }, element("code", {}, column.name)),
      element("td", { class: text === null ? "null" : "value" }, full, text !== null && column.unit ? element("span", { class: "unit" }, ` ${column.unit}`) : null),
      element("td", { class: "muted" }, column.description));
  });
  return element("table", { class: "values" }, element("caption", {}, caption),
    element("thead", { class: "unseen" }, element("tr", {}, ...["Column", "Value", "Description"].map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...lines));
}

const number = ({ value, text, float }, { decimals, exponent }) => (float ? printed(value, decimals, exponent) : null) ?? text;
