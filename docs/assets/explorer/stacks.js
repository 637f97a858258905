// A stack as text: presets and links.

import { MOST_LAYERS, TYPES } from "./geometry.js";

/** Axes, input size; each layer's kernel, stride, padding, dilation, output padding, a `c` for ceil_mode; map and place of the unit. */
export const PRESETS = {
  net: "2d.32~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~p2.2.0.1.0@4.4.4",
  vgg16: "2d.64~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0@10.4.4",
  resnet: "2d.64~c7.2.3.1.0~p3.2.1.1.0~c3.1.1.1.0~c3.1.1.1.0@4.8.8",
  dilated: "2d.32~c3.1.1.1.0~c3.1.2.2.0~c3.1.4.4.0~c3.1.8.8.0@4.16.16",
  unet: "2d.32~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~t2.2.0.1.0~c3.1.1.1.0~t2.2.0.1.0~c3.1.1.1.0@8.4.4",
  wavenet: "1d.32~c2.1.1-0.1.0~c2.1.2-0.2.0~c2.1.4-0.4.0~c2.1.8-0.8.0@4.24.24",
};

/** The text of a state whose layers have every number. */
export function write({ axes, inputSize, layers, unit }) {
  const parts = layers.map((layer) => {
    const numbers = [layer.kernel_size, layer.stride, [layer.padding].flat().join("-"), layer.dilation, layer.output_padding];
    return `~${layer.type[0]}${numbers.join(".")}${layer.ceil_mode ? "c" : ""}`;
  });
  return `${axes}d.${inputSize}${parts.join("")}@${[unit.map, ...unit.at].join(".")}`;
}

/** The state that a text tells; null if it is damaged, that is, not what the state would be written as. */
export function read(text) {
  const [head, ...parts] = `${text}`.split(/[~@]/);
  const [axes, inputSize] = head.split("d.").map(Number);
  const [map, ...at] = (parts.pop() ?? "").split(".").map(Number);
  const layers = parts.map((part) => {
    const type = TYPES.find((name) => name[0] == part[0]) ?? "";
    const [kernel_size, stride, padding, dilation, output_padding] = part.slice(1).split(".").map((one) => (/-/.test(one) ? one.split("-").map(Number) : parseInt(one)));
    return { type, kernel_size, stride, padding, dilation, output_padding, ceil_mode: part.endsWith("c") };
  });
  const state = { axes, inputSize, layers, unit: { map, at } };
  const drawn = (axes == 1 || axes == 2) && at.length == 2 && layers.length <= MOST_LAYERS;
  return drawn && write(state) == text ? state : null;
}

/** conv1, pool1, conv2, … */
export function names(layers) {
  const counts = {};
  return layers.map(({ type }) => type + (counts[type] = (counts[type] ?? 0) + 1));
}
