// Points on a canvas, pixel by pixel: five plots of 16,000 points follow a drag.
const SMALL = 2; // pixels
const LARGE = 3;
const FEW = 3000; // points are drawn larger where there are fewer
const LAYERS = 16;
const FAINT = 0.4;
const DENSE = 0.5; // so that density shows
const FULL = 0.85;

// The selected points lie in their colours above the others.
export function paint(ctx, { px, py, selection, size, counts, ...plot }, colouring, ink) {
  const { mask } = selection;
  const finer = ctx.svg ? 1 : ctx.canvas.width / size.width;
  const sheet = ctx.svg ? null : sheetOf(ctx.canvas.isConnected ? plot.sheet : {}, ctx.canvas);
  const side = (counts.drawn < FEW ? LARGE : SMALL) + (size.width > 700 ? 1 : 0);
  const squares = (members, colour, alpha, pixels) => ctx.squares(members.filter((i) => px[i] === px[i]).map((i) => [px[i], py[i]]), pixels, colour, alpha);
  const stamp = ctx.svg ? squares : (members, colour, alpha, pixels) =>
    stampSquares(sheet, members, px, py, finer, Math.max(1, Math.round(pixels * finer)), rgb(colour), alpha);
  if (mask) for (const { members } of colouring.order) stamp(members.filter((i) => !mask[i]), ink.dim, FAINT, side);
  const alpha = counts.drawn < FEW || mask ? FULL : DENSE;
  const drawn = mask && selection.count < FEW / 3 ? side + 1 : side;
  const groups = colouring.order.flatMap((group) => shaded({ ...group, of: mask ? group.members.filter((i) => mask[i]) : group.members }, plot.density));
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const { colour, of } of groups) stamp(part(of, layer), colour, alpha, drawn);
  }
  if (ctx.svg) return;
  sheet.context.putImageData(sheet.image, 0, 0);
  ctx.drawImage(sheet.canvas, 0, 0, size.width, size.height);
}

// a group whose colours tell how close the points lie, as one group a step
const shaded = (group, density) =>
  (group.ramp ? group.ramp.map((colour, step) => ({ colour, of: group.of.filter((i) => density[i] === step) })) : [group]);

// a transparent sheet of the size of the canvas, in the place where the plot keeps it
function sheetOf(kept, { width, height }) {
  if (kept.canvas?.width === width && kept.canvas.height === height) {
    kept.words.fill(0);
    return kept;
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  return Object.assign(kept, { canvas, context, image, words: new Uint32Array(image.data.buffer) });
}

// the colours take turns, so that none lies on top of all others
const part = (members, layer) =>
  members.slice(Math.floor((members.length * layer) / LAYERS), Math.floor((members.length * (layer + 1)) / LAYERS));

// "#rrggbb" as the low three bytes of a pixel
function rgb(colour) {
  const n = Number.parseInt(colour.slice(1), 16);
  return (n >> 16) | (n & 0xff00) | ((n & 0xff) << 16);
}

// the last point gives its colour; opacities add up
function stampSquares({ words, canvas: { width, height } }, members, px, py, ratio, side, colour, alpha) {
  for (const i of members) {
    if (px[i] !== px[i]) continue;
    const left = Math.round(px[i] * ratio - side / 2);
    const top = Math.round(py[i] * ratio - side / 2);
    for (let y = Math.max(0, top); y < Math.min(height, top + side); y++) {
      for (let x = Math.max(0, left); x < Math.min(width, left + side); x++) {
        const at = y * width + x;
        const below = words[at] >>> 24;
        words[at] = (((below + (255 - below) * alpha) << 24) | colour) >>> 0;
      }
    }
  }
}
