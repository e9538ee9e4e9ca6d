// Elements are made here and nowhere else; what comes from the data enters as text, never as markup.
export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", ...attributes, onclick }, text);

// a choice among [value, text]
export function choice(label, options, chosen, onchange) {
  const items = options.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
  const select = element("select", { "aria-label": label, onchange: () => onchange(select.value) }, ...items);
  return select;
}

// said to screen readers, and seen in the line below the bar
export function say(text) {
  byId("message").textContent = text;
}

export const count = (n) => n.toLocaleString("en-GB");

export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

export function save(name, type, parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// the file's own settings: a browser may refuse them to a page from disk
export function remembered(name) {
  try {
    return localStorage.getItem(`obcat.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`obcat.${name}`, value);
  } catch {
    // not kept, then
  }
}
