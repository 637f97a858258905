// <rf-explorer>: a stack of layers to edit, a unit to point at, the cells that it sees.

import { MOST_LAYERS, TYPES, complete, ends, geometry, upward } from "./geometry.js";
import { reached, ring, seen } from "./cells.js";
import { PRESETS, names, pytorch, read, write } from "./stacks.js";
import { beam, inks, lines, merged, paint, sheet } from "./draw.js";
import words from "./words.js";

const LARGEST = 256;
const CONV = ["kernel_size", "stride", "padding", "dilation"];
const NUMBERS = { conv: CONV, pool: CONV, transposed: [...CONV, "output_padding"], upsample: ["stride"] };
const RESULTS = ["outputSize", "size", "stride", "padding"];
const STRIP = 30;
const GAP = 28;
const NEW = { conv: { kernel_size: 3, padding: 1 }, pool: { kernel_size: 2, stride: 2 }, transposed: { kernel_size: 2, stride: 2 }, upsample: { stride: 2 } };

const times = (counts) => counts.reduce((a, b) => a * b);
const product = (counts) => counts.join(" × ") + (counts[1] === undefined ? "" : ` = ${times(counts)}`);
const range = (cells) => (cells.length > 1 ? `${cells[0]}–${cells.at(-1)}` : `${cells[0]}`);
const options = (words) => Object.entries(words).map(([value, word]) => `<option value="${value}">${word}</option>`).join("");

/** What a reader typed as Python would take it: a number, a pair, or else the text. */
function typed(text) {
  const plain = text.normalize("NFKC").trim();
  const pair = /^\(?(-?\d+) *, *(-?\d+)\)?$/.exec(plain);
  return pair ? pair.slice(1).map(Number) : plain && !isNaN(plain) ? Number(plain) : text;
}

const page = (t) => `<link rel="stylesheet" href="${new URL("explorer.css", import.meta.url)}"><slot></slot><div id="all" hidden>
<div class="bar"><label>${t.preset}<select data-do="preset">${options(t.presets)}</select></label>
<label class="edit">${t.input_size}<input data-name="input_size" inputmode="numeric"></label>
<label class="edit">${t.axes}<select data-do="axes">${options(t.shapes)}</select></label>
<label class="edit">${t.picture}<select data-do="picture">${options(t.pictures)}</select></label>
<input type="file" accept="image/*" hidden><button class="edit" data-do="undo">${t.undo}</button></div>
<p id="bad" role="alert"></p><div class="stage"><canvas id="over"></canvas></div><p class="say" aria-live="polite"></p>
<p class="legend">${Object.entries(t.legend).map(([kind, word]) => `<span><i class="${kind}"></i>${word}</span>`).join("")}</p>
<ol class="edit"></ol><button class="edit" data-do="add">${t.add}</button><dl class="edit"></dl>
<div class="bar"><button class="edit" data-do="code">${t.code}</button><button class="edit" data-do="link">${t.link}</button><a>${t.open}</a></div>
<p id="note" role="status"></p><pre tabindex="0" hidden></pre></div>`;

function row(t, { type }, i, name) {
  const input = (key) => {
    if (type == "pool" && key == "output_padding") return `<label><span>${t.ceil_mode}</span><input type="checkbox" data-name="ceil_mode"></label>`;
    return (NUMBERS[type] ?? CONV).includes(key) ? `<label><span>${t[key]}</span><input data-name="${key}" inputmode="numeric"></label>` : "<i></i>";
  };
  const types = options(Object.fromEntries(TYPES.map((type) => [type, t[type]])));
  return `<li data-row="${i}" role="group" aria-label="${name}"><b>${name}</b><label><span>${t.type}</span><select data-do="type">${types}</select></label>
${NUMBERS.transposed.map(input).join("")}
${RESULTS.map((key) => `<label><span>${t.results[key]}</span><output data-out="${key}"></output></label>`).join("")}
<div>${["up", "down", "remove"].map((act, n) => `<button data-do="${act}" aria-label="${name}: ${t[act]}">${"↑↓×"[n]}</button>`).join("")}</div></li>`;
}

