// What the explorer says in Chinese. `home` is where the pages of the language are.

export default {
  home: "zh/",
  preset: ["网络", {
    net: "文章中的 Net",
    vgg16: "VGG-16 的开头",
    resnet: "ResNet 的开头",
    dilated: "膨胀 1、2、4、8",
    unet: "U-Net：先下后上",
    wavenet: "WaveNet",
    own: "自定义",
  }],
  input_size: "图像边长",
  axes: ["画法", { 2: "网格（二维）", 1: "长条（一维）" }],
  picture: ["图像内容", { "": "无", photo: "照片", digit3: "数字 3", digit8: "数字 8", file: "自选图片…" }],
  undo: "撤销",
  add: "添加一层",
  up: "上移",
  down: "下移",
  remove: "删除",
  type: ["类型", { conv: "卷积", pool: "池化", transposed: "转置卷积", upsample: "上采样" }],
  kernel_size: "核",
  stride: "步幅",
  padding: "填充",
  dilation: "膨胀",
  output_padding: "输出填充",
  ceil_mode: "向上取整",
  code: "复制为 PyTorch",
  link: "复制链接",
  open: "在探索器中打开",
  copied: "已复制",
  shut: "请从这里复制",
  damaged: "链接已损坏，这里显示默认网络。",
  stale: "图中仍是上一个可行的网络。",
  large: "数值无误，但图最多画到每边 256 格。",
  legend: { unit: "单元", used: "读取", field: "跳过", padding: "填充", background: "无单元读取", dashed: "完整感受野" },
  image: "图像",
  keys: "用方向键选择单元",
  sums: ["边长", "感受野", "行", "列", "格"],
  turns: (sizes) => `各单元轮流看到 ${sizes} 格，r 取最大者`,
  where: (rows, columns) => (columns ? `第 ${rows} 行，第 ${columns} 列` : `第 ${rows} 格`),
  unit: (u) =>
    `${u.name} 的单元 ${u.at} 读取${u.before ? ` ${u.before} ` : "图像"}的 ${u.read} 格${u.padded ? `，其中 ${u.padded} 格是填充` : ""}。` +
    (u.where ? `它看到图像的 ${u.seen} 个像素：${u.where}。` : "它看不到图像的任何像素。") +
    (u.lost ? `感受野的 ${u.whole} 个像素中，有 ${u.lost} 个被边界截去。` : "") +
    (u.skipped ? `其间跳过 ${u.skipped} 个像素。` : ""),
  pixel: (at, maps) => `像素 ${at} 影响到 ${maps.map(([name, units]) => `${name} 的 ${units} 个单元`).join("，")}。`,
};
