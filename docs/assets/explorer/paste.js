// A chain in PyTorch, as code or as print(model) shows it, read into a stack. What is not understood is refused by line.

import { complete } from "./geometry.js";

const POSITIONS = {
  Conv: "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode",
  ConvTranspose: "in_channels out_channels kernel_size stride padding output_padding groups bias dilation padding_mode",
  MaxPool: "kernel_size stride padding dilation return_indices ceil_mode",
  AvgPool: "kernel_size stride padding ceil_mode count_include_pad divisor_override",
  LPPool: "norm_type kernel_size stride ceil_mode",
  Upsample: "size scale_factor mode align_corners",
  UpsamplingNearest: "size scale_factor",
  ZeroPad: "padding",
  ConstantPad: "padding value",
};
const POINTWISE =
  /^(ReLU6?|LeakyReLU|[PR]ReLU|C?ELU|SELU|GELU|SiLU|Mish|Sigmoid|Tanh|Softplus|Softsign|Hard(swish|sigmoid|tanh|shrink)|LogSigmoid|Threshold|Tanhshrink|Softshrink|(Feature)?(Alpha)?Dropout[123]?d?|(Sync)?BatchNorm[12]?d?|Identity|Softmax2d)$/;
const HOLDERS = /^(Sequential|OrderedDict|ModuleList|list)$/;
const IGNORED = /^(zeros|rand|randn|print|tuple|named_children|items|layer|net)$/;

const blank = (text) => text.replace(/[^\n]/g, " ");

/** Where the bracket that opens at `from` closes. */
function closing(text, from) {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    depth += "([{".includes(text[i]) - ")]}".includes(text[i]);
    if (!depth) return i;
  }
  return text.length;
}

/** The arguments of a call, split at the commas outside of brackets. */
function parts(text) {
  const found = [];
  let depth = 0;
  let part = "";
  for (const sign of text) {
    depth += "([{".includes(sign) - ")]}".includes(sign);
    if (sign == "," && !depth) found.push(part);
    part = sign == "," && !depth ? "" : part + sign;
  }
  return [...found, part].map((one) => one.trim()).filter(Boolean);
}

