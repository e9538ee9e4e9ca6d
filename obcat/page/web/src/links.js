// Where else to look at a star: plain links, which nothing follows by itself.
import { element } from "./dom.js";

const RADIUS = 10; // arcsec
const NEAR = { target: "_blank", rel: "noopener noreferrer" };

export function links(facts, { ra, dec, gaia_id: gaia, gaia_name: name, obsid }) {
  const place = `${ra.text} ${dec.value < 0 ? "" : "+"}${dec.text}`;
  const listed = [
    ["SIMBAD", "https://simbad.cds.unistra.fr/simbad/sim-coo", { Coord: place, CooFrame: "ICRS", Radius: RADIUS, "Radius.unit": "arcsec" }],
    ["Aladin Lite", "https://aladin.cds.unistra.fr/AladinLite/", { target: place, fov: "0.05" }],
    ["VizieR", "https://vizier.cds.unistra.fr/viz-bin/VizieR-4", { "-c": place, "-c.rs": RADIUS, "-sort": "_r" }],
    gaia.text && ["Gaia archive", "https://gea.esac.esa.int/tap-server/tap/sync", {
      REQUEST: "doQuery", LANG: "ADQL", FORMAT: "csv", QUERY: gaiaQuery(name?.text ?? "", gaia.text),
    }],
    obsid?.text && ["LAMOST", `https://dr${release(facts)}.lamost.org/spectrum/view`, { obsid: obsid.text }],
  ].filter(Boolean);
  const items = listed.map(([text, address, query]) => element("li", {}, element("a", { ...NEAR, href: `${address}?${new URLSearchParams(query)}` }, text)));
  const warning = facts.warning ? element("p", { class: "caption" }, `${facts.warning}. Its identifiers are nobody's; the links show what is really there.`) : null;
  return element("nav", { "aria-label": "Elsewhere" }, element("ul", { class: "links" }, ...items), warning);
}

const gaiaQuery = (name, id) => `SELECT * FROM gaiadr${/DR(\d)/.exec(name)?.[1] ?? 2}.gaia_source WHERE source_id = ${id}`;
const release = (facts) => /\d+/.exec(new Map(facts.provenance).get("release") ?? "")?.[0] ?? 5;
