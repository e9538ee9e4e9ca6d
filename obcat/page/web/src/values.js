// Values of Arrow columns as text: exact for a file, short for the eye.
import { Vector } from "apache-arrow";

const DECIMAL = 7;
const DATE = 8;
const TIMESTAMP = 10;
const FLOAT = 3;
const INTEGER = 2;
const BOOLEAN = 6;
const TIME = 9;
const INTERVAL = 11;
const MAP = 17;
const TEXT = 5;

export const isNumber = (type) => [INTEGER, FLOAT, DECIMAL].includes(type.typeId);
export const isFloat = (type) => type.typeId === FLOAT;

// a column as an array, null where it has no value
export const columnOf = (vector) => (vector.type.typeId === TEXT ? texts(vector) : Array.from(vector));

// decoded at once where it is plain ASCII, for a call of the decoder costs more than a text
function texts(vector) {
  return vector.data.flatMap((data) => {
    const { length, valueOffsets: at, values, nullCount } = data;
    const bytes = values.subarray(at[0], at[length]);
    const whole = new TextDecoder().decode(bytes);
    if (nullCount || whole.length !== bytes.length) return Array.from(new Vector([data]));
    return Array.from({ length }, (_, i) => whole.slice(at[i] - at[0], at[i + 1] - at[0]));
  });
}

// null, or what the value is, with every digit: whole numbers of any size, the shortest decimals that give a double back
export function exact(value, type) {
  if (value === null || value === undefined) return null;
  if (type.typeId === DECIMAL) return decimal(value, type.scale);
  if (type.typeId === DATE) return new Date(Number(value)).toISOString().slice(0, 10);
  if (type.typeId === TIMESTAMP) return new Date(Number(value)).toISOString().replace("T", " ").replace("Z", "");
  if (type.typeId === TIME) return clock(BigInt(value));
  if (type.typeId === INTERVAL) return "cast an INTERVAL to VARCHAR to see it"; // Arrow for JavaScript cannot read it
  if (type.typeId === MAP) return map(value, type);
  return plain(value, type);
}

export function shown(value, type) {
  if (type.typeId === FLOAT && typeof value === "number" && Number.isFinite(value)) return short(value);
  return exact(value, type);
}

// a number in the display format of its column, or null where it has none
export function printed(value, decimals, exponent = false) {
  if (value === null || !Number.isFinite(value) || (decimals ?? null) === null) return null;
  return exponent ? value.toExponential(decimals) : value.toFixed(decimals);
}

// how a VOTable declares a column; what is neither number nor truth is text
export function typed(type, values) {
  if (type.typeId === INTEGER) return { datatype: type.bitWidth > 32 || (type.bitWidth === 32 && !type.isSigned) ? "long" : type.bitWidth === 32 ? "int" : "short" };
  if (type.typeId === FLOAT) return { datatype: type.precision === 2 ? "double" : "float" };
  if (type.typeId === DECIMAL) return { datatype: "double" };
  if (type.typeId === BOOLEAN) return { datatype: "boolean" };
  const plainText = values.every((value) => /^[\x00-\x7f]*$/.test(exact(value, type) ?? ""));
  return { datatype: plainText ? "char" : "unicodeChar", arraysize: "*" };
}

// seven digits, as many as `obcat sql` shows
export function short(value) {
  const text = value.toPrecision(7);
  return text.includes("e") ? String(Number(text)) : text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function plain(value, type) {
  if (value instanceof Uint8Array) return [...value].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (typeof value !== "object") return String(value);
  const [first] = type.children ?? [];
  if (typeof value.toJSON === "function" && first) return nested(value, type);
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item));
}

// microseconds of a day
function clock(time) {
  const two = (n) => String(n).padStart(2, "0");
  const seconds = time / 1_000_000n;
  const rest = String(time % 1_000_000n).padStart(6, "0").replace(/0+$/, "");
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${rest && `.${rest}`}`;
}

function map(value, type) {
  const [key, item] = type.children[0].type.children.map((field) => field.type);
  return `{${[...value].map(([k, v]) => `${exact(k, key)}=${exact(v, item) ?? "NULL"}`).join(", ")}}`;
}

function nested(value, type) {
  const list = type.children.length === 1 && typeof value.get === "function";
  if (list) return `[${[...value].map((item) => exact(item, type.children[0].type) ?? "NULL").join(", ")}]`;
  const fields = type.children.map((field) => `${field.name}: ${exact(value[field.name], field.type) ?? "NULL"}`);
  return `{${fields.join(", ")}}`;
}

// a decimal comes as 32-bit words of a two's complement, the lowest first
export function decimal(words, scale) {
  let whole = 0n;
  for (let i = words.length - 1; i >= 0; i--) whole = (whole << 32n) | BigInt(words[i] >>> 0);
  const digits = BigInt.asIntN(32 * words.length, whole);
  if (!scale) return String(digits);
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
  return `${digits < 0n ? "-" : ""}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

// a line of CSV as RFC 4180 has it
export const csvLine = (fields) => `${fields.map(csvField).join(",")}\r\n`;

function csvField(text) {
  if (text === null) return "";
  return /[",\r\n]/.test(text) || text === "" ? `"${text.replaceAll('"', '""')}"` : text;
}

// comparison for sorting: empty values last, numbers by size, the rest by text
export function compared(a, b, type) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (type.typeId === DECIMAL) return Number(decimal(a, type.scale)) - Number(decimal(b, type.scale));
  if (isNumber(type) || [DATE, TIMESTAMP].includes(type.typeId)) return a < b ? -1 : a > b ? 1 : Number.isNaN(a) - Number.isNaN(b);
  const [x, y] = [exact(a, type), exact(b, type)];
  return x < y ? -1 : x > y ? 1 : 0;
}
