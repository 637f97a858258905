// Which cells a unit reads, one axis at a time, counted window by window. In the plane it is one set for rows times one for columns.

import { ends, taps, upward } from "./geometry.js";

const sorted = (cells) => [...new Set(cells)].sort((a, b) => a - b);

/** On each map from the input to the unit's own: `cells` it sees, `padded` ones it reads, `field`: all if no map had an edge. */
export function seen(layers, sizes, map, unit) {
  const maps = [];
  let cells = [unit];
  let field = cells;
  let padded = [];
  for (;;) {
    maps[map] = { cells, padded, field };
    if (map-- == 0) return maps;
    const layer = layers[map];
    const read = (units) => sorted(units.flatMap((unit) => taps(layer, unit)));
    const inside = (cell) => cell >= 0 && cell < sizes[map];
    // Beside what a transposed convolution reads there is no padding, just nothing.
    padded = upward(layer) ? [] : read(cells).filter((cell) => !inside(cell));
    cells = read(cells).filter(inside);
    field = read(field);
  }
}

/** On each map from a cell's own to the last: the units that see it. */
export function reached(layers, sizes, map, cell) {
  const maps = [];
  let cells = [cell];
  for (;;) {
    maps[map] = { cells, padded: [] };
    if (map == layers.length) return maps;
    const layer = layers[map++];
    cells = [...Array(sizes[map]).keys()].filter((unit) => taps(layer, unit).some((tap) => cells.includes(tap)));
  }
}

/** Cells of padding before and after a map of `size`, with those that a last window of the `next` units hangs over. */
export function ring(layer, size, next) {
  if (!layer || upward(layer)) return [0, 0];
  const [before, after] = ends(layer);
  return [before, Math.max(after, taps(layer, next - 1).at(-1) + 1 - size)];
}
