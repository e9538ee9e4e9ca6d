// What a plot draws on a canvas, as SVG: the same calls, written down as elements.
const ANCHOR = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
const SHIFT = { top: 0.8, middle: 0.35, bottom: -0.2, alphabetic: 0 }; // of the size of the letters
const KEPT = ["strokeStyle", "fillStyle", "lineWidth", "font", "textAlign", "textBaseline", "dash", "transform"];

const escaped = (text) => String(text).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const round = (value) => Number(value.toFixed(2));

export function svgContext({ width, height }, title) {
  const out = [];
  const saved = [];
  let path = [];
  let clips = 0;
  const ctx = { svg: true, strokeStyle: "#000000", fillStyle: "#000000", lineWidth: 1, font: "12px sans-serif", textAlign: "start", textBaseline: "alphabetic", dash: "", transform: "" };
  const measure = document.createElement("canvas").getContext("2d");
  const placed = () => (ctx.transform ? ` transform="${ctx.transform.trim()}"` : "");
  const dashed = () => (ctx.dash ? ` stroke-dasharray="${ctx.dash}"` : "");
  const put = (text) => out.push(text);
  const stroked = (d) => put(`<path d="${d}" fill="none" stroke="${ctx.strokeStyle}" stroke-width="${ctx.lineWidth}"${dashed()}${placed()}/>`);
  const box = (x, y, w, h) => `M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}z`;
  const text = (words, x, y, paint) => {
    const [, bold, size, family] = /^(bold )?([\d.]+)px (.*)$/.exec(ctx.font);
    put(`<text x="${round(x)}" y="${round(y + SHIFT[ctx.textBaseline] * size)}" font-family="${escaped(family)}" font-size="${size}"` +
      `${bold ? ' font-weight="bold"' : ""} text-anchor="${ANCHOR[ctx.textAlign]}" ${paint}${placed()}>${escaped(words)}</text>`);
  };
  return Object.assign(ctx, {
    beginPath() { path = []; },
    moveTo(x, y) { path.push(`M${round(x)} ${round(y)}`); },
    lineTo(x, y) { path.push(`${path.length ? "L" : "M"}${round(x)} ${round(y)}`); },
    closePath() { path.push("z"); },
    rect(x, y, w, h) { path.push(box(x, y, w, h)); },
    // a whole circle
    arc(x, y, r) { path.push(`M${round(x - r)} ${round(y)}a${round(r)} ${round(r)} 0 1 0 ${round(2 * r)} 0a${round(r)} ${round(r)} 0 1 0 ${round(-2 * r)} 0`); },
    stroke() { if (path.length) stroked(path.join("")); },
    strokeRect(x, y, w, h) { stroked(box(x, y, w, h)); },
    fillRect(x, y, w, h) { put(`<path d="${box(x, y, w, h)}" fill="${ctx.fillStyle}"${placed()}/>`); },
    // squares of one colour and opacity
    squares(places, side, colour, alpha) {
      put(`<path d="${places.map(([x, y]) => box(x - side / 2, y - side / 2, side, side)).join("")}" fill="${colour}" fill-opacity="${alpha}"/>`);
    },
    fillText(words, x, y) { text(words, x, y, `fill="${ctx.fillStyle}"`); },
    strokeText(words, x, y) { text(words, x, y, `fill="none" stroke="${ctx.strokeStyle}" stroke-width="${ctx.lineWidth}"`); },
    measureText(words) { measure.font = ctx.font; return measure.measureText(words); },
    setLineDash(dash) { ctx.dash = dash.join(" "); },
    translate(x, y) { ctx.transform += ` translate(${round(x)} ${round(y)})`; },
    rotate(angle) { ctx.transform += ` rotate(${round((angle * 180) / Math.PI)})`; },
    save() { saved.push([Object.fromEntries(KEPT.map((name) => [name, ctx[name]])), 0]); },
    clip() {
      clips += 1;
      put(`<clipPath id="clip${clips}"><path d="${path.join("")}"/></clipPath><g clip-path="url(#clip${clips})">`);
      if (saved.length) saved.at(-1)[1] += 1;
    },
    restore() {
      const [before, opened] = saved.pop();
      put("</g>".repeat(opened));
      Object.assign(ctx, before);
    },
    whole: () => `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n<title>${escaped(title)}</title>\n${out.join("\n")}\n</svg>\n`,
  });
}
