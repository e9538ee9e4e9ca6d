// Points on a canvas: the selected ones in colour above the others.
const SMALL = 1.7;
const LARGE = 3.2;
const LAYERS = 16;
const FEW = 3000; // points are drawn larger where there are fewer

export function paint(ctx, { px, py, selection, size, counts }, colouring, ink) {
  const { mask } = selection;
  const side = (counts.drawn < FEW ? LARGE : SMALL) * (size.width > 700 ? 1.3 : 1);
  if (mask) {
    ctx.globalAlpha = 0.45;
    for (const { members } of colouring.order) squares(ctx, px, py, members.filter((i) => !mask[i]), side, ink.dim);
  }
  const drawn = mask && selection.count < FEW / 3 ? side + 1 : side;
  const groups = colouring.order.map(({ colour, members }) => ({ colour, of: mask ? members.filter((i) => mask[i]) : members }));
  ctx.globalAlpha = mask ? 0.95 : 0.8;
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const { colour, of } of groups) squares(ctx, px, py, part(of, layer), drawn, colour);
  }
  ctx.globalAlpha = 1;
}

// the colours take turns, so that none lies on top of all others
const part = (members, layer) =>
  members.slice(Math.floor((members.length * layer) / LAYERS), Math.floor((members.length * (layer + 1)) / LAYERS));

function squares(ctx, px, py, members, side, colour) {
  ctx.fillStyle = colour;
  for (const i of members) if (px[i] === px[i]) ctx.fillRect(px[i] - side / 2, py[i] - side / 2, side, side);
}
