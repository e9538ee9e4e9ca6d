// The sixth field: the kinds of stars as buttons that select, and medians of the selected stars beside those of all.
import { quantileSorted } from "d3-array";
import { button, count, element } from "./dom.js";
import { KINDS } from "./stars.js";
import { short } from "./values.js";

const MEDIANS = [
  ["mk", "M_Ks, spectrum", "mag"], ["mk_geo", "M_Ks, parallax", "mag"], ["teff", "Teff", "K"], ["dis", "Distance", "kpc"],
  ["dis_error", "Relative error of it", ""], ["ebv", "E(B−V)", "mag"], ["snr_g", "S/N in g", ""],
];

export function makeSummary(page) {
  const { stars, selection } = page;
  const sizes = KINDS.map((_, kind) => stars.kind.reduce((n, k) => n + (k === kind), 0));
  const chips = KINDS.map(({ name, label }, kind) => button("", (event) => select(page, kind, event), {
    class: "chip", "data-kind": name, "aria-label": `Select ${label}, ${count(sizes[kind])} stars`,
  }));
  chips.forEach((chip, kind) => chip.append(element("i", { class: `mark ${KINDS[kind].name}`, "aria-hidden": "true" }), `${KINDS[kind].label} ${count(sizes[kind])}`));
  const body = element("tbody");
  const all = MEDIANS.map(([name]) => median(stars[name]));
  const update = () => body.replaceChildren(...lines(stars, selection, all));
  selection.listen((_, live) => live || update());
  update();
  const head = element("tr", {}, ...["Median", "selected", "all"].map((text) => element("th", { scope: "col" }, text)));
  return element("section", { class: "plot summary", "aria-labelledby": "title-summary" },
    element("header", {}, element("h3", { id: "title-summary" }, "Kinds and medians")),
    element("div", { class: "chips", role: "group", "aria-label": "Select a kind of stars" }, ...chips.reverse()),
    element("div", { class: "scroll" }, element("table", { class: "medians" }, element("thead", {}, head), body)),
    element("p", { class: "caption" }, "One point is one star, at its best visit (uniqflag = 1)."));
}

function select({ stars, selection }, kind, event) {
  const how = event.shiftKey ? "add" : event.altKey ? "less" : "new";
  selection.set(Uint8Array.from(stars.kind, (k) => k === kind), KINDS[kind].label, { how });
}

function lines(stars, selection, all) {
  const fraction = (value) => (n, of) => (of ? `${((100 * n) / of).toFixed(1)} ${value}` : "–");
  const counted = ["binary_flag", "em_flag"].map((name) => {
    const share = (use) => {
      let [n, of] = [0, 0];
      stars[name].forEach((v, i) => { if (use(i) && v === v) { of += 1; n += v; } });
      return fraction("%")(n, of);
    };
    return [name === "em_flag" ? "Emission lines" : "Binaries", selection.mask ? share((i) => selection.mask[i]) : "–", share(() => true)];
  });
  const medians = MEDIANS.map(([name, label, unit], i) => {
    const chosen = selection.mask ? median(stars[name].filter((_, k) => selection.mask[k])) : NaN;
    return [label, ...[chosen, all[i]].map((v) => (Number.isNaN(v) ? "–" : `${short(Number(v.toPrecision(3)))} ${unit}`))];
  });
  const number = selection.mask ? count(selection.count) : "none";
  return [["Stars", number, count(stars.size)], ...counted, ...medians].map(([label, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, label), ...cells.map((text) => element("td", {}, text))));
}

function median(values) {
  const good = values.filter((v) => v === v).sort();
  return good.length ? quantileSorted(good, 0.5) : NaN;
}
