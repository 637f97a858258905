// A stack as text: presets and links.

import { MOST_LAYERS, TYPES } from "./geometry.js";

/** Axes, input size; each layer's kernel, stride, padding, dilation, output padding, a `c` for ceil_mode; map and place of the unit. */
export const PRESETS = {
  net: "2d.32~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~p2.2.0.1.0@4.4.4",
  alexnet: "2d.224~c11.4.2.1.0~p3.2.0.1.0~c5.1.2.1.0~p3.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~p3.2.0.1.0@8.3.3",
  vgg16: "2d.224~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0@18.3.3",
  resnet: "2d.64~c7.2.3.1.0~p3.2.1.1.0~c3.1.1.1.0~c3.1.1.1.0@4.8.8",
  resnet50: "2d.224~c7.2.3.1.0~p3.2.1.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.2.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.2.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.2.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0~c1.1.0.1.0~c3.1.1.1.0~c1.1.0.1.0@50.3.3",
  dncnn: "2d.40~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0~c3.1.1.1.0@17.20.20",
  dilated: "2d.32~c3.1.1.1.0~c3.1.2.2.0~c3.1.4.4.0~c3.1.8.8.0@4.16.16",
  unet: "2d.32~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~p2.2.0.1.0~c3.1.1.1.0~c3.1.1.1.0~t2.2.0.1.0~c3.1.1.1.0~t2.2.0.1.0~c3.1.1.1.0@8.4.4",
  wavenet: "1d.32~c2.1.1-0.1.0~c2.1.2-0.2.0~c2.1.4-0.4.0~c2.1.8-0.8.0@4.24.24",
  wavenet10: "1d.1024~c2.1.1-0.1.0~c2.1.2-0.2.0~c2.1.4-0.4.0~c2.1.8-0.8.0~c2.1.16-0.16.0~c2.1.32-0.32.0~c2.1.64-0.64.0~c2.1.128-0.128.0~c2.1.256-0.256.0~c2.1.512-0.512.0@10.1023.1023",
};

/** The text of a state whose layers have every number. */
export function write({ axes, inputSize, layers, unit }) {
  const parts = layers.map((layer) => {
    const numbers = [layer.kernel_size, layer.stride, [layer.padding].flat().join("-"), layer.dilation, layer.output_padding];
    return `~${layer.type[0]}${numbers.join(".")}${layer.ceil_mode ? "c" : ""}`;
  });
  return `${axes}d.${inputSize}${parts.join("")}@${[unit.map, ...unit.at].join(".")}`;
}

const LAYER = "([cptu])(\\d{1,5})\\.(\\d{1,5})\\.(\\d{1,5})(?:-(\\d{1,5}))?\\.(\\d{1,5})\\.(\\d{1,5})(c?)";
const STATE = RegExp(`^([12])d\\.(\\d{1,5})((?:~${LAYER.replace(/\((?!\?)/g, "(?:")})*)@(\\d{1,5})\\.(\\d{1,5})\\.(\\d{1,5})$`);

/** The state that a text tells; null if it is damaged. What messengers do to links is undone first. */
export function read(text) {
  let plain = `${text}`.replace(/[.,;:!?)>]+$/, "");
  try {
    plain = decodeURIComponent(plain);
  } catch {
    return null;
  }
  const found = STATE.exec(plain);
  if (!found) return null;
  const [axes, inputSize, map, ...at] = [1, 2, 4, 5, 6].map((group) => Number(found[group]));
  const layers = [...found[3].matchAll(RegExp(LAYER, "g"))].map(([, letter, ...rest]) => {
    const [kernel_size, stride, before, after, dilation, output_padding] = rest.map(Number);
    const padding = rest[3] ? [before, after] : before;
    return { type: TYPES.find((name) => name[0] == letter), kernel_size, stride, padding, dilation, output_padding, ceil_mode: rest[6] == "c" };
  });
  return layers.length <= MOST_LAYERS ? { axes, inputSize, layers, unit: { map, at } } : null;
}

/** conv1, pool1, conv2, … */
export function names(layers) {
  const counts = {};
  return layers.map((layer) => {
    const type = TYPES.includes(layer?.type ?? "conv") ? layer?.type ?? "conv" : "layer";
    return type + (counts[type] = (counts[type] ?? 0) + 1);
  });
}
