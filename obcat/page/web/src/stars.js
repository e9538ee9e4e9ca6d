// What the plots draw: one point a star, its best visit, as arrays; a value that is not known is NaN.
import { ask } from "./engine.js";
import { columnOf } from "./values.js";

const NUMBERS = {
  ra: "ra", dec: "dec", l: "galactic_l(ra, dec)", b: "galactic_b(ra, dec)",
  teff: "teff", j_ks: "j - ks", h_ks: "h - ks", mk: "mk", mk_geo: "mk_geo",
  x: "x", y: "y", z: "z", dis: "dis", dis_error: "(dis_high - dis_low) / 2 / nullif(dis, 0)",
  ebv: "ebv", snr_g: "snr_g", snr_dparallax: "snr_dparallax", halpha_ew: "halpha_ew", ruwe: "ruwe",
  binary_flag: "binary_flag", em_flag: "em_flag",
};

export const expression = (name) => NUMBERS[name];

export const KINDS = [
  { name: "other", label: "neither" },
  { name: "unknown", label: "not known" },
  { name: "binary", label: "binary" },
  { name: "emission", label: "emission lines" },
];
const [OTHER, UNKNOWN, BINARY, EMISSION] = KINDS.keys();

export async function readStars(con) {
  const columns = Object.entries(NUMBERS).map(([name, sql]) => `coalesce((${sql})::DOUBLE, 'nan') AS "${name}"`);
  const query = `SELECT specid, star_id, ${columns} FROM obcat.catalog.ob_stars WHERE uniqflag = 1 ORDER BY specid`;
  const table = await ask(con, query);
  const numbers = Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, table.getChild(name).toArray()]));
  const [specid, starId] = ["specid", "star_id"].map((name) => columnOf(table.getChild(name)));
  const kind = Uint8Array.from(specid, (_, i) => kindOf(numbers.em_flag[i], numbers.binary_flag[i]));
  return { ...numbers, specid, starId, kind, size: specid.length };
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
