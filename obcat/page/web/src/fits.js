// An answer as a FITS binary table: columns of the catalog keep unit, UCD and description; it says where it comes from.
import { exact, typed } from "./values.js";

const BLOCK = 2880;
const CARD = 80;

// of each type of VOTable: code, bytes, the method of a DataView, the number that stands for NULL
const KINDS = {
  short: ["I", 2, "setInt16", -32768], int: ["J", 4, "setInt32", -2147483648], long: ["K", 8, "setBigInt64", -(2n ** 63n)],
  float: ["E", 4, "setFloat32", NaN], double: ["D", 8, "setFloat64", NaN],
};

// letters that are no ASCII are named, as obcat's own exports do
const ascii = (text) => text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

export function fits({ fields, columns, order }, facts, known) {
  const about = new Map(known.map((column) => [column.name, column]));
  const kinds = fields.map(({ type }, j) => kindOf(type, columns[j]));
  const width = kinds.reduce((sum, kind) => sum + kind.bytes, 0);
  const origin = [
    card("SIMULATD", facts.simulated ? "T" : "F"), text("SURVEY", facts.survey),
    ...facts.provenance.filter(([name]) => name === "fingerprint").flatMap(([, value]) => text("OBCATFP", value)),
    ...(facts.warning ? text("COMMENT", facts.warning) : []),
  ];
  const head = [
    text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", width), card("NAXIS2", order.length),
    card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", fields.length), text("EXTNAME", "RESULT"), text("LONGSTRN", "OGIP 1.0"), ...origin,
    ...fields.flatMap(({ name }, j) => described(j + 1, name, kinds[j], about.get(name) ?? {})),
  ];
  const first = [card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", "T"), ...origin];
  return [header(first), header(head), rows(kinds, columns, order, width)];
}

function described(n, name, { code, none }, { unit, ucd, description }) {
  return [
    text(`TTYPE${n}`, name), text(`TFORM${n}`, code), ...(typeof none === "undefined" || Number.isNaN(none) ? [] : [card(`TNULL${n}`, none)]),
    ...(unit ? [text(`TUNIT${n}`, unit)] : []), ...(ucd ? [text(`TUCD${n}`, ucd)] : []), ...(description ? [text(`TCOMM${n}`, description)] : []),
  ].flat();
}

function kindOf(type, values) {
  const { datatype } = typed(type, values);
  const [code, bytes, put, none] = KINDS[datatype] ?? [];
  if (code) return { code, bytes, none, write: (view, at, value) => view[put](at, number(value, type, none, bytes)) };
  if (datatype === "boolean") return { code: "L", bytes: 1, write: (view, at, value) => view.setUint8(at, value === null ? 0 : value ? 84 : 70) };
  const texts = (value) => ascii(exact(value, type) ?? "");
  const size = Math.max(1, ...sizes(values, texts));
  const write = (view, at, value) => [...texts(value)].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  return { code: `${size}A`, bytes: size, write };
}

// the longest, part by part: a call takes no more arguments than some ten thousand
function sizes(values, texts) {
  const found = [];
  for (let start = 0; start < values.length; start += 10_000) found.push(Math.max(...values.slice(start, start + 10_000).map((value) => texts(value).length)));
  return found;
}

function number(value, type, none, bytes) {
  if (value === null) return none;
  if (typeof none === "bigint") return BigInt(value);
  return typeof value === "number" ? value : Number(exact(value, type));
}

function rows(kinds, columns, order, width) {
  const size = width * order.length;
  const bytes = new Uint8Array(Math.ceil(size / BLOCK) * BLOCK);
  const view = new DataView(bytes.buffer);
  let start = 0;
  kinds.forEach((kind, j) => {
    order.forEach((i, row) => kind.write(view, row * width + start, columns[j][i], kind.bytes));
    start += kind.bytes;
  });
  return bytes;
}

const card = (key, value) => `${key.padEnd(8)}= ${String(value).padStart(20)}`.padEnd(CARD);

// a text goes on in CONTINUE cards, or in further COMMENT cards
function text(key, value) {
  const plain = ascii(String(value));
  if (key === "COMMENT") return [...plain.match(/.{1,70}/g)].map((part) => `COMMENT ${part}`.padEnd(CARD));
  const parts = (plain.match(plain.includes("'") ? /.{1,33}/g : /.{1,66}/g) ?? [""]).map((part) => part.replaceAll("'", "''"));
  return parts.map((part, i) => {
    const more = i < parts.length - 1 ? "&" : "";
    return `${i ? "CONTINUE  " : `${key.padEnd(8)}= `}'${`${part}${more}`.padEnd(i ? 0 : 8)}'`.padEnd(CARD);
  });
}

function header(cards) {
  const whole = [...cards.flat(), "END".padEnd(CARD)].join("");
  return whole.padEnd(Math.ceil(whole.length / BLOCK) * BLOCK);
}
