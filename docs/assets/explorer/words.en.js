// What the explorer says in English. `home` is where the pages of the language are.

export default {
  home: "",
  preset: ["Network", {
    net: "The article's Net",
    vgg16: "VGG-16, the start",
    resnet: "ResNet, the start",
    dilated: "Dilations 1, 2, 4, 8",
    unet: "U-Net, down and up",
    wavenet: "WaveNet",
    own: "Your own",
  }],
  input_size: "Image size",
  axes: ["Drawn as", { 2: "grid (2-D)", 1: "strip (1-D)" }],
  picture: ["On the image", { "": "nothing", photo: "photograph", digit3: "digit 3", digit8: "digit 8", file: "your own…" }],
  undo: "Undo",
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
  damaged: "This link is damaged; you see the usual network.",
  stale: "The picture shows the last stack that works.",
  large: "The numbers hold, but a picture ends at 256 cells a side.",
  legend: { unit: "unit", used: "read", field: "skipped", padding: "padding", background: "not read by any unit", dashed: "whole field" },
  image: "image",
  keys: "choose a unit with the arrow keys",
  sums: ["Size", "Field", "Rows", "Columns", "Cells"],
  turns: (sizes) => `units take turns and see ${sizes} cells; r is the largest`,
  where: (rows, columns) => (columns ? `rows ${rows}, columns ${columns}` : rows),
  unit: (u) =>
    `Unit ${u.at} of ${u.name} reads ${u.read} cells of ${u.before || "the image"}${u.padded ? `, ${u.padded} of them padding` : ""}. ` +
    (u.where ? `It sees ${u.seen} pixels of the image: ${u.where}.` : "It sees no pixel of the image.") +
    (u.lost ? ` The border takes ${u.lost} of the ${u.whole} pixels of its field.` : "") +
    (u.skipped ? ` It skips ${u.skipped} pixels in between.` : ""),
  pixel: (at, maps) => `Pixel ${at} reaches ${maps.map(([name, units]) => `${units} units of ${name}`).join("; ")}.`,
};
