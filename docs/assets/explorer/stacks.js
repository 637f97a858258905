// A stack as text: presets, links, and the same network in PyTorch.

import { MOST_LAYERS, TYPES, complete } from "./geometry.js";

const twice = (text) => text + text;
const CONV = "~c3.1.1.1.0";
const POOL = "~p2.2.0.1.0";
const UP = "~t2.2.0.1.0";

/** Axes, input size; each layer's kernel, stride, padding, dilation, output padding, a `c` for ceil_mode; map and place of the unit. */
export const PRESETS = {
  net: `2d.32${twice(CONV + POOL)}@4.4.4`,
  vgg16: `2d.64${twice(CONV + CONV + POOL)}${twice(CONV)}${CONV}${POOL}@10.4.4`,
  resnet: `2d.64~c7.2.3.1.0~p3.2.1.1.0${twice(CONV)}@4.8.8`,
  dilated: `2d.32${CONV}~c3.1.2.2.0~c3.1.4.4.0~c3.1.8.8.0@4.16.16`,
  unet: `2d.32${twice(CONV + CONV + POOL)}${twice(CONV)}${twice(UP + CONV)}@8.4.4`,
  wavenet: "1d.32~c2.1.1-0.1.0~c2.1.2-0.2.0~c2.1.4-0.4.0~c2.1.8-0.8.0@4.24.24",
};

export function write({ axes, inputSize, layers, unit }) {
  const parts = layers.map(complete).map((l) => {
    const numbers = [l.kernel_size, l.stride, [l.padding].flat().join("-"), l.dilation, l.output_padding];
    return `~${l.type[0]}${numbers.join(".")}${l.ceil_mode ? "c" : ""}`;
  });
  return `${axes}d.${inputSize}${parts.join("")}@${[unit.map, ...unit.at].join(".")}`;
}

/** The state that a text tells, or null if it is damaged. */
export function read(text) {
  const [, axes, inputSize, parts, map, ...at] = /^([12])d\.(\d{1,5})((?:~[^~@]+)*)@(\d+)\.(\d+)\.(\d+)$/.exec(text) ?? [];
  const layers = (parts ?? "~").split("~").slice(1).map((part) => {
    const found = /^([cptu])(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:-(\d{1,5}))?\.(\d{1,5})\.(\d{1,5})(c?)$/.exec(part);
    const [kernel_size, stride, before, after, dilation, output_padding] = found?.slice(2, 8).map(Number) ?? [];
    const type = TYPES.find((name) => name[0] == found?.[1]);
    return type && { type, kernel_size, stride, padding: found[5] ? [before, after] : before, dilation, output_padding, ceil_mode: !!found[8] };
  });
  if (!layers.every(Boolean) || layers.length > MOST_LAYERS) return null;
  return { axes: +axes, inputSize: +inputSize, layers, unit: { map: +map, at: at.map(Number) } };
}

/** conv1, pool1, conv2, … */
export function names(layers) {
  const counts = {};
  return layers.map(({ type }) => type + (counts[type] = (counts[type] ?? 0) + 1));
}

/** A program that builds the stack and prints the shapes shown. */
export function pytorch({ axes, inputSize, layers }) {
  const labels = names(layers);
  const each = (value) => Array(axes).fill(value).join(", ");
  let channels = 3;
  const lines = layers.map(complete).map((layer, i) => {
    const { type, stride, padding } = layer;
    const say = (...names) => names.map((name) => `${name}=${layer[name]}`).join(", ");
    if (type == "upsample") return `    ${labels[i]}=nn.Upsample(scale_factor=${stride}),\n`;
    const pad = Array.isArray(padding) ? `    pad${i + 1}=nn.ConstantPad${axes}d((${each(padding.join(", "))}), 0),\n` : "";
    if (pad) layer.padding = 0;
    const size = say("kernel_size", "stride", "padding", "dilation");
    if (type == "pool") return `    ${labels[i]}=nn.MaxPool${axes}d(${size}${layer.ceil_mode ? ", ceil_mode=True" : ""}),\n`;
    const from = channels;
    channels = 8;
    const [name, more] = type == "conv" ? ["Conv", ""] : ["ConvTranspose", `, ${say("output_padding")}`];
    return `${pad}    ${labels[i]}=nn.${name}${axes}d(${from}, 8, ${size}${more}),\n`;
  });
  return `from collections import OrderedDict

import torch
from torch import nn

net = nn.Sequential(OrderedDict(
${lines.join("")}))

x = torch.zeros(1, 3, ${each(inputSize)})
for name, layer in net.named_children():
    x = layer(x)
    print(name, tuple(x.shape))
`;
}
