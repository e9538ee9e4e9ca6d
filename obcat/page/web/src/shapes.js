// Which points lie in a box or a lasso, in pixels.
export function inBox(px, py, [[x0, y0], [x1, y1]]) {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  return mask(px, py, (x, y) => x >= left && x <= right && y >= top && y <= bottom);
}

// even-odd rule
export function inLasso(px, py, corners) {
  return mask(px, py, (x, y) => {
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
      const [[xi, yi], [xj, yj]] = [corners[i], corners[j]];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
    return inside;
  });
}

// place of the point nearest to a position, or -1 where none is within `reach`
export function nearest(px, py, [x, y], reach) {
  let [best, least] = [-1, reach ** 2];
  for (let i = 0; i < px.length; i++) {
    const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

function mask(px, py, test) {
  const found = new Uint8Array(px.length);
  for (let i = 0; i < px.length; i++) if (test(px[i], py[i])) found[i] = 1; // NaN is in nothing
  return found;
}
