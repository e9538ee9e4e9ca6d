// The box that finds a star: by a name or identifier of the catalog, or by a position; asked as the terminal asks.
import { byId, plural, say } from "./dom.js";
import { literal } from "./engine.js";
import { positionOf } from "./places.js";

const RADIUS = 10; // arcsec: a position typed from a paper has few digits
const LIKE = 0.8; // of 1: a name less like the one given is no help

export function startFind(con, facts, page) {
  const [form, box, button] = ["find", "find-text", "find-go"].map(byId);
  const ask = async (query, values) => {
    const text = facts.find[query].replace(/\$(\w+)/g, (_, name) => values[name]);
    return (await con.query(text)).toArray().map((row) => Object.values(row.toJSON()));
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value.trim().replace(/\s+/g, " ");
    if (!text) return;
    try {
      tell(await found(ask, text, page, box));
    } catch (error) {
      tell(String(error.message ?? error).split("\n")[0]);
    }
  });
  [box.disabled, button.disabled] = [false, false];
}

// what there is to say of a search; the star it finds is opened
async function found(ask, text, page, box) {
  const names = await ask("by_catalog", { name: literal(text) });
  if (names.length > 1) {
    page.selectNamed("star_id", names.map(([star]) => star));
    return `${plural(names.length, "star")} of that name, selected`;
  }
  if (names.length) return opened(page, names[0][0], box, text);
  const place = positionOf(text);
  if (!place) return `No star ${text}${await likeliest(ask, text)}`;
  const [ra, dec] = place;
  const [[star, arcsec] = []] = await ask("by_position", { ra: `${ra}::DOUBLE`, dec: `${dec}::DOUBLE` });
  if (arcsec <= RADIUS) return `${await opened(page, star, box)}, ${arcsec.toFixed(2)} arcsec away`;
  const nearest = star === undefined ? "" : `; the nearest, ${star}, is ${far(arcsec)} away`;
  return `No star within ${RADIUS} arcsec of ${ra.toFixed(6)} ${dec.toFixed(6)}${nearest}`;
}

async function opened(page, star, box, visit) {
  await page.openNamed(star, box, visit);
  return `Found ${star}`;
}

async function likeliest(ask, text) {
  const [[name, likeness] = []] = await ask("nearest_name", { name: literal(text) });
  if (likeness >= LIKE) return `; did you mean ${name}?`;
  return ": give a specid, star_id, Gaia id, file name or position; the page knows no names of targets";
}

const far = (arcsec) => (arcsec < 3600 ? `${arcsec.toFixed(1)} arcsec` : `${(arcsec / 3600).toFixed(1)}°`);

function tell(text) {
  byId("found").textContent = text;
  say(text);
}
