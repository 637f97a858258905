// In how many ways each cell of the image leads to a unit: a convolution of ones, turned round.

import { taps } from "./geometry.js";

/** Along one axis: the first cell of the image with a way to the unit, the share of each from there on, their deviation. */
export function ways(layers, sizes, map, unit) {
  let counts = new Map([[unit, 1]]);
  for (let m = map; m--; ) {
    const before = new Map();
    for (const [cell, count] of counts) {
      for (const tap of taps(layers[m], cell)) {
        if (tap >= 0 && tap < sizes[m]) before.set(tap, (before.get(tap) ?? 0) + count);
      }
    }
    // Shares, for the ways of 64 layers are more than a number holds.
    const all = [...before.values()].reduce((a, b) => a + b, 0);
    counts = new Map([...before].map(([cell, count]) => [cell, count / all]));
  }
  if (!counts.size) return { first: null, shares: [], std: null };
  const cells = [...counts.keys()];
  const first = Math.min(...cells);
  const shares = Array.from({ length: Math.max(...cells) - first + 1 }, (_, i) => counts.get(first + i) ?? 0);
  const mean = shares.reduce((sum, share, i) => sum + share * i, 0);
  return { first, shares, std: Math.sqrt(shares.reduce((sum, share, i) => sum + share * (i - mean) ** 2, 0)) };
}

/** The length of the shortest run of cells that holds this part of the ways. */
export function within(shares, part) {
  let [low, sum, least] = [0, 0, shares.length];
  shares.forEach((share, high) => {
    sum += share;
    while (sum - shares[low] >= part - 1e-12) sum -= shares[low++];
    if (sum >= part - 1e-12) least = Math.min(least, high - low + 1);
  });
  return least;
}