/** A number, truth, string or tuple as Python writes it; undefined for anything else. */
function value(text) {
  const tuple = /^[([](.*)[)\]]$/s.exec(text);
  if (tuple) return parts(tuple[1]).map(value);
  if (/^-?\d+(\.0*)?$/.test(text)) return Number(text);
  const string = /^(['"])(\w*)\1$/.exec(text)?.[2];
  return string ?? { True: true, False: false, None: null, nearest: "nearest", zeros: "zeros", same: "same", valid: "valid" }[text];
}

function options(kind, text) {
  const names = POSITIONS[kind].split(" ");
  const given = {};
  parts(text).forEach((part, i) => {
    const [, name = names[i], written] = /^(?:(\w+)\s*=(?!=))?\s*(.*)$/s.exec(part);
    // Channels may be names or sums: they do not matter here.
    given[name] = /channels|groups|bias|^value$/.test(name) ? null : value(written);
    if (given[name] === undefined) throw { why: "argument", what: part };
  });
  return given;
}

/** One number for all axes. */
function one(name, given) {
  const numbers = [given].flat();
  if (numbers.some((number) => number !== numbers[0])) throw { why: "axes", what: `${name}=(${numbers.join(", ")})` };
  if (!Number.isInteger(numbers[0])) throw { why: "argument", what: `${name}=${given}` };
  return numbers[0];
}

/** The layer of a call; `pad` is what a padding layer before it adds to both ends. */
function layer(kind, given, pad) {
  const [type] = Object.entries({ transposed: /^ConvT/, conv: /^Conv/, pool: /Pool/, upsample: /^Ups/ }).find(([, name]) => name.test(kind));
  const get = (name, usual) => (given[name] == null ? usual : one(name, given[name]));
  if (given.size != null || !["nearest", "zeros", undefined, null].includes(given.mode ?? given.padding_mode)) throw { why: "argument", what: given.size != null ? "size" : given.mode ?? given.padding_mode };
  if (type == "upsample") return { type, stride: get("scale_factor") };
  const kernel_size = get("kernel_size");
  const dilation = get("dilation", 1);
  const whole = { type, kernel_size, stride: get("stride", type == "pool" ? kernel_size : 1), dilation };
  const total = dilation * (kernel_size - 1);
  if (given.padding == "same") {
    if (whole.stride != 1) throw { why: "argument", what: "padding='same', stride>1" };
    whole.padding = total % 2 ? [total >> 1, (total >> 1) + 1] : total / 2;
  } else whole.padding = given.padding == "valid" ? 0 : get("padding", 0);
  if (pad.some(Boolean)) {
    if (type != "conv") throw { why: "pad", what: kind };
    const [before, after] = [whole.padding].flat().length > 1 ? whole.padding : [whole.padding, whole.padding];
    whole.padding = [before + pad[0], after + pad[1]];
  }
  if (type == "transposed") whole.output_padding = get("output_padding", 0);
  if (type == "pool") whole.ceil_mode = given.ceil_mode === true;
  return whole;
}

/** What a padding layer adds before and after, the same along each axis. */
function padding(given, axes) {
  if (given.padding == null) throw { why: "argument", what: "padding" };
  const ends = Array.isArray(given.padding) ? given.padding : Array(2 * axes).fill(given.padding);
  if (!ends.every((end, i) => Number.isInteger(end) && end >= 0 && end == ends[i % 2])) throw { why: "axes", what: `padding=(${ends.join(", ")})` };
  return ends.slice(0, 2);
}

/** Read a chain: `{axes, inputSize, layers}`, where the program has them, or else `{error: {why, what, line}}`. */
export function paste(written) {
  const text = `${written}`.replace(/#.*/g, blank).replace(/^\s*(from|import)\s.*$/gm, blank).replace(/^for \w+, \w+ in \w+\.named_children\(\):[^]*$/m, blank);
  const layers = [];
  const found = { axes: null, inputSize: null };
  let [pad, at] = [[0, 0], 0];
  try {
    const strange = /\b(class|def|for|while|if|lambda|F\.\w+)\b|\]\s*\*|\*\s*\[|(?<!\d )\*(?!\s*\d+ x)/.exec(text);
    if (strange) throw { why: "program", what: strange[0], at: strange.index };
    const call = /(?:\((\d+)-(\d+)\): (\d+) x )?([\w.]+)\s*\(/g;
    for (let match; (match = call.exec(text)); ) {
      at = match.index;
      const name = match[4].split(".").at(-1);
      if (HOLDERS.test(name) && !match[3]) continue;
      const end = closing(text, call.lastIndex - 1);
      const inside = text.slice(call.lastIndex, end);
      const [, base = name, digits] = /^([A-Za-z]+?)([12])d$/.exec(name) ?? [];
      const zeros = /^(zeros|rand|randn)$/.test(name) && parts(inside).map(Number);
      if (zeros?.length > 2) found.inputSize = one("input", zeros.slice(2));
      call.lastIndex = end;
      if (POINTWISE.test(name) || IGNORED.test(name)) continue;
      if (!POSITIONS[base] || (!digits && base != "Upsample")) throw { why: "layer", what: match[4] };
      if (digits && found.axes && found.axes != digits) throw { why: "axes", what: name };
      found.axes ??= digits && Number(digits);
      const given = options(base, inside);
      for (let copy = Number(match[3] ?? 1); copy--; ) {
        if (/Pad$/.test(base)) pad = padding(given, found.axes);
        else {
          layers.push(complete(layer(base, given, pad)));
          pad = [0, 0];
        }
      }
    }
    if (pad.some(Boolean)) throw { why: "pad", what: "Pad" };
    if (!layers.length) throw { why: "nothing", what: "", at: 0 };
    return { ...found, layers };
  } catch (error) {
    if (!error.why) throw error;
    return { error: { ...error, line: text.slice(0, error.at ?? at).split("\n").length } };
  }
}
