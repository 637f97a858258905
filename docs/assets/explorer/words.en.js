// What the explorer says in English. `home` is where the pages of the language are.

const some = (count, one) => `${count} ${one}${/(^|= )1$/.test(count) ? "" : "s"}`;

export default {
  home: "",
  preset: ["Network", {
    net: "The article's Net",
    alexnet: "AlexNet",
    vgg16: "VGG-16",
    resnet: "ResNet, the start (no shortcuts)",
    resnet50: "ResNet-50, the longest way",
    dncnn: "DnCNN",
    dilated: "Dilations 1, 2, 4, 8",
    unet: "U-Net, down and up (no shortcuts)",
    wavenet: "WaveNet, four layers",
    wavenet10: "WaveNet, ten layers",
    own: "Your own",
  }],
  input_size: "Image size",
  axes: ["Drawn as", { 2: "grid (2-D)", 1: "strip (1-D)" }],
  picture: ["On the image", { "": "nothing", photo: "photograph", digit3: "digit 3", digit8: "digit 8", file: "your own…" }],
  view: ["Shade", { "": "what is read", ways: "how often" }],
  undo: "Undo",
  redo: "Redo",
  add: "Add a layer",
  up: "up",
  down: "down",
  remove: "remove",
  type: ["type", { conv: "conv", pool: "pool", transposed: "transposed", upsample: "upsample" }],
  kernel_size: "kernel",
  stride: "stride",
  padding: "padding",
  dilation: "dilation",
  output_padding: "out. pad",
  ceil_mode: "round up",
  code: "Copy as PyTorch",
  link: "Copy link",
  open: "Open in the explorer",
  copied: "Copied",
  shut: "Copy it from here",
  unread: "This file is no image that the browser can read.",
  damaged: "This link is damaged, so the network shown is not the one it meant.",
  stale: "The picture shows the last stack that works.",
  large: "The numbers hold, but a picture ends at 1,024 cells a side.",
  refusals: {
    integer: (label, { value }) => {
      if (Array.isArray(value)) return `${label}: rows and columns share one number here.`;
      return `${value ?? ""}`.trim() ? `${label}: “${value}” is not a whole number.` : `${label}: a whole number belongs here.`;
    },
    long: (label) => `${label}: this number is too large.`,
    least: (label, { minimum }) => `${label}: at least ${minimum}.`,
    pair: (label) => `${label}: a whole number, or two of them, before and after.`,
    truth: (label) => `${label}: yes or no.`,
    half: (label, { fits }) => `${label}: at most half of the kernel, which is ${fits} here.`,
    spans: (label, { extent, padded, fits }) => `${label}: the window spans ${extent} cells, but the map with its padding has ${padded}. A padding of ${fits} would fit.`,
    extra: (label, { fits }) => `${label}: less than stride or dilation, at most ${fits} here.`,
    takes: (label, { taken, written, fits }) => `${label}: it takes off ${taken} of ${written} cells. At most ${fits} would fit.`,
    many: () => "There are more than 64 layers.",
    type: (label) => `${label}: there is no such layer.`,
  },
  often: (std, width, whole) => `Along a row the ways have a standard deviation of ${std} pixels; 95 % of them start within ${some(width, "pixel")} of ${whole}.`,
  chosen: (at) => `, unit ${at} chosen`,
  letters: ["size of the map", "receptive field", "jump from unit to unit", "padding before the first field"],
  legend: { unit: "unit", used: "read", field: "skipped", padding: "padding", background: "not read by any unit", dashed: "whole field" },
  image: "image",
  keys: "choose a unit with the arrow keys",
  sums: ["Size", "Field", "Rows", "Columns", "Cells"],
  turns: (sizes) => `units take turns and see ${sizes} cells; r is the largest`,
  where: (rows, columns) => (columns ? `rows ${rows}, columns ${columns}` : rows),
  unit: (u) =>
    `Unit ${u.at} of ${u.name} reads ${some(u.read, "cell")} of ${u.before || "the image"}${u.padded ? `, ${u.padded} of them padding` : ""}. ` +
    (u.where ? `It sees ${some(u.seen, "pixel")} of the image: ${u.where}.` : "It sees no pixel of the image.") +
    (u.lost ? ` The border takes ${u.lost} of the ${some(u.whole, "pixel")} of its field.` : "") +
    (u.skipped ? ` It skips ${some(u.skipped, "pixel")} in between.` : ""),
  pixel: (at, maps) => maps.length ? `Pixel ${at} reaches ${maps.map(([name, units]) => `${some(units, "unit")} of ${name}`).join("; ")}.` : `Pixel ${at}. There is no layer yet.`,
};
