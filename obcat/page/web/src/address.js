// The address of what is seen: the star in the panel, and the selection, after the # of the page's own.
import { say } from "./dom.js";

const LONGEST = 6000; // characters of a selection: mail and chat cut what is much longer
const OF = 12; // digits of the fingerprint: the selection is places in the order of one state of the catalog

export function startAddress(facts, page) {
  const { selection } = page;
  const fingerprint = (new Map(facts.provenance).get("fingerprint") ?? "").slice(0, OF);
  let turn = 0;
  const write = async () => {
    const mine = ++turn;
    const { star, visit } = page.current() ?? {};
    const code = selection.mask ? await packed(selection.rows()) : "";
    if (mine !== turn) return;
    const parts = { star, visit, ...(code && code.length <= LONGEST ? { selected: code, by: selection.source, of: fingerprint } : {}) };
    const text = new URLSearchParams(Object.entries(parts).filter(([, value]) => value)).toString();
    put(text && `#${text}`);
    page.complete = !code || code.length <= LONGEST;
  };
  const read = async () => {
    turn++;
    const asked = new URLSearchParams(location.hash.slice(1));
    const code = asked.get("selected");
    let note = null;
    if (code && asked.get("of") !== fingerprint) note = "The selection of this link is of another state of the catalog, and is left out";
    else if (code && !(await select(code, asked.get("by") ?? "link", selection))) note = "The selection of this link is damaged, and is left out";
    if (asked.get("star")) await page.openNamed(asked.get("star"), null, asked.get("visit") ?? undefined);
    if (note) say(note);
  };
  selection.listen((_, live) => live || write());
  page.moved = write;
  addEventListener("hashchange", read);
  return read();
}

// whether it was one: the text of a link is somebody else's
async function select(code, source, selection) {
  const mask = new Uint8Array(selection.size);
  try {
    for (const place of await unpackedPlaces(code)) mask[place] = 1;
  } catch {
    return false;
  }
  selection.set(mask, source.slice(0, 80));
  return true;
}

function put(hash) {
  if (hash === location.hash) return;
  history.replaceState(null, "", hash || location.href.replace(/#.*/, ""));
}

// gaps between the places, seven bits a byte, deflated, in the letters of an address
async function packed(places) {
  const bytes = [];
  let last = -1;
  for (const place of places) {
    let gap = place - last - 1;
    for (; gap > 127; gap >>>= 7) bytes.push((gap & 127) | 128);
    bytes.push(gap);
    last = place;
  }
  const text = Array.from(await through(new CompressionStream("deflate-raw"), Uint8Array.from(bytes)), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpackedPlaces(code) {
  const text = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = await through(new DecompressionStream("deflate-raw"), Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  const places = [];
  let [place, gap, shift] = [-1, 0, 0];
  for (const byte of bytes) {
    gap += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte > 127) continue;
    place += gap + 1;
    places.push(place);
    [gap, shift] = [0, 0];
  }
  return places;
}

const through = async (stream, bytes) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
