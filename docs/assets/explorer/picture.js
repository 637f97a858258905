// Which cells a unit reads, counted window by window, and how maps are painted. In the plane the rows and the columns
// of a field are such a set each.

import { ends, taps, upward } from "./geometry.js";

const sorted = (cells) => [...new Set(cells)].sort((a, b) => a - b);
const numbers = (count) => [...Array(count).keys()];

/** Of each map from the input to the unit's own: `cells` it sees, `padded` ones it reads, `field`: all, if no map had an edge. */
export function seen(layers, sizes, map, unit) {
  const maps = [];
  let [cells, padded, field] = [[unit], [], [unit]];
  for (;;) {
    maps[map] = { cells, padded, field };
    if (!map--) return maps;
    const read = (units) => sorted(units.flatMap((unit) => taps(layers[map], unit)));
    const inside = (cell) => cell >= 0 && cell < sizes[map];
    const near = read(cells);
    // Beside what a transposed convolution reads there is no padding, just nothing.
    padded = upward(layers[map]) ? [] : near.filter((cell) => !inside(cell));
    cells = near.filter(inside);
    field = read(field);
  }
}

/** Of each map from the cell's own to the last: the units that see it. */
export function reached(layers, sizes, map, cell) {
  const maps = [];
  let cells = [cell];
  for (;;) {
    maps[map] = { cells, padded: [] };
    if (map == layers.length) return maps;
    const read = (unit) => taps(layers[map - 1], unit).some((tap) => cells.includes(tap));
    cells = numbers(sizes[++map]).filter(read);
  }
}

/** What the layer after a map leaves unread of it, and the padding around it, with what a last window hangs over. */
export function margins(layer, size, next) {
  if (!layer) return { ring: [0, 0], unread: [] };
  const read = new Set(numbers(next).flatMap((unit) => taps(layer, unit)));
  const [before, after] = upward(layer) ? [0, 0] : ends(layer);
  return { ring: [before, Math.max(after, Math.max(...read) + 1 - size)], unread: numbers(size).filter((cell) => !read.has(cell)) };
}

const ROLES = ["background", "grid", "input", "map", "field", "used", "padding", "unit", "accent", "text"];

/** The page's colours by role, and the hatching of padding. */
export function inks(host) {
  const style = getComputedStyle(host);
  const ink = Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue(`--rf-${role}`)]));
  const pen = new OffscreenCanvas(5, 5).getContext("2d");
  pen.strokeStyle = ink.padding;
  pen.stroke(new Path2D("M-1 1 1-1M-1 6 6-1M4 6 6 4"));
  return { ...ink, hatch: pen.createPattern(pen.canvas, "repeat") };
}

/** A pen for a clean canvas, in CSS pixels. */
export function sheet(canvas, width, height) {
  const [w, h] = [width, height].map((side) => Math.round(side * devicePixelRatio));
  if (canvas.width != w || canvas.height != h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

export const all = ({ cells, padded }) => sorted([...cells, ...padded]);
const span = (cells) => [cells[0], cells.at(-1) - cells[0] + 1];

/** Neighbouring cells as [first, count]. */
function runs(cells) {
  const found = [];
  for (const cell of cells) {
    const last = found.at(-1);
    if (last && last[0] + last[1] == cell) last[1]++;
    else found.push([cell, 1]);
  }
  return found;
}

/**
 * Paint a map. Each axis (rows, columns) has {size, ring, unread, origin, cell, marks}: cell 0 begins at `origin`;
 * `kind` is what marked cells are, "used" or "unit".
 */
export function paint(pen, [rows, columns], kind, ink, ground, image) {
  const rect = (r, c) => [columns.origin + c[0] * columns.cell, rows.origin + r[0] * rows.cell, c[1] * columns.cell, r[1] * rows.cell];
  const fill = (colour, r, c) => ((pen.fillStyle = colour), pen.fillRect(...rect(r, c)));
  const frame = (r, c) => pen.strokeRect(...rect(span(r), span(c)));
  const each = (r, c, act) => runs(r).forEach((row) => runs(c).forEach((column) => act(row, column)));
  const show = (r, c) => pen.drawImage(image, c[0], r[0], c[1], r[1], ...rect(r, c));
  const whole = [rows, columns].map(({ size }) => [0, size]);
  fill(ink.hatch, ...[rows, columns].map(({ size, ring }) => [-ring[0], size + ring[0] + ring[1]]));
  fill(image ? ink.background : ground, ...whole);
  for (const row of runs(rows.unread)) fill(ink.background, row, whole[1]);
  for (const column of runs(columns.unread)) fill(ink.background, whole[0], column);
  pen.globalAlpha = 0.35;
  if (image) show(...whole);
  pen.globalAlpha = 1;
  const marks = [all(rows.marks), all(columns.marks)];
  const some = marks.every((cells) => cells.length);
  if (some && kind == "used") {
    if (!image) fill(ink.field, ...marks.map(span));
    for (const colour of [ink.field, ink.hatch]) each(...marks, (r, c) => fill(colour, r, c));
  }
  each(rows.marks.cells, columns.marks.cells, (r, c) => (image && kind == "used" ? show(r, c) : fill(ink[kind], r, c)));
  pen.strokeStyle = ink.grid;
  pen.lineWidth = columns.cell > 6 ? 1 : 0.5;
  const grid = new Path2D();
  for (let i = 0; i <= columns.size; i++) grid.rect(...rect(whole[0], [i, 0]));
  for (let i = 0; i <= rows.size; i++) grid.rect(...rect([i, 0], whole[1]));
  if (columns.cell > 2.4) pen.stroke(grid);
  pen.lineWidth = 2;
  pen.strokeStyle = kind == "used" ? ink.accent : ink.text;
  if (some) frame(...marks);
  pen.setLineDash([3, 3]);
  if (columns.marks.field) frame(rows.marks.field, columns.marks.field);
  pen.setLineDash([]);
}

/** Join two grids side by side: what is read, and who reads it. */
export function beam(pen, from, to, ink) {
  const [near, far] = [from, to].map(({ x, y, axes }) => {
    const [[top, height], [left, width]] = axes.map(({ origin, cell, marks }) => {
      const [first, count] = span(all(marks));
      return [origin + first * cell, count * cell];
    });
    return { left: x + left, right: x + left + width, top: y + top, bottom: y + top + height };
  });
  if (to.x <= from.x || isNaN(near.left + near.top + far.left + far.top)) return;
  const shape = new Path2D(`M${near.right} ${near.top}L${far.left} ${far.top}V${far.bottom}L${near.right} ${near.bottom}Z`);
  pen.fillStyle = ink.used;
  pen.strokeStyle = ink.accent;
  pen.globalAlpha = 0.3;
  pen.fill(shape);
  pen.globalAlpha = 0.8;
  pen.stroke(shape);
}

/** Join two strips, one above the other: a line for each cell that a unit reads. */
export function lines(pen, from, to, ink, layer) {
  const [read, reads] = [from, to].map((view) => all(view.axes[1].marks));
  const x = ({ x, axes }, cell) => x + axes[1].origin + (cell + 0.5) * axes[1].cell;
  const paths = { grid: new Path2D(), accent: new Path2D() };
  for (const unit of numbers(to.size)) {
    for (const cell of taps(layer, unit)) {
      const path = paths[read.includes(cell) && reads.includes(unit) ? "accent" : "grid"];
      path.moveTo(x(from, cell), from.y);
      path.lineTo(x(to, unit), to.y + to.height);
    }
  }
  for (const [role, path] of Object.entries(paths)) {
    pen.strokeStyle = ink[role];
    pen.stroke(path);
  }
}
