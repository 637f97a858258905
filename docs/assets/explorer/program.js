// The stack in PyTorch; loaded when a reader asks for it.

/** A program that builds the stack and prints the shapes shown; its layers have every number, `names` begin with the image's. */
export function pytorch({ axes, inputSize, layers, names }) {
  const each = (value) => Array(axes).fill(value).join(", ");
  let channels = 3;
  const lines = layers.map((layer, i) => {
    const { type, stride, ceil_mode } = layer;
    if (type == "upsample") return `    ${names[i + 1]}=nn.Upsample(scale_factor=${stride}),\n`;
    const pad = Array.isArray(layer.padding) ? `    pad${i + 1}=nn.ConstantPad${axes}d((${each(layer.padding.join(", "))}), 0),\n` : "";
    const say = (...keys) => keys.map((key) => `${key}=${pad && key == "padding" ? 0 : layer[key]}`).join(", ");
    const size = say("kernel_size", "stride", "padding", "dilation");
    if (type == "pool") return `    ${names[i + 1]}=nn.MaxPool${axes}d(${size}${ceil_mode ? ", ceil_mode=True" : ""}),\n`;
    const from = channels;
    channels = 8;
    const [name, more] = type == "conv" ? ["Conv", ""] : ["ConvTranspose", `, ${say("output_padding")}`];
    return `${pad}    ${names[i + 1]}=nn.${name}${axes}d(${from}, 8, ${size}${more}),\n`;
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
