// How many points lie about each point of a plot, in a few steps: where points hide each other, their colour tells.
const CELL = 5; // pixels
const APART = 3; // points about a cell that still lie beside each other
export const STEPS = 8;

// step of each point, 0 where it stands alone, up to STEPS - 1 where most are
export function densities(px, py, { width, height }) {
  const [columns, rows] = [Math.ceil(width / CELL) + 2, Math.ceil(height / CELL) + 2];
  const cell = (i) => (Math.floor(py[i] / CELL) + 1) * columns + Math.floor(px[i] / CELL) + 1;
  const counts = new Float32Array(columns * rows);
  for (let i = 0; i < px.length; i++) if (px[i] === px[i]) counts[cell(i)] += 1;
  const smooth = blurred(counts, columns);
  const most = smooth.reduce((a, b) => Math.max(a, b), 0);
  const scale = most > APART ? (STEPS - 0.01) / Math.log(most / APART) : 0;
  return Uint8Array.from(px, (x, i) => (x === x ? Math.min(STEPS - 1, Math.max(0, Math.log(smooth[cell(i)] / APART) * scale)) : 0));
}

// a cell and its eight neighbours, the nearer ones counting more; the outermost cells hold no point
function blurred(counts, columns) {
  const out = new Float32Array(counts.length);
  for (let i = columns + 1; i < counts.length - columns - 1; i++) {
    const side = counts[i - 1] + counts[i + 1] + counts[i - columns] + counts[i + columns];
    const corner = counts[i - columns - 1] + counts[i - columns + 1] + counts[i + columns - 1] + counts[i + columns + 1];
    out[i] = (4 * counts[i] + 2 * side + corner) / 16;
  }
  return out;
}
