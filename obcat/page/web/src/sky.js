// The sky as a plot: Mollweide, with the plane of the Galaxy, and numbers where no stars are.
import { geoGraticule10, geoPath } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import { FONT } from "./axes.js";

const PARALLELS = [-60, -45, 60, 45, -30, 30, 0]; // where the longitudes can be written
const NEAR = 8; // degrees about a parallel
// of the north pole, and of the node, in J2000 (Hipparcos catalogue, 1.5.3)
const [POLE_RA, POLE_DEC, NODE] = [192.85948, 27.12825, 32.93192].map((degrees) => (degrees * Math.PI) / 180);

export const SKIES = {
  equatorial: { values: ["ra", "dec"], label: "Equatorial", centre: 180, axes: "Right ascension and declination" },
  galactic: { values: ["l", "b"], label: "Galactic", centre: 0, axes: "Galactic longitude and latitude" },
  anticentre: { values: ["l", "b"], label: "Galactic, anticentre", centre: 180, axes: "Galactic longitude and latitude" },
};

export const sky = (view) => ({
  ...view,
  axes: ([name] = view.first) => [
    { value: SKIES[name].values[0], label: SKIES[name].axes, unit: "deg", sky: SKIES[name] },
    { value: SKIES[name].values[1], label: "", unit: "deg" },
  ],
  // east is to the left, as on the sky
  geometry(stars, [x], { width, height }) {
    const edges = { left: 36, right: width - 8, top: 8, bottom: height - 20 };
    const projection = geoMollweide().rotate([-x.sky.centre, 0]).reflectX(true).precision(0.3);
    projection.fitExtent([[edges.left, edges.top], [edges.right, edges.bottom]], { type: "Sphere" });
    const at = x.sky.values[1];
    const crowd = (degrees) => stars[at].reduce((n, value) => n + (Math.abs(value - degrees) < NEAR), 0);
    const counts = PARALLELS.map(crowd);
    const parallel = PARALLELS[counts.indexOf(Math.min(...counts))];
    return { ...edges, parallel, project: (a, b) => projection([a, b]), invert: (a, b) => projection.invert([a, b]), projection };
  },
  draw(ctx, f, [x], ink) {
    const path = geoPath(f.projection, ctx);
    for (const [shape, colour] of [[geoGraticule10(), ink.line], [{ type: "Sphere" }, ink.muted]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = shape.type === "Sphere" ? 1 : 0.6;
      ctx.beginPath();
      path(shape);
      ctx.stroke();
    }
    ctx.lineWidth = 1.2;
    ctx.strokeStyle = ink.muted;
    ctx.setLineDash([6, 3]);
    ctx.beginPath();
    path({ type: "LineString", coordinates: plane(x.sky) });
    ctx.stroke();
    ctx.setLineDash([]);
  },
  drawAbove(ctx, f, [x], ink) {
    ctx.font = FONT;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = ink.panel;
    ctx.fillStyle = ink.ink;
    const write = (text, at) => {
      ctx.strokeText(text, ...at);
      ctx.fillText(text, ...at);
    };
    for (const step of [-120, -60, 0, 60, 120]) {
      const degrees = (x.sky.centre + step + 360) % 360;
      write(`${degrees}°`, f.project(degrees, f.parallel));
    }
    ctx.textAlign = "right";
    for (const degrees of [-60, -30, 0, 30, 60]) {
      const [edge, at] = f.project(x.sky.centre - 179.99, degrees);
      write(`${degrees}°`.replace("-", "−"), [Math.min(edge, 2 * f.project(x.sky.centre, degrees)[0] - edge) - 4, at]);
    }
    ctx.textAlign = "center";
    ctx.fillStyle = ink.muted;
    ctx.fillText(x.sky.axes, (f.left + f.right) / 2, f.bottom + 11);
  },
});

// the plane of the Galaxy in the coordinates of a map
function plane({ values: [first] }) {
  const longitudes = Array.from({ length: 181 }, (_, i) => 2 * i);
  return longitudes.map((l) => (first === "l" ? [l, 0] : equatorial(l)));
}

// right ascension and declination at Galactic longitude l, latitude 0
function equatorial(l) {
  const along = (l * Math.PI) / 180 - NODE;
  const dec = Math.asin(Math.cos(POLE_DEC) * Math.sin(along));
  const ra = Math.atan2(Math.cos(along), -Math.sin(POLE_DEC) * Math.sin(along)) + POLE_RA;
  return [ra, dec].map((angle) => (angle * 180) / Math.PI);
}
