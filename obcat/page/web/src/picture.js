// A plot as a file: PNG at three times its size on the screen, or SVG.
import { FONT } from "./axes.js";
import { element, save, say } from "./dom.js";
import { svgContext } from "./svg.js";
import { colours } from "./theme.js";

const FINER = 3; // 300 dots an inch where the screen has 100

// a menu; `size()` of the picture, `draw(ctx)` puts it on a canvas, or on what writes SVG
export function pictureMenu(title, name, size, draw) {
  const options = [["", "Save"], ["png", "PNG"], ["svg", "SVG"]].map(([value, text]) => element("option", { value }, text));
  const menu = element("select", { class: "save", "aria-label": `${title}: save as a picture`, onchange: async () => {
    const form = menu.value;
    menu.value = "";
    if (!form) return;
    await WRITERS[form](title, typeof name === "function" ? name() : name, size(), draw);
    say(`${title} saved as ${form.toUpperCase()}`);
  } }, ...options);
  return menu;
}

const ground = (ctx, { width, height }) => {
  ctx.fillStyle = colours().panel;
  ctx.fillRect(0, 0, width, height);
};

// who sees the picture by itself is told, too
const mark = (ctx, { width, height }) => {
  if (!document.title.startsWith("SIMULATED")) return;
  [ctx.font, ctx.fillStyle, ctx.textAlign, ctx.textBaseline] = [FONT, colours().muted, "right", "bottom"];
  ctx.fillText("SIMULATED", width - 4, height - 2);
};

const WRITERS = {
  async png(_, name, size, draw) {
    const canvas = element("canvas", { width: Math.round(size.width * FINER), height: Math.round(size.height * FINER) });
    const ctx = canvas.getContext("2d");
    ctx.scale(FINER, FINER);
    ground(ctx, size);
    draw(ctx);
    mark(ctx, size);
    const file = await new Promise((done) => canvas.toBlob(done, "image/png"));
    save(`${name}.png`, "image/png", [file]);
  },
  async svg(title, name, size, draw) {
    const ctx = svgContext(size, title);
    ground(ctx, size);
    draw(ctx);
    mark(ctx, size);
    save(`${name}.svg`, "image/svg+xml", [ctx.whole()]);
  },
};
