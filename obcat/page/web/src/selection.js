// One selection for all plots: which of the stars, by their place among the stars; null is no selection.
const HOW = {
  new: (_, added) => added,
  add: (old, added) => added.map((on, i) => on | old[i]),
  less: (old, added) => added.map((on, i) => old[i] & (on ^ 1)),
};

export function makeSelection(size) {
  const listeners = [];
  const selection = { mask: null, count: 0, source: "", size, version: 0 };
  const tell = (live) => listeners.forEach((listener) => listener(selection, live));
  const put = (mask, source, live) => {
    const n = mask ? mask.reduce((sum, on) => sum + on, 0) : 0;
    Object.assign(selection, { mask, count: n, source, version: selection.version + 1 });
    tell(live);
  };
  selection.listen = (listener) => listeners.push(listener);
  selection.clear = () => put(null, "", false);
  // `mask` is joined to `old` as `how` says; `live` while a drag goes on
  selection.set = (mask, source, { how = "new", old = selection.mask, live = false } = {}) =>
    put(HOW[how](old ?? new Uint8Array(size), mask), source, live);
  selection.rows = () => (selection.mask ? Array.from(selection.mask.keys()).filter((i) => selection.mask[i]) : []);
  return selection;
}
