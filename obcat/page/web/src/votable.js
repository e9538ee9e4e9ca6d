// An answer as VOTable 1.4: columns of the catalog keep unit, UCD and description; it says where it comes from.
import { exact, typed } from "./values.js";

const DEPRECATED = { Angstrom: "0.1nm" }; // of VOUnits
const LETTERS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
// what no XML can hold is left out
const escaped = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"]/g, (letter) => LETTERS[letter]);
const attributes = (given) => Object.entries(given).map(([name, value]) => (value ? ` ${name}="${escaped(value)}"` : "")).join("");

export function votable({ fields, columns, order }, facts, known) {
  const about = new Map(known.map((column) => [column.name, column]));
  const types = fields.map(({ type }, j) => typed(type, columns[j]));
  const head = fields.map(({ name }, j) => {
    const { unit, ucd, description } = about.get(name) ?? {};
    const text = description ? `<DESCRIPTION>${escaped(description)}</DESCRIPTION>` : "";
    return `<FIELD${attributes({ ID: identifier(name, `col${j + 1}_`), name, ...types[j], unit: DEPRECATED[unit] ?? unit, ucd })}>${text}</FIELD>\n`;
  });
  const info = [["survey", facts.survey], ["SIMULATED", facts.warning], ...facts.provenance].filter(([, value]) => value);
  const parts = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n',
    '<INFO name="QUERY_STATUS" value="OK"/>\n', ...info.map(([name, value]) => `<INFO${attributes({ ID: identifier(name, "info_"), name, value })}/>\n`),
    `<TABLE name="result" nrows="${order.length}">\n`, facts.warning ? `<DESCRIPTION>${escaped(facts.warning)}</DESCRIPTION>\n` : "",
    ...head, "<DATA><TABLEDATA>\n",
  ];
  for (const i of order) parts.push(`<TR>${fields.map(({ type }, j) => `<TD>${cell(columns[j][i], type)}</TD>`).join("")}</TR>\n`);
  parts.push("</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n");
  return parts;
}

// where a name cannot be one: readers would make it of the name, and warn
const identifier = (name, place) => (/^[A-Za-z_][\w.-]*$/.test(name) ? undefined : `${place}${name.replace(/[^\w.-]/g, "_")}`);

function cell(value, type) {
  const text = exact(value, type);
  if (text === null) return "";
  return { Infinity: "+Inf", "-Infinity": "-Inf" }[text] ?? escaped(text);
}
