// What the page is, where its numbers come from, and whose code is in it.
import { byId, element } from "./dom.js";
import { unpacked } from "./payload.js";

export function startAbout(facts) {
  const dialog = byId("about");
  byId("about-open").addEventListener("click", async () => {
    fill(facts);
    dialog.showModal();
    if (!byId("licences").textContent) byId("licences").textContent = new TextDecoder().decode(await unpacked("licence-texts"));
  });
  byId("about-close").addEventListener("click", () => dialog.close());
}

function fill(facts) {
  const lines = [
    ...facts.provenance.map(([name, value]) => [name, value]),
    ["rows of catalog.ob_stars", String(facts.rows)],
    ["spectra in the page", `${facts.spectra.specids.length}; ${facts.spectra.rule}`],
  ];
  byId("provenance").replaceChildren(...lines.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value ?? ""))));
}
