// Light, dark, or as the system has it; canvases are drawn again when it changes.
import { byId, remember, remembered } from "./dom.js";

const MODES = ["auto", "light", "dark"];
const listeners = [];

export const onTheme = (listener) => listeners.push(listener);

// colours of the style sheet, for canvases
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ink", "muted", "line", "panel", "accent", "other", "unknown", "binary", "emission", "dim", "sparse", "deep"];
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}

export function startTheme() {
  const control = byId("theme");
  put(control, MODES.includes(remembered("theme")) ? remembered("theme") : "auto");
  control.addEventListener("click", () => {
    const next = MODES[(MODES.indexOf(control.dataset.mode) + 1) % MODES.length];
    put(control, next);
    remember("theme", next);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
}

function put(control, mode) {
  control.dataset.mode = mode;
  control.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[mode];
  control.setAttribute("aria-label", `Colours: ${mode}; change`);
  if (mode === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = mode;
  tell();
}

const tell = () => listeners.forEach((listener) => listener());
