// The SQL box: one query, the cookbook, the columns; what DuckDB says of a fault is shown as text.
import { button, byId, element, plural, say } from "./dom.js";
import { run, tellSelection } from "./engine.js";
import { keptOf, saveAs, showResult } from "./result.js";

const MOST = 200_000; // rows kept of an answer
const SELECTED = "FROM obcat.catalog.ob_stars SEMI JOIN selection USING (specid) ORDER BY specid";
const COUNTED = 5_000_000; // rows counted of an answer

export function startSql(con, facts, page) {
  const box = byId("query");
  const go = byId("run");
  const stop = byId("stop");
  const state = { running: false, told: 0, stopped: false };

  const tell = async () => {
    if (state.told === page.selection.version) return;
    await tellSelection(con, page.selection.rows().map((i) => [page.stars.specid[i], page.stars.starId[i]]));
    state.told = page.selection.version;
  };
  const saveSelection = async (form) => {
    await tell();
    const found = await answer(con, SELECTED, { stopped: false });
    return saveAs(form, `${page.survey}_selection`, keptOf(found), page);
  };
  const ask = async (text = box.value) => {
    if (state.running || !text.trim()) return;
    Object.assign(state, { running: true, stopped: false });
    [go.disabled, stop.hidden] = [true, false];
    say("Running");
    try {
      await tell();
      const found = await answer(con, text, state);
      await page.known();
      showResult(byId("result"), found, page);
      say(`${found.cut ? "More than " : ""}${plural(found.total, "row")} in ${found.seconds.toFixed(2)} s${state.stopped ? "; stopped" : ""}`);
    } catch (error) {
      failed(error);
    } finally {
      state.running = false;
      [go.disabled, stop.hidden] = [false, true];
    }
  };

  go.addEventListener("click", () => ask());
  stop.addEventListener("click", () => {
    state.stopped = true;
    con.cancelSent();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  fillCookbook(facts.recipes, (text) => { box.value = text; ask(); });
  fillColumns(facts.columns, box);
  [go.disabled, box.disabled] = [false, false];
  return { saveSelection, ask: (text) => { box.value = text; return ask(text); } };
}

async function answer(con, text, state) {
  const started = performance.now();
  const batches = [];
  let [total, kept] = [0, 0];
  const schema = await run(con, text, (batch) => {
    total += batch.numRows;
    if (kept < MOST) batches.push(batch);
    kept = Math.min(total, MOST);
    return !state.stopped && total < COUNTED;
  });
  const cut = state.stopped || total >= COUNTED;
  return { schema, batches, total, cut, seconds: (performance.now() - started) / 1000 };
}

function failed(error) {
  const text = String(error.message ?? error);
  byId("result").replaceChildren(element("pre", { class: "error", role: "alert" }, text));
  say(`The query failed: ${text.split("\n")[0]}`);
}

function fillCookbook(recipes, put) {
  const menu = byId("cookbook");
  const options = recipes.map(({ name, title }) => element("option", { value: name }, title));
  menu.append(...options);
  menu.addEventListener("change", () => {
    const recipe = recipes.find(({ name }) => name === menu.value);
    if (recipe) put(recipe.sql);
  });
  menu.disabled = false;
}

function fillColumns(columns, box) {
  const insert = (name) => {
    box.setRangeText(name, box.selectionStart, box.selectionEnd, "end");
    box.focus();
  };
  const lines = columns.map(({ name, unit, description }) => element("li", { "data-text": `${name} ${description}`.toLowerCase() },
    button(name, () => insert(name), { class: "link" }), unit ? element("span", { class: "unit" }, ` ${unit}`) : null,
    element("span", { class: "muted" }, ` ${description}`)));
  byId("columns").replaceChildren(...lines);
  byId("column-filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    lines.forEach((line) => { line.hidden = !line.dataset.text.includes(wanted); });
  });
}
