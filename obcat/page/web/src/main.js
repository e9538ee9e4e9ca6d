// The page: the engine first, then plots, SQL and the panel of a star, which share one selection.
import { freeView } from "./free.js";
import { makePhotometry } from "./charts.js";
import { makeColouring, COLUMNS } from "./colouring.js";
import { button, byId, choice, count, element, plural, remember, remembered, say } from "./dom.js";
import { start } from "./engine.js";
import { startAbout } from "./about.js";
import { startAddress } from "./address.js";
import { startFind } from "./find.js";
import { described } from "./payload.js";
import { makePlot } from "./plot.js";
import { makeSelection } from "./selection.js";
import { makeSpectra } from "./spectrum.js";
import { startSql } from "./sql.js";
import { makePanel } from "./star.js";
import { readNames, readStars } from "./stars.js";
import { makeSummary } from "./summary.js";
import { colours, onTheme, startTheme } from "./theme.js";
import { views } from "./views.js";

const PATIENCE = 4000; // ms until the page says that its engine does not start
const TOOLS = [["box", "Box"], ["lasso", "Lasso"], ["pick", "Pick"]];

async function main() {
  startTheme();
  const facts = described();
  startAbout(facts);
  startSkips();
  const progress = (text) => {
    performance.mark(text);
    byId("loading-text").textContent = `${text} …`;
  };
  const engine = start(progress);
  const late = setTimeout(() => { byId("slow").hidden = false; }, PATIENCE);
  engine.finally(() => clearTimeout(late)).catch(() => {});
  const stars = await readStars(facts);
  const page = makePage(engine, facts, stars);
  const asked = engine.then((con) => startSql(con, facts, page));
  page.ask = (text) => asked.then(({ ask }) => ask(text));
  page.saveSelection = (form) => asked.then(({ saveSelection }) => saveSelection(form));
  startPlots(page, facts);
  byId("main").classList.remove("waiting");
  await painted();
  performance.mark("plots drawn");
  await asked;
  startFind(await engine, facts, page);
  byId("loading").remove();
  performance.mark("ready");
  document.documentElement.dataset.ready = Math.round(performance.now());
  say(byId("left-out")?.textContent ?? `Ready: ${count(facts.rows)} rows, ${count(stars.size)} stars`);
  await startAddress(facts, page);
}

// links for the keyboard, past the plots or to them
function startSkips() {
  document.querySelectorAll("a.skip").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    byId(link.hash.slice(1)).focus();
  }));
}

// a hidden tab paints nothing: then the timer is enough
const painted = () => new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 1000);
});

function makePage(engine, facts, stars) {
  const selection = makeSelection(stars.size);
  const panel = makePanel(engine, facts, makeSpectra(facts, stars), makePhotometry(facts, stars), (name) => places.get(name) ?? -1);
  let opened = -1;
  let current = null;
  let names = null;
  panel.closed = () => { current = null; page.moved?.(); };
  const places = new Map(stars.starId.map((name, i) => [name, i]));
  const page = {
    engine, stars, selection, plots: [], survey: facts.survey, facts, columns: [...facts.best, ...facts.columns],
    opened: () => opened,
    known: async () => { names ??= await readNames(await engine, stars); },
    starNamed: (name, text) => names?.[name]?.get(text) ?? -1,
    current: () => current,
    open: (star, from, visit) => page.openNamed(stars.starId[star], from, visit),
    async openNamed(star, from, visit) {
      const seen = await panel.open(star, from, visit).catch(stopped);
      if (!seen) return say(`No star ${star}`);
      [opened, current] = [places.get(star) ?? -1, { star, visit: seen }];
      page.plots.forEach((plot) => plot.overlay());
      return page.moved?.();
    },
    selectNamed(name, values) {
      const mask = new Uint8Array(stars.size);
      values.forEach((value) => {
        const star = page.starNamed(name, value === null ? null : String(value));
        if (star >= 0) mask[star] = 1;
      });
      selection.set(mask, "SQL");
      byId("plots").scrollIntoView({ block: "start" });
    },
    asTable(axes) {
      const of = axes.filter(({ sql, value }) => sql || facts.points.some(({ name }) => name === value)).map(({ value, sql: own }) => {
        const { sql } = own ? { sql: own } : facts.points.find(({ name }) => name === value);
        return own ?? sql === value ? value : `${sql} AS ${value}`;
      });
      page.ask(tableQuery(of, selection));
      byId("sql").scrollIntoView({ block: "start" });
    },
  };
  return page;
}