class Explorer extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #past = [];
  #state; // what the reader typed
  #answer; // what geometry says of it
  #large; // whether it works but is too large to draw
  #shown; // the last that works and fits
  #point; // the unit under the mouse
  #source; // the picture under the grid
  #views = []; // where each map is on the page
  #timer;
  #resize = new ResizeObserver(() => this.#layout());
  #theme = new MutationObserver(() => this.#draw());
  #follow = () => this.#open(location.hash);

  get stack() {
    const { inputSize, layers } = this.#now();
    return structuredClone({ inputSize, layers });
  }

  set stack({ inputSize, layers }) {
    this.#change({ ...this.#now(), preset: "own", inputSize, layers: structuredClone(layers) });
  }

  get result() {
    this.#now();
    const { error, layers } = this.#answer;
    return { error, layers: layers.map((layer) => Object.fromEntries(RESULTS.map((name) => [name, layer[name]]))) };
  }

  connectedCallback() {
    const language = (this.lang || this.closest("[lang]")?.lang || "en").slice(0, 2);
    const t = (this.t = words[language] ?? words.en);
    this.#root.innerHTML = page(t);
    this.$ = (selector) => this.#root.querySelector(selector);
    this.$$ = (selector) => [...this.#root.querySelectorAll(selector)];
    this.$("link").onload = () => {
      this.$("#all").hidden = false;
      this.$("slot").hidden = true;
      this.#resize.observe(this.$(".stage"));
    };
    for (const event of ["input", "change", "click", "pointermove", "pointerout", "keydown"]) {
      this.$("#all").addEventListener(event, (happened) => this.#on(happened));
    }
    this.#theme.observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
    addEventListener("hashchange", this.#follow);
    this.#now();
    this.#render();
    this.#follow();
  }

  disconnectedCallback() {
    this.#resize.disconnect();
    this.#theme.disconnect();
    removeEventListener("hashchange", this.#follow);
    clearTimeout(this.#timer);
    delete this.$;
  }

  /** The state; before the first look, what the attributes say. */
  #now() {
    if (!this.#state) {
      const preset = this.getAttribute("preset") ?? "net";
      for (const text of [PRESETS.net, PRESETS[preset], this.getAttribute("stack")]) {
        if (text) this.#take({ preset: text == PRESETS[preset] ? preset : "own", ...read(text) });
      }
    }
    return this.#state;
  }

  /** Take the state in the address, if this explorer is the one that links lead to. */
  #open(hash) {
    if (!this.linked || !hash.startsWith("#rf=") || hash == this.#hash()) return;
    const state = read(hash.slice(4));
    if (state) this.#change({ preset: "own", ...state });
    this.$("#note").textContent = state ? "" : this.t.damaged;
  }

  get linked() {
    return this.hasAttribute("linked");
  }

  #hash() {
    return `#rf=${write(this.#shown)}`;
  }

  #change(state, key) {
    if (!key || key != this.#past.at(-1)?.key) this.#past.push({ key, state: this.#now() });
    this.#take(state);
    this.#render();
  }

  #take(state) {
    const { inputSize, layers, unit } = state;
    const { error, found } = (this.#answer = geometry(state));
    this.#state = state;
    const sizes = [inputSize, ...found.map((map) => map.outputSize)];
    const whole = error ? [] : layers.map(complete);
    const counts = [...sizes, ...whole.flatMap((layer) => [layer.kernel_size, ...ends(layer)])];
    this.#large = !error && !(counts.every((count) => count <= LARGEST) && found.every((map) => map.size < LARGEST ** 2));
    if (error || this.#large) return;
    const map = Math.min(unit.map, layers.length);
    state.unit = { map, at: unit.at.map((place) => Math.min(place, sizes[map] - 1)) };
    this.#shown = { ...state, layers: whole, sizes, found, names: ["", ...names(layers)] };
  }

  #render() {
    const { $, $$, t } = this;
    if (!$) return;
    const { layers, inputSize, axes, preset } = this.#state;
    const { error, found, at, name } = this.#answer;
    const rows = `${names(layers)}`;
    if (this.rows != rows) $(".bar").append($("#bad"));
    if (this.rows != rows) $("ol").innerHTML = layers.map((layer, i) => row(t, layer, i, names(layers)[i])).join("");
    this.rows = rows;
    const shown = this.#shown;
    shown.names[0] = t.image;
    const maps = `${[shown.axes, shown.names]}`;
    if (this.maps != maps) {
      $$("figure").forEach((figure) => figure.remove());
      const figure = (name) => `<figure><canvas tabindex="0" role="application" aria-label="${name}: ${t.map}"></canvas><figcaption></figcaption></figure>`;
      $("#over").insertAdjacentHTML("beforebegin", shown.names.map(figure).join(""));
      $(".stage").classList.toggle("strips", shown.axes == 1);
    }
    this.maps = maps;
    $$("figcaption").forEach((caption, m) => {
      const r = m ? ` · r ${shown.found[m - 1].size ?? "?"}` : "";
      caption.innerHTML = `<b>${shown.names[m]}</b> ${Array(shown.axes).fill(shown.sizes[m]).join(" × ")}${r}`;
    });
    for (const input of $$("[data-name]")) {
      const i = input.closest("li")?.dataset.row ?? -1;
      const key = input.dataset.name;
      const value = i < 0 ? inputSize : layers[i][key] ?? complete(layers[i])[key] ?? "";
      if (`${typed(input.value)}` != `${value}`) input.value = value;
      input.checked = value === true;
      const wrong = error && i == at && key == name;
      input.ariaInvalid = !!wrong;
      input.setAttribute("aria-describedby", wrong ? "bad" : "");
    }
    $$("li").forEach((li, i) => {
      li.querySelector("select").value = layers[i].type;
      for (const output of li.querySelectorAll("output")) output.value = found[i]?.[output.dataset.out] ?? "–";
    });
    $("[data-do=preset]").value = preset;
    $("[data-do=axes]").value = axes;
    $("[data-do=add]").disabled = layers.length == MOST_LAYERS;
    $("[data-do=undo]").disabled = !this.#past.length;
    $("[data-do=code]").disabled = $("[data-do=link]").disabled = !!error || this.#large;
    const bad = $("#bad");
    const home = error && at >= 0 ? $$("li")[at] : $(".bar");
    if (home != bad.parentNode) home.append(bad);
    bad.innerHTML = error ? `<code></code> ${t.stale}` : this.#large ? t.large : "";
    if (error) bad.firstChild.textContent = error;
    $("pre").hidden = true;
    $("#note").textContent = "";
    this.#layout();
  }

  #layout() {
    if (!this.$) return;
    const { axes, layers, sizes, found } = this.#shown;
    const stage = this.$(".stage");
    const room = stage.clientWidth;
    if (!room) return;
    const end = found.at(-1);
    this.#views = sizes.map((size, m) => {
      const beside = ring(layers[m], size, sizes[m + 1]);
      // Around the image, room for fields that reach beyond it.
      const over = m || !end?.stride ? [0, 0] : [end.padding, (sizes.at(-1) - 1) * end.stride - end.padding + end.size - size];
      const low = beside.map((ring, i) => (axes > 1 ? Math.max(ring, Math.min(over[i], size >> 2)) : ring));
      return { size, ring: beside, low, cells: size + low[0] + low[1] };
    });
    const shares = this.#views.map(({ cells }) => Math.sqrt(cells / this.#views[0].cells));
    const fit = (room - GAP * (shares.length - 1)) / shares.reduce((a, b) => a + b);
    const unit = Math.min(250, Math.max(Math.min(150, room * 0.36), fit));
    const [before, after] = [0, 1].map((side) => Math.max(...this.#views.map((view) => view.ring[side] / view.size)));
    const canvases = this.$$("figure canvas");
    this.#views.forEach((view, m) => {
      if (axes > 1) canvases[m].style.width = canvases[m].style.height = `${Math.max(84, Math.floor(shares[m] * unit))}px`;
      else Object.assign(canvases[m].style, { width: "100%", height: `${STRIP}px` });
    });
    this.#views.forEach((view, m) => {
      const { offsetLeft: x, offsetTop: y, clientWidth: width, clientHeight: height } = canvases[m];
      const cell = axes > 1 ? width / view.cells : width / (1 + before + after) / view.size;
      const origin = axes > 1 ? view.low[0] * cell : before * cell * view.size;
      Object.assign(view, { canvas: canvases[m], x, y, width, height, cell, origin });
    });
    this.over = [stage.clientWidth, stage.clientHeight];
    this.#draw();
  }

  #draw() {
    if (!this.$ || !this.#views.length) return;
    const { axes, layers, sizes, unit } = this.#shown;
    const { map, at } = this.#point ?? unit;
    const ink = inks(this);
    const marks = at.slice(-axes).map((place) => {
      const [back, on] = [seen, reached].map((follow) => follow(layers, sizes, map, place));
      return sizes.map((_, m) => (m < map ? back[m] : on[m]));
    });
    this.#views.forEach((view, m) => {
      const [rows, columns] = [marks[0], marks.at(-1)].map((axis) => {
        const { cells, padded, field } = axis[m];
        return { ...view, marks: { cells, padded, field: m ? undefined : field } };
      });
      if (axes == 1) Object.assign(rows, { size: 1, ring: [0, 0], cell: STRIP - 2, origin: 1, marks: { cells: [0], field: [0] } });
      view.axes = [rows, columns];
      paint(sheet(view.canvas, view.width, view.height), view.axes, m < map ? "used" : "unit", ink, m ? ink.map : ink.input, axes > 1 && !m && this.#pixels(view.size));
    });
    const pen = sheet(this.$("#over"), ...this.over);
    this.#views.slice(1).forEach((view, m) => (axes > 1 ? beam : lines)(pen, this.#views[m], view, ink, layers[m]));
    this.$(".say").textContent = this.#say(map, at, marks);
    this.$("dl").innerHTML = this.#sums(map, at);
    this.$$("li").forEach((li, i) => li.classList.toggle("on", i == map - 1));
    this.$("a").href = new URL(`../../${this.t.folder}explorer/`, import.meta.url) + this.#hash();
    clearTimeout(this.#timer);
    // Browsers allow only so many changes of the address in a while.
    if (this.linked && this.#past.length) this.#timer = setTimeout(() => history.replaceState(history.state, "", this.#hash()), 300);
  }

  #say(map, at, marks) {
    const { names, axes } = this.#shown;
    const t = this.t;
    const place = axes > 1 ? `(${at.join(", ")})` : at[1];
    const counts = (m, list) => marks.map((axis) => list(axis[m]).length);
    if (!map) return t.pixel(place, names.slice(1).map((name, i) => [name, product(counts(i + 1, (axis) => axis.cells))]));
    const inside = (axis) => axis.cells;
    const read = counts(map - 1, merged);
    const cells = counts(0, inside);
    const whole = times(counts(0, (axis) => axis.field));
    return t.unit({
      at: place,
      name: names[map],
      before: map > 1 ? names[map - 1] : t.theImage,
      read: product(read),
      padded: times(read) - times(counts(map - 1, inside)),
      seen: times(cells) && product(cells),
      where: times(cells) && t.where(...marks.map((axis) => range(axis[0].cells))),
      whole,
      lost: whole - times(cells),
      skipped: times(marks.map(({ 0: { field } }) => field.at(-1) - field[0] + 1)) - whole,
    });
  }

  /** The formulas with this stack's numbers in them, up to the map of the unit. */
  #sums(map, at) {
    const { layers, sizes, found, names, axes } = this.#shown;
    const t = this.t;
    const last = (map || layers.length) - 1;
    if (last < 0) return "";
    const { type, kernel_size: k, stride: s, dilation: d, output_padding, ceil_mode } = layers[last];
    const [p, q] = ends(layers[last]);
    const n = sizes[last];
    const out = sizes[last + 1];
    const [open, close] = ceil_mode ? "⌈⌉" : "⌊⌋";
    const dropped = ceil_mode && Math.ceil((n + p + q - d * (k - 1) - 1) / s) >= out ? " − 1" : "";
    const size = {
      upsample: `${n}·${s}`,
      transposed: `(${n} − 1)·${s} − 2·${p} + ${d}·(${k} − 1) + ${output_padding} + 1`,
    }[type] ?? `${open}(${n} + ${p} + ${q} − ${d}·(${k} − 1) − 1) / ${s}${close} + 1${dropped}`;
    const lines = [[t.sums.size, `n = ${size} = <b>${out}</b>`]];
    const path = layers.slice(0, last + 1);
    const { size: r, stride: j, padding: P, sizes: turns } = found[last];
    const jumps = [1, ...found.map((map) => map.stride)];
    const terms = (write, sign) => path.map((layer, i) => `<span${i == last ? ' class="now"' : ""}>${sign} ${write(layer, jumps[i])}<small>${names[i + 1]}</small></span>`).join(" ");
    if (path.some(upward)) lines.push([t.sums.field, r ? `r = <b>${r}</b> (${t.turns([...new Set(turns)].sort((a, b) => a - b).join(", "))})` : "?"]);
    else {
      const first = (unit) => `${unit}·${j} − ${P} = ${unit * j - P}`;
      const region = (unit) => `${first(unit)} … ${unit * j - P} + ${r} − 1 = ${unit * j - P + r - 1}`;
      lines.push(
        [t.sums.field, `r = 1 ${terms((l, jump) => `${l.dilation > 1 ? `${l.dilation}·` : ""}(${l.kernel_size} − 1)·${jump}`, "+")} = <b>${r}</b>`],
        [t.sums.jump, `j = 1 ${terms((l) => l.stride, "·")} = <b>${j}</b>`],
        [t.sums.padding, `P = 0 ${terms((l, jump) => `${ends(l)[0]}·${jump}`, "+")} = <b>${P}</b>`],
      );
      if (map) at.slice(-axes).forEach((place, i) => lines.push([t.sums.axes[axes > 1 ? i : 2], region(place)]));
    }
    return lines.map(([name, sum]) => `<dt>${name}</dt><dd>${sum}</dd>`).join("");
  }

  /** The picture under the grid, one pixel a cell. */
  #pixels(size) {
    if (!this.#source) return null;
    const canvas = new OffscreenCanvas(size, size);
    const { width, height } = this.#source;
    const side = Math.min(width, height);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.#source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
    return canvas;
  }

  async #picture(kind, file) {
    if (kind == "file") return this.$("[type=file]").click();
    this.#source = null;
    if (kind == "photo") file = await (await fetch(new URL("photo.webp", import.meta.url))).blob();
    if (file) this.#source = await createImageBitmap(file);
    if (kind == "digit") {
      this.#source = new OffscreenCanvas(64, 64);
      const pen = this.#source.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, 64, 64);
      pen.fillStyle = "#000";
      pen.font = "italic bold 68px serif";
      pen.textAlign = "center";
      pen.fillText("5", 31, 55);
    }
    this.#draw();
  }

  #select(map, at) {
    this.#shown.unit = this.#state.unit = { map, at };
    this.#point = null;
    this.#draw();
  }

  #on(event) {
    const { type, target } = event;
    const { name, do: act } = target.dataset;
    const i = Number(target.closest("li")?.dataset.row ?? -1);
    const map = this.#views.findIndex((view) => view.canvas == target);
    const view = this.#views[map];
    const state = this.#state;
    if (type == "input" && name) {
      const value = target.type == "checkbox" ? target.checked : typed(target.value);
      const next = i < 0 ? { inputSize: value } : { layers: state.layers.with(i, { ...state.layers[i], [name]: value }) };
      this.#change({ ...state, preset: "own", ...next }, `${i}${name}`);
    } else if (type == "change" && target.type == "file") this.#picture(null, target.files[0]);
    else if ((type == "change" && act) || (type == "click" && target.localName == "button")) this.#act(act, i, target.value);
    else if (type == "keydown") this.#key(event, map);
    else if (type == "pointerout" && this.#point) {
      this.#point = null;
      this.#draw();
    } else if (view && (type == "click" || (type == "pointermove" && event.pointerType == "mouse"))) {
      const at = [event.offsetY, event.offsetX].map((place) => Math.floor((place - view.origin) / view.cell));
      if (this.#shown.axes == 1) at[0] = at[1];
      if (at.some((place) => place < 0 || place >= view.size)) return;
      if (type == "click") return this.#select(map, at);
      if (`${[map, at]}` == `${[this.#point?.map, this.#point?.at]}`) return;
      this.#point = { map, at };
      this.#draw();
    }
  }

  #key(event, map) {
    const { key, ctrlKey, metaKey, target } = event;
    if (key == "z" && (ctrlKey || metaKey) && target.localName != "input") this.#act("undo");
    if (map < 0) return;
    const { size } = this.#views[map];
    const { unit, axes } = this.#shown;
    let [row, column] = unit.map == map ? unit.at : [size >> 1, size >> 1];
    if (unit.map == map) {
      if (axes > 1) row += (key == "ArrowDown") - (key == "ArrowUp");
      column += (key == "ArrowRight") - (key == "ArrowLeft");
    }
    if (key == "Home") column = 0;
    if (key == "End") column = size - 1;
    if (!/Arrow|Home|End/.test(key)) return;
    event.preventDefault();
    const place = (n) => Math.max(0, Math.min(size - 1, n));
    this.#select(map, [place(axes > 1 ? row : column), place(column)]);
  }

  async #act(act, i, value) {
    const state = { ...this.#state, preset: "own" };
    const layers = [...state.layers];
    const { $, $$ } = this;
    if (act == "undo") {
      const { state } = this.#past.pop() ?? {};
      if (state) this.#take(state);
      this.#render();
    } else if (act == "preset" && value != "own") this.#change({ preset: value, ...read(PRESETS[value]) });
    else if (act == "axes") this.#change({ ...state, preset: this.#state.preset, axes: Number(value) });
    else if (act == "picture") this.#picture(value);
    else if (act == "type") this.#change({ ...state, layers: layers.with(i, { type: value, ...NEW[value] }) });
    else if (act == "code" || act == "link") {
      const text = act == "code" ? pytorch(this.#shown) : `${this.linked ? location.href.split("#")[0] : $("a").href.split("#")[0]}${this.#hash()}`;
      $("pre").textContent = text;
      $("pre").hidden = false;
      const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
      $("#note").textContent = copied ? this.t.copied : this.t.shut;
    } else if (["add", "up", "down", "remove"].includes(act)) {
      const to = { add: layers.length, up: Math.max(0, i - 1), down: i + 1, remove: 0 }[act];
      const [moved] = act == "add" ? [{ type: "conv", ...NEW.conv }] : layers.splice(i, 1);
      if (act != "remove") layers.splice(to, 0, moved);
      const map = layers.length;
      this.#change({ ...state, layers, unit: { map, at: state.unit.at } });
      if (act == "remove") ($$(`[data-do=remove]`)[Math.min(i, layers.length - 1)] ?? $("[data-do=add]")).focus();
      else if (act != "add") $$(`[data-do=${to == 0 ? "down" : to == layers.length - 1 ? "up" : act}]`)[to].focus();
    }
  }
}

customElements.define("rf-explorer", Explorer);
