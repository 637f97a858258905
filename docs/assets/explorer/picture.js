// Which cells a unit reads, counted window by window, and how maps are painted. In the plane the rows and the columns
// of a field are such a set each.

import { ends, taps, upward } from "./geometry.js";

const sorted = (cells) => [...new Set(cells)].sort((a, b) => a - b);
const numbers = (count) => [...Array(count).keys()];

/**
 * What is marked of each map along one axis: `cells` that the unit sees or, later, that see it; `read` has the padded
 * ones too. Of the image there is the whole `field`: all that is read if no map has an edge.
 */
export function sight(layers, sizes, map, unit) {
  const near = (units) => sorted(units.flatMap((unit) => taps(layers[m], unit)));
  const maps = [];
  let cells = [unit];
  let [read, field] = [cells, cells];
  let m = map;
  maps[m] = { cells, read };
  while (m--) {
    read = near(cells);
    cells = read.filter((cell) => cell >= 0 && cell < sizes[m]);
    // Beside what a transposed convolution reads there is no padding, just nothing.
    if (upward(layers[m])) read = cells;
    field = near(field);
    maps[m] = { cells, read, field: !m && field };
  }
  for (m = map; m < layers.length; m++) {
    const before = new Set(maps[m].cells);
    const reach = numbers(sizes[m + 1]).filter((unit) => taps(layers[m], unit).some((cell) => before.has(cell)));
    maps.push({ cells: reach, read: reach });
  }
  return maps;
}

/** What the layer after a map leaves unread of it, and the padding around it, with what a last window hangs over. */
export function margins(layer, size, next) {
  if (!layer) return { ring: [0, 0], unread: [] };
  const read = new Set(numbers(next).flatMap((unit) => taps(layer, unit)));
  const [before, after] = ends(layer);
  return {
    ring: upward(layer) ? [0, 0] : [before, Math.max(after, Math.max(...read) + 1 - size)],
    unread: numbers(size).filter((cell) => !read.has(cell)),
  };
}

const ROLES = ["background", "grid", "input", "map", "field", "used", "padding", "unit", "accent", "text"];

/** The page's colours by role, and the hatching of padding. */
export function inks(host) {
  const style = getComputedStyle(host);
  const ink = Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue(`--rf-${role}`)]));
  const pattern = (side, draw) => {
    const pen = new OffscreenCanvas(side, side).getContext("2d");
    draw(pen);
    return pen.createPattern(pen.canvas, "repeat");
  };
  const hatch = pattern(5, (pen) => {
    pen.strokeStyle = ink.padding;
    pen.stroke(new Path2D("M-1 1 1-1M-1 6 6-1M4 6 6 4"));
  });
  // What is skipped has dots: two browns alone do not tell it from what is read.
  const field = pattern(4, (pen) => {
    pen.fillStyle = ink.background;
    pen.fillRect(0, 0, 4, 4);
    pen.fillStyle = ink.used;
    pen.fillRect(1, 1, 1.6, 1.6);
  });
  return { ...ink, field, hatch };
}

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

/** A run of cells of an axis, whose cell 0 begins at `origin`: where it begins and how long it is. */
const place = ({ origin, cell }, [first, count]) => [origin + first * cell, count * cell];

