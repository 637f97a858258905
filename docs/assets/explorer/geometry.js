// The arithmetic of rfguide's errors.py, sizes.py, fields.py and forms.py for one axis, refusals in the same words.
// Sizes are BigInt, exact at any length as Python's integers are. A refusal is thrown with its `rule`, the library's message
// and the numbers of it, from which `words.*.js` say the same to readers of the form.

// Beyond this, sums of numbers are no longer exact here: what they would say is unknown (null).
const LARGEST = 2 ** 52;
export const MOST_LAYERS = 64;
export const TYPES = ["conv", "pool", "transposed", "upsample"];

function refuse(rule, message, facts) {
  throw { rule, message, name: /^\w+/.exec(message)[0], ...facts };
}

/** A value as Python prints it. */
function repr(value) {
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (typeof value == "string") {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    return quote + value.replace(RegExp(`[${quote}\\\\]`, "g"), "\\$&") + quote;
  }
  // As Python's library: beyond 64 bits a number is told by its length.
  if (Number.isInteger(value)) return Math.abs(value) < 2 ** 63 ? `${BigInt(value)}` : `a number of ${BigInt(Math.abs(value)).toString(2).length} bits`;
  const small = Math.abs(value) < 1e-4;
  return { null: "None", undefined: "None", true: "True", false: "False", NaN: "nan" }[value] ?? (small ? value.toExponential().replace(/-(\d)$/, "-0$1") : `${value}`);
}

function kind(value) {
  return Array.isArray(value) ? "list" : { boolean: "bool", string: "str", number: Number.isInteger(value) ? "int" : "float" }[typeof value] ?? "NoneType";
}

function atLeast(minimum, numbers) {
  const read = Object.entries(numbers).map(([name, value]) => {
    if (typeof value != "bigint" && !Number.isInteger(value)) refuse("integer", `${name}=${repr(value)} must be an integer, not ${kind(value)}`, { value });
    const bits = BigInt(value).toString(2).replace("-", "").length;
    if (bits > 63) refuse("long", `${name} has ${bits} bits; torch's sizes end at 2**63 - 1`);
    return [name, BigInt(value)];
  });
  return read.map(([name, number]) => {
    if (number < minimum) refuse("least", `${name}=${number} must be at least ${minimum}`, { minimum });
    return number;
  });
}

function pair(padding) {
  const rule = "an integer or a pair (before, after)";
  if (typeof padding == "string") {
    refuse("pair", `padding=${repr(padding)} must be ${rule}, not str; same_padding(kernel_size) gives the pair that keeps the size`);
  }
  if (!Array.isArray(padding)) return ends({ padding: atLeast(0, { padding })[0] });
  if (padding.length == 2) return atLeast(0, { "padding[0]": padding[0], "padding[1]": padding[1] });
  refuse("pair", `padding=${repr(padding)} has ${padding.length} numbers; it must be ${rule.replace("an", "one")}`);
}

function outputSize(input_size, { type, kernel_size, stride, padding, dilation, ceil_mode }) {
  const [n, k, s, d] = atLeast(1, { input_size, kernel_size, stride, dilation });
  if (type == "pool") atLeast(0, { padding });
  const [before, after] = pair(padding);
  if (typeof ceil_mode != "boolean") refuse("truth", `ceil_mode=${repr(ceil_mode)} must be True or False, not ${kind(ceil_mode)}`);
  if (type == "pool" && before > k / 2n) {
    const where = ceil_mode ? " with ceil_mode" : "";
    refuse("half", `padding=${before} must be at most half of kernel_size=${k}${where}, as in torch's poolings (padding=${k / 2n} would fit)`, { fits: k / 2n });
  }
  const extent = d * (k - 1n) + 1n;
  const padded = n + before + after;
  const room = padded - extent;
  // With ceil_mode even the only window may hang over, by less than a stride.
  if (room < 0n && !(ceil_mode && -room < s)) {
    const came = `input_size=${n}, padding=${Array.isArray(padding) ? repr(padding) : before} has ${padded}`;
    const fits = (extent - n + 1n) / 2n;
    refuse("spans", `kernel_size=${k}, dilation=${d} spans ${extent} cells; ${came} (padding=${fits} would fit)`, {
      ...{ extent, padded, fits },
      name: d > 1n && k <= padded ? "dilation" : "kernel_size", // the one without which it would fit
    });
  }
  const places = room < 0n ? 1n : (room + (ceil_mode ? s - 1n : 0n)) / s + 1n;
  return ceil_mode && (places - 1n) * s >= n + before ? places - 1n : places;
}

function transposedOutputSize(input_size, { kernel_size, stride, padding, dilation, output_padding }) {
  const [n, k, s, d] = atLeast(1, { input_size, kernel_size, stride, dilation });
  const [p, extra] = atLeast(0, { padding, output_padding });
  const most = (s > d ? s : d) - 1n;
  if (extra > most) refuse("extra", `output_padding=${extra} must be less than stride=${s} or dilation=${d} (at most ${most} would fit)`, { fits: most });
  const written = (n - 1n) * s + d * (k - 1n) + 1n + extra;
  if (written <= 2n * p) {
    const fits = (written - 1n) / 2n;
    refuse("takes", `padding=${p} takes off ${2n * p} cells of ${written} (padding=${fits} would fit)`, { taken: 2n * p, written, fits });
  }
  return written - 2n * p;
}

