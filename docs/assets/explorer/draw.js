// Painting: a map as cells, and what joins a unit to the cells it reads.

import { taps } from "./geometry.js";

const ROLES = ["background", "grid", "input", "map", "field", "used", "padding", "unit", "accent", "text"];

export function inks(host) {
  const style = getComputedStyle(host);
  const ink = Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue(`--rf-${role}`)]));
  const tile = Object.assign(document.createElement("canvas"), { width: 5, height: 5 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = ink.padding;
  pen.stroke(new Path2D("M-1 1 1-1M-1 6 6-1M4 6 6 4"));
  ink.hatch = pen.createPattern(tile, "repeat");
  return ink;
}

/** A pen for a clean canvas, in CSS pixels. */
export function sheet(canvas, width, height) {
  const scale = devicePixelRatio;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width != w || canvas.height != h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

export const merged = ({ cells, padded = [] }) => [...cells, ...padded].sort((a, b) => a - b);
const span = (cells) => [cells[0], cells.at(-1) - cells[0] + 1];

/** Neighbouring cells as [first, length]. */
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
 * Paint a map. An axis (rows, columns) has {size, ring, origin, cell, marks}: cell 0 begins at `origin`;
 * `kind` is what the marked cells are, "used" or "unit".
 */
export function paint(pen, [rows, columns], kind, ink, ground, image) {
  const y = (i) => rows.origin + i * rows.cell;
  const x = (i) => columns.origin + i * columns.cell;
  const box = (r, c, how = "fillRect") => pen[how](x(c[0]), y(r[0]), c[1] * columns.cell, r[1] * rows.cell);
  const each = (r, c, act) => runs(r).forEach((row) => runs(c).forEach((column) => act(row, column)));
  const fill = (colour, r, c) => ((pen.fillStyle = colour), box(r, c));
  const whole = [rows, columns].map(({ size }) => [0, size]);
  fill(ink.hatch, ...[rows, columns].map(({ size, ring }) => [-ring[0], size + ring[0] + ring[1]]));
  fill(image ? ink.background : ground, ...whole);
  const picture = (r, c) => pen.drawImage(image, c[0], r[0], c[1], r[1], x(c[0]), y(r[0]), c[1] * columns.cell, r[1] * rows.cell);
  if (image) {
    pen.globalAlpha = 0.35;
    picture(...whole);
    pen.globalAlpha = 1;
  }
  const [r, c] = [merged(rows.marks), merged(columns.marks)];
  const some = r.length && c.length;
  if (some && kind == "used") {
    if (!image) fill(ink.field, span(r), span(c));
    for (const colour of [ink.field, ink.hatch]) each(r, c, (a, b) => fill(colour, a, b));
  }
  each(rows.marks.cells, columns.marks.cells, (a, b) => (image && kind == "used" ? picture(a, b) : fill(ink[kind], a, b)));
  if (columns.cell > 2.4) {
    const grid = new Path2D();
    for (let i = 0; i <= columns.size; i++) grid.rect(x(i), y(0), 0, rows.size * rows.cell);
    for (let i = 0; i <= rows.size; i++) grid.rect(x(0), y(i), columns.size * columns.cell, 0);
    pen.strokeStyle = ink.grid;
    pen.lineWidth = columns.cell > 6 ? 1 : 0.5;
    pen.stroke(grid);
  }
  pen.lineWidth = 2;
  pen.strokeStyle = kind == "used" ? ink.accent : ink.text;
  if (some) box(span(r), span(c), "strokeRect");
  if (rows.marks.field && columns.marks.field) {
    pen.setLineDash([3, 3]);
    box(span(rows.marks.field), span(columns.marks.field), "strokeRect");
    pen.setLineDash([]);
  }
}

/** Join two grids side by side: from the cells that are read to the units that read them. */
export function beam(pen, from, to, ink) {
  const ends = ({ x, y, axes: [rows, columns] }) => {
    const [r, c] = [span(merged(rows.marks)), span(merged(columns.marks))];
    const left = x + columns.origin + c[0] * columns.cell;
    const top = y + rows.origin + r[0] * rows.cell;
    return { left, right: left + c[1] * columns.cell, top, bottom: top + r[1] * rows.cell };
  };
  if ([...from.axes, ...to.axes].some(({ marks }) => !merged(marks).length) || to.x < from.x) return;
  const [a, b] = [ends(from), ends(to)];
  const shape = new Path2D(`M${a.right} ${a.top}L${b.left} ${b.top}V${b.bottom}L${a.right} ${a.bottom}Z`);
  pen.globalAlpha = 0.3;
  pen.fillStyle = ink.used;
  pen.fill(shape);
  pen.globalAlpha = 0.8;
  pen.strokeStyle = ink.accent;
  pen.stroke(shape);
  pen.globalAlpha = 1;
}

/** Join two strips: a line for each cell that a unit reads. */
export function lines(pen, from, to, ink, layer) {
  const [read, reads] = [from.axes[1], to.axes[1]];
  const [cells, units] = [merged(read.marks), merged(reads.marks)];
  const paths = [new Path2D(), new Path2D()];
  for (let unit = 0; unit < to.size; unit++) {
    for (const cell of taps(layer, unit)) {
      const path = paths[Number(cells.includes(cell) && units.includes(unit))];
      path.moveTo(from.x + from.origin + (cell + 0.5) * from.cell, from.y + from.height);
      path.lineTo(to.x + to.origin + (unit + 0.5) * to.cell, to.y);
    }
  }
  paths.forEach((path, strong) => {
    pen.strokeStyle = strong ? ink.accent : ink.grid;
    pen.lineWidth = strong ? 1.5 : 1;
    pen.stroke(path);
  });
}
