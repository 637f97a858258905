// Values that flow through a stack: one channel, in the plane, as torch.nn.functional computes them.

import { ends, taps, upward } from "./geometry.js";

/** A layer's kernel: its own `weight`, rows of numbers, or else the mean; after upsampling each value stands as it is. */
export function weights({ type, kernel_size: k, weight }) {
  return weight ?? Array.from({ length: k }, () => Array(k).fill(type == "conv" ? 1 / k ** 2 : 1));
}

/** Which cells a unit reads, each with the place in the kernel of its weight. */
function reads(layer, unit) {
  const { kernel_size, stride, dilation } = layer;
  const [before] = ends(layer);
  const cells = taps(layer, unit);
  return cells.map((cell) => [cell, upward(layer) ? (unit + before - cell * stride) / dilation : (cell - unit * stride + before) / dilation]).filter(([, tap]) => tap < kernel_size);
}

/** The rows of the map after the layer, `size` units a side; a pooling takes the largest, `relu` cuts what is negative. */
export function after(layer, rows, size) {
  const kernel = weights(layer);
  const read = Array.from({ length: size }, (_, unit) => reads(layer, unit).filter(([cell]) => cell >= 0 && cell < rows.length));
  return read.map((down) =>
    read.map((along) => {
      let found = layer.type == "pool" ? -Infinity : 0;
      for (const [row, i] of down) {
        for (const [column, j] of along) {
          const value = rows[row][column];
          found = layer.type == "pool" ? Math.max(found, value) : found + value * kernel[i][j];
        }
      }
      return layer.relu ? Math.max(0, found) : found;
    }),
  );
}