/** Paint a map from its axes (rows, columns), each {size, ring, unread, origin, cell, marks}; `kind` is what marked cells are, "used" or "unit"; `heat` says how strongly. */
export function paint(pen, axes, kind, ink, ground, image, heat) {
  const [rows, columns] = axes;
  const rect = (r, c) => {
    const [[y, height], [x, width]] = [place(rows, r), place(columns, c)];
    return [x, y, width, height];
  };
  const fill = (colour, r, c) => {
    pen.fillStyle = colour;
    pen.fillRect(...rect(r, c));
  };
  const show = (r, c) => pen.drawImage(image, c[0], r[0], c[1], r[1], ...rect(r, c));
  const each = (r, c, act) => runs(r).forEach((row) => runs(c).forEach((column) => act(row, column)));
  const frame = (r, c) => r.length && c.length && pen.strokeRect(...rect(span(r), span(c)));
  const [height, width] = axes.map(({ size }) => [0, size]);
  const read = axes.map(({ marks }) => marks.read);
  const used = kind == "used";
  fill(ink.hatch, ...axes.map(({ size, ring }) => [-ring[0], size + ring[0] + ring[1]]));
  fill(image ? ink.background : ground, height, width);
  for (const row of runs(rows.unread)) fill(ink.background, row, width);
  for (const column of runs(columns.unread)) fill(ink.background, height, column);
  if (image) {
    pen.globalAlpha = 0.35;
    show(height, width);
    pen.globalAlpha = 1;
  }
  if (used) {
    if (!image && read.every((cells) => cells.length)) fill(ink.field, ...read.map(span));
    for (const colour of [ink.background, ink.hatch]) each(...read, (r, c) => fill(colour, r, c));
  }
  if (heat) {
    each(rows.marks.cells, columns.marks.cells, (r, c) => fill(ink.background, r, c));
    for (const row of rows.marks.cells) {
      for (const column of columns.marks.cells) {
        pen.globalAlpha = heat[0](row) * heat[1](column);
        fill(ink.accent, [row, 1], [column, 1]);
      }
    }
    pen.globalAlpha = 1;
  } else each(rows.marks.cells, columns.marks.cells, (r, c) => (image && used ? show(r, c) : fill(ink[kind], r, c)));
  if (columns.cell > 2.4) {
    pen.strokeStyle = ink.grid;
    pen.lineWidth = columns.cell > 6 ? 1 : 0.5;
    pen.beginPath();
    for (let i = 0; i <= columns.size; i++) pen.rect(...rect(height, [i, 0]));
    for (let i = 0; i <= rows.size; i++) pen.rect(...rect([i, 0], width));
    pen.stroke();
  }
  pen.strokeStyle = used ? ink.accent : ink.text;
  pen.lineWidth = 2;
  frame(...read);
  if (columns.marks.field) {
    pen.setLineDash([3, 3]);
    frame(rows.marks.field, columns.marks.field);
    pen.setLineDash([]);
  }
}

/** Join two grids side by side: what is read, and who reads it. */
export function beam(pen, from, to, ink) {
  const [[[top, height], [left, width]], [[high, far], [right]]] = [from, to].map(({ axes }) => axes.map((axis) => place(axis, span(axis.marks.read))));
  const [edge] = place(from.axes[1], [from.size, 0]);
  if (edge > to.axes[1].origin || isNaN(left + right)) return;
  const near = left + width;
  const shape = new Path2D(`M${near} ${top}L${right} ${high}v${far}L${near} ${top + height}Z`);
  pen.fillStyle = ink.used;
  pen.strokeStyle = ink.accent;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.3;
  pen.fill(shape);
  pen.globalAlpha = 0.8;
  pen.stroke(shape);
  pen.globalAlpha = 1;
}

/** Join two strips, one above the other: a line for each cell that a unit reads. */
export function lines(pen, from, to, ink, layer) {
  const [[floor, below], [ceiling, above]] = [from.axes, to.axes];
  const x = ({ origin, cell }, at) => origin + (at + 0.5) * cell;
  const paths = { grid: new Path2D(), accent: new Path2D() };
  const [cells, units] = [below, above].map(({ marks }) => new Set(marks.read));
  for (const unit of numbers(to.size)) {
    for (const cell of taps(layer, unit)) {
      const path = paths[cells.has(cell) && units.has(unit) ? "accent" : "grid"];
      path.moveTo(x(below, cell), floor.origin);
      path.lineTo(x(above, unit), ceiling.origin + ceiling.cell);
    }
  }
  pen.lineWidth = 1;
  for (const [role, path] of Object.entries(paths)) {
    pen.strokeStyle = ink[role];
    pen.stroke(path);
  }
}
