// What the plots draw: one point a star, its best visit, as arrays; a value that is not known is NaN.
import { ask } from "./engine.js";
import { unpacked } from "./payload.js";
import { columnOf } from "./values.js";

export const KINDS = [
  { name: "other", label: "neither" },
  { name: "unknown", label: "not known" },
  { name: "binary", label: "binary" },
  { name: "emission", label: "emission lines" },
];
const [OTHER, UNKNOWN, BINARY, EMISSION] = KINDS.keys();

// the numbers come byte by byte: the lowest of each, then the next
export async function readStars(facts) {
  const [bytes, names] = [await unpacked("points"), JSON.parse(new TextDecoder().decode(await unpacked("names")))];
  const size = names.specid.length;
  const all = numbers(bytes, facts.points.length * size);
  const columns = Object.fromEntries(facts.points.map(({ name }, i) => [name, all.subarray(i * size, (i + 1) * size)]));
  const kind = Uint8Array.from(names.specid, (_, i) => kindOf(columns.em_flag[i], columns.binary_flag[i]));
  return { ...columns, specid: names.specid, starId: names.star_id, kind, size };
}

function numbers(bytes, count) {
  const words = new Uint8Array(4 * count);
  for (let i = 0; i < count; i++) for (let byte = 0; byte < 4; byte++) words[4 * i + byte] = bytes[byte * count + i];
  return new Float32Array(words.buffer);
}

function kindOf(emission, binary) {
  if (emission === 1) return EMISSION;
  if (binary === 1) return BINARY;
  return Number.isNaN(emission) || Number.isNaN(binary) ? UNKNOWN : OTHER;
}

// place of the star among the stars, by anything that names it or one of its visits
export async function readNames(con, stars) {
  const table = await ask(con, "SELECT specid, star_id, gaia_id::VARCHAR AS gaia_id FROM obcat.catalog.ob_stars");
  const place = new Map(stars.starId.map((name, i) => [name, i]));
  const names = { specid: new Map(), star_id: place, gaia_id: new Map() };
  const [specid, starId, gaia] = ["specid", "star_id", "gaia_id"].map((name) => columnOf(table.getChild(name)));
  for (let i = 0; i < table.numRows; i++) {
    const star = place.get(starId[i]);
    if (star === undefined) continue;
    names.specid.set(specid[i], star);
    if (gaia[i]) names.gaia_id.set(gaia[i], star);
  }
  return names;
}