/** Whether the layer goes from few units to many. */
export const upward = ({ type }) => type == "transposed" || type == "upsample";
export const ends = ({ padding }) => (Array.isArray(padding) ? padding : [padding, padding]);

/** The cells of the map before that a unit reads, those of padding included. */
export function taps(layer, unit) {
  const { kernel_size, stride, dilation } = layer;
  const [before] = ends(layer);
  const cells = [];
  for (let step = 0; step < kernel_size * dilation; step += dilation) {
    const cell = upward(layer) ? (unit + before - step) / stride : unit * stride - before + step;
    if (Number.isInteger(cell)) cells.push(cell);
  }
  return cells;
}

/** First and last input cell of a unit, where `regions` are those of one period and the next lies `advance` further. */
function region({ regions, advance }, unit) {
  const block = Math.floor(unit / regions.length);
  return regions[unit - block * regions.length]?.map((cell) => cell + block * advance);
}

function hull(found) {
  const ends = found.flatMap((region) => region ?? []);
  if (ends.length) return [Math.min(...ends), Math.max(...ends)];
}

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** The form one layer deeper; null when no unit sees anything, or the turns are too many to tell. */
function through(form, layer) {
  const { kernel_size, stride, dilation } = layer;
  const period = form.regions.length;
  if (period == 1 && !upward(layer)) {
    const [first, last] = form.regions[0];
    const left = ends(layer)[0];
    return { regions: [[first - left * form.advance, last + (dilation * (kernel_size - 1) - left) * form.advance]], advance: form.advance * stride };
  }
  const [outs, ins] = upward(layer) ? [stride, 1] : [1, stride];
  const blocks = period / gcd(period, ins);
  const units = blocks * outs;
  if (units > 4096 || units * kernel_size > 65536) return null;
  const regions = [...Array(units).keys()].map((unit) => hull(taps(layer, unit).map((cell) => region(form, cell))));
  return shortest(regions, (form.advance * blocks * ins) / period);
}

/** The form with the shortest period in which the fields of these units repeat. */
function shortest(regions, advance) {
  for (let period = 1; period <= regions.length; period++) {
    const form = { regions: regions.slice(0, period), advance: (advance * period) / regions.length };
    const whole = regions.length % period == 0 && Number.isInteger(form.advance);
    if (whole && regions.every((found, unit) => `${found}` == `${region(form, unit)}`)) return regions.some(Boolean) ? form : null;
  }
}

/** A layer with every number; nearest upsampling is a transposed convolution whose kernel is its stride. */
export function complete(layer) {
  const { type = "conv", kernel_size, stride = type == "upsample" ? kernel_size : 1 } = layer;
  const usual = { padding: 0, dilation: 1, output_padding: 0, ceil_mode: false };
  if (type == "upsample") return { type, ...usual, kernel_size: stride, stride };
  return { ...usual, ...layer, type, kernel_size, stride, ...(type != "pool" && { ceil_mode: false }) };
}

/** How far apart the middles of the fields of neighbouring units are, on average where units take turns, and unit 0's. */
function middle({ regions, advance }) {
  const pace = advance / regions.length;
  const middles = regions.flatMap((ends, unit) => (ends ? [(ends[0] + ends[1]) / 2 - unit * pace] : []));
  return { pace, centre: middles.reduce((a, b) => a + b) / middles.length };
}

/**
 * What a stack does, layer by layer. `size` is the largest of `sizes`, one for each turn that units take after
 * upsampling; `stride` and `padding` are null where no single field exists. An error comes with the number of
 * its layer (`at`, -1 for the input) and the argument's `name`.
 */
export function geometry({ inputSize, layers }) {
  const found = [];
  let at = -1;
  try {
    let [size] = atLeast(1, { input_size: inputSize });
    if (layers.length > MOST_LAYERS) refuse("many", `layers=${layers.length} must be at most ${MOST_LAYERS}`);
    let form = { regions: [[0, 0]], advance: 1 };
    while (++at < layers.length) {
      const layer = complete(layers[at]);
      if (!TYPES.includes(layer.type)) refuse("type", `type=${repr(layer.type)} must be one of ${TYPES.join(", ")}`);
      if (layer.type == "upsample") atLeast(1, { stride: layer.stride });
      size = (upward(layer) ? transposedOutputSize : outputSize)(size, layer);
      form &&= through(form, layer);
      if ([form?.advance, ...(form?.regions.flat() ?? [])].some((cell) => Math.abs(cell) > LARGEST)) form = null;
      const sizes = form?.regions.map((ends) => (ends ? ends[1] - ends[0] + 1 : 0)) ?? [];
      const [stride, padding] = sizes.length == 1 ? [form.advance, 0 - form.regions[0][0]] : [null, null];
      found.push({ outputSize: size <= LARGEST ? Number(size) : null, size: form && Math.max(...sizes), stride, padding, sizes, ...(form && middle(form)) });
    }
  } catch (error) {
    if (!error.rule) throw error; // a fault of ours, no refusal
    return { error: error.message, refusal: error, layers: [], found, at, name: error.name };
  }
  return { error: null, layers: found, found };
}