const tableQuery = (columns, selection) =>
  `SELECT specid, star_id, ${columns.join(", ")}\nFROM catalog.ob_stars\n` +
  `${selection.mask ? "SEMI JOIN selection USING (specid)\n" : ""}WHERE uniqflag = 1\nORDER BY specid`;

function startPlots(page, facts) {
  const { selection, stars } = page;
  const colouring = makeColouring(stars);
  let column = "kind";
  let tool = matchMedia("(pointer: coarse)").matches ? "pick" : remembered("tool") ?? "box";
  page.colouring = (ink) => colouring(column, ink);
  page.tool = () => tool;

  const host = byId("plots");
  const setTool = (chosen) => {
    tool = chosen;
    host.dataset.tool = chosen;
    remember("tool", chosen);
  };
  byId("tools").append(...TOOLS.map(([value, text]) => element("label", {}, element("input", {
    type: "radio", name: "tool", value, checked: value === tool, onchange: () => setTool(value),
  }), text)));
  setTool(tool);

  page.plots = [...views(facts.sun_x, stars), freeView(page.engine, facts, stars)].map((view) => makePlot(view, page));
  host.replaceChildren(...page.plots.map((plot) => plot.figure), makeSummary(page));
  const redraw = () => page.plots.forEach((plot) => plot.draw());
  const scale = element("span", { class: "scale", hidden: true });
  byId("colour").replaceChildren(choice("Colour of the points", COLUMNS, column, (value) => {
    column = value;
    showScale(scale, colouring(column, colours()).ends);
    redraw();
  }), scale);
  onTheme(redraw);
  const bar = selectionBar(page);
  selection.listen((_, live) => { redraw(); bar(live); });
  bar(true);
}

function showScale(scale, ends) {
  scale.hidden = !ends;
  if (ends) scale.replaceChildren(ends[0], element("i", { class: "ramp", "aria-hidden": "true" }), ends[1]);
}

const ROWS = "FROM catalog.ob_stars\nSEMI JOIN selection USING (star_id)\nORDER BY specid";

function selectionBar(page) {
  const { selection } = page;
  const text = element("output", { id: "selected" });
  const clear = button("Clear", () => selection.clear(), { id: "clear" });
  const invert = button("Invert", () => selection.set(selection.mask.map((on) => on ^ 1), "inverted"));
  const rows = button("Rows", () => page.ask(ROWS).then(() => byId("sql").scrollIntoView({ block: "start" })), {
    id: "rows", "aria-label": "All rows of the selected stars, by SQL",
  });
  const link = button("Link", () => copyLink(page), { id: "link", "aria-label": "Copy a link to this selection and star" });
  const file = choice("Save the selected stars, one row each", [["", "Save"], ["csv", "CSV"], ["fits", "FITS"], ["votable", "VOTable"]], "", async (form) => {
    file.value = "";
    if (form) say(`${plural(await page.saveSelection(form), "star")} saved`);
  });
  file.id = "save-selection";
  byId("selection").replaceChildren(text, clear, invert, rows, file, link);
  return (live) => {
    const { mask, count: n, size, source } = selection;
    text.textContent = mask ? `${count(n)} of ${count(size)} selected` : `${count(size)} stars, none selected`;
    text.title = source;
    for (const control of [clear, invert, rows, file]) control.disabled = !mask;
    if (!live) say(mask ? `${text.textContent} (${source})` : text.textContent);
  };
}

async function copyLink(page) {
  await page.moved?.();
  const rest = page.complete === false ? "; the selection is too large for a link, and is not in it" : "";
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  say(copied ? `Link copied${rest}` : `The address bar holds the link${rest}`);
}

function stopped(error) {
  const text = `The page stopped: ${error.message ?? error}`;
  byId("loading-text")?.replaceChildren(text);
  say(text);
  throw error;
}

main().catch(stopped);
