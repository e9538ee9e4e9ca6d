// DuckDB's engine exports 75,000 symbols for extensions to link with. The page loads no extension; without those that
// its own glue does not ask for, the engine starts in half the time and is a megabyte smaller.
const IMPORTS = 2;
const EXPORTS = 7;

export function withoutExports(wasm, glue) {
  const reader = { wasm, at: 8 };
  const out = [wasm.subarray(0, 8)];
  const asked = new Set(glue.match(/[\w$]+/g));
  while (reader.at < wasm.length) {
    const start = reader.at;
    const id = wasm[reader.at++];
    const end = number(reader) + reader.at;
    if (id === IMPORTS) for (const name of globalOffsets(reader)) asked.add(name);
    out.push(...(id === EXPORTS ? section(id, kept(reader, asked)) : [wasm.subarray(start, end)]));
    reader.at = end;
  }
  return Buffer.concat(out);
}

// addresses that the engine imports from itself: its loader looks them up among the exports
function globalOffsets(reader) {
  return Array.from({ length: number(reader) }, () => {
    const module = text(reader);
    const name = text(reader);
    skipType(reader);
    return module.startsWith("GOT.") ? name : null;
  }).filter(Boolean);
}

function skipType(reader) {
  const kind = reader.wasm[reader.at++];
  if (kind === 0) number(reader); // function: its type
  else if (kind === 3) reader.at += 2; // global: type, mutable
  else if (kind === 4) (reader.at += 1), number(reader); // tag
  else {
    if (kind === 1) reader.at += 1; // table: type of its elements, then limits as of a memory
    const flags = number(reader);
    number(reader);
    if (flags & 1) number(reader);
  }
}

function kept(reader, asked) {
  return Array.from({ length: number(reader) }, () => {
    const start = reader.at;
    const name = text(reader);
    reader.at += 1;
    number(reader);
    return asked.has(name) ? reader.wasm.subarray(start, reader.at) : null;
  }).filter(Boolean);
}

function section(id, items) {
  const body = Buffer.concat([encoded(items.length), ...items]);
  return [Buffer.from([id]), encoded(body.length), body];
}

function text(reader) {
  const length = number(reader);
  reader.at += length;
  return reader.wasm.toString("utf8", reader.at - length, reader.at);
}

// LEB128
function number(reader) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.wasm[reader.at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}

function encoded(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
