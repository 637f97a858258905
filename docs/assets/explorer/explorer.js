// <rf-explorer>: a stack of layers to edit, a unit to point at, the cells that it sees.

import { MOST_LAYERS, complete, ends, geometry, upward } from "./geometry.js";
import { all, beam, inks, lines, margins, paint, reached, seen, sheet } from "./picture.js";
import { PRESETS, names, pytorch, read, write } from "./stacks.js";
import words from "./words.js";

const LARGEST = 256;
const GAP = 28;
const STRIP = 30;
const RESULTS = ["outputSize", "size", "stride", "padding"];
const NEW = { conv: { kernel_size: 3, padding: 1 }, pool: { kernel_size: 2, stride: 2 }, transposed: { kernel_size: 2, stride: 2 }, upsample: { stride: 2 } };

const times = (counts) => counts.reduce((a, b) => a * b);
const product = (counts) => counts.join(" × ") + (counts[1] >= 0 ? ` = ${times(counts)}` : "");
const range = (cells) => (cells[1] >= 0 ? `${cells[0]}–${cells.at(-1)}` : cells.join());

/** What a reader typed as Python would take it: a number, a pair, or else the text. */
function typed(text) {
  const plain = text.normalize("NFKC").trim();
  const pair = /^\(?(-?\d+) *, *(-?\d+)\)?$/.exec(plain);
  return pair ? pair.slice(1).map(Number) : plain && !isNaN(plain) ? Number(plain) : text;
}

/** Change a text only where it differs: what stays needs no new layout. */
function put(node, html) {
  if (node.put != html) node.innerHTML = node.put = html;
}

const label = (word, control) => `<label><span>${word}</span>${control}</label>`;
const number = (name, word) => label(word, `<input data-name="${name}" inputmode="numeric">`);
const button = (act, word, sign = word) => `<button data-do="${act}" aria-label="${word}">${sign}</button>`;
const choice = (act, word, options) =>
  label(word, `<select data-do="${act}">${Object.entries(options).map(([value, word]) => `<option value="${value}">${word}</option>`).join("")}</select>`);

const page = (t) => `<link rel="stylesheet" href="${new URL("explorer.css", import.meta.url)}"><slot></slot><div id="all" hidden>
<div class="bar">${choice("preset", t.preset, t.presets)}
<div class="edit bar">${number("input_size", t.input_size)}${choice("axes", t.axes, t.shapes)}${choice("picture", t.picture, t.pictures)}${button("undo", t.undo)}</div></div>
<p id="bad" role="alert"></p><div class="stage"></div><p class="say" aria-live="polite"></p>
<p class="legend">${Object.entries(t.legend).map(([kind, word]) => `<span><i class="${kind}"></i>${word}</span>`).join("")}</p>
<div class="edit"><div id="rows"></div>${button("add", t.add)}<dl></dl>${button("code", t.code)} ${button("link", t.link)} <span role="status"></span>
<pre tabindex="0" hidden></pre><input type="file" accept="image/*" hidden></div><a>${t.open}</a></div>`;

function row(t, type, name) {
  const has = { conv: 4, pool: 4, transposed: 5 };
  const inputs = ["kernel_size", "stride", "padding", "dilation", "output_padding"].map((key, i) => {
    if (type == "pool" && i == 4) return label(t.ceil_mode, '<input data-name="ceil_mode" type="checkbox">');
    return (type == "upsample" ? i == 1 : i < has[type]) ? number(key, t[key]) : "<i></i>";
  });
  return `<fieldset aria-label="${name}"><b>${name}</b>${choice("type", t.type, t.types)}${inputs.join("")}
${RESULTS.map((key) => `<span class="out"><span>${t.results[key]}</span><b data-out="${key}"></b></span>`).join("")}
<div>${["up", "down", "remove"].map((act, i) => button(act, `${name}: ${t[act]}`, "↑↓×"[i])).join("")}</div></fieldset>`;
}

class Explorer extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #past = [];
  #state; // what the reader typed
  #answer; // what geometry says of it
  #large; // whether it works and does not fit
  #shown; // the last that works and fits
  #point; // the unit under the mouse
  #picture; // what lies under the grid
  #views = []; // where each map is
  #built = {}; // which rows and maps are on the page
  #timer;
  #ink;
  #resize = new ResizeObserver(() => this.#layout());
  #theme = new MutationObserver(() => {
    this.#ink = null;
    this.#draw();
  });
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
    const root = this.#root;
    root.innerHTML = page(t);
    this.$ = (selector) => root.querySelector(selector);
    this.$$ = (selector) => [...root.querySelectorAll(selector)];
    this.#built = {};
    this.#ink = null;
    this.$("link").onload = () => {
      this.$("#all").hidden = false;
      this.$("slot").hidden = true;
      this.#resize.observe(this.$(".stage"));
    };
    for (const type of ["input", "change", "click", "pointermove", "pointerout", "keydown"]) this.$("#all").addEventListener(type, (event) => this.#on(event));
    this.#theme.observe(document.body, { attributes: true });
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
    this.$ = null;
  }

  /** The state; before the first look, what the attributes say. */
  #now() {
    if (!this.#state) {
      const preset = this.getAttribute("preset") ?? "net";
      for (const text of [PRESETS.net, PRESETS[preset], this.getAttribute("stack")]) {
        if (read(text)) this.#take({ preset: text == PRESETS[preset] ? preset : "own", ...read(text) });
      }
    }
    return this.#state;
  }

  get linked() {
    return this.hasAttribute("linked");
  }

  /** Take the state in the page's address, if links lead here. */
  #open(hash) {
    if (!this.linked || !hash.startsWith("#rf=") || hash == this.#hash()) return;
    const state = read(hash.slice(4));
    if (state) this.#change({ preset: "own", ...state });
    this.$("[role=status]").textContent = state ? "" : this.t.damaged;
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
    this.#large = false;
    if (error) return;
    const whole = layers.map(complete);
    const sizes = [inputSize, ...found.map((map) => map.outputSize)];
    const counts = [...sizes, ...whole.flatMap((layer) => [layer.kernel_size, ...ends(layer)]), ...found.map((map) => map.size / LARGEST)];
    this.#large = !counts.every((count) => count <= LARGEST);
    if (this.#large) return;
    const map = Math.min(unit.map, layers.length);
    state.unit = { map, at: unit.at.map((place) => Math.min(place, sizes[map] - 1)) };
    this.#shown = { ...state, layers: whole, sizes, found, names: [null, ...names(layers)] };
  }

  #render() {
    const { $, $$, t } = this;
    if (!$) return;
    const { layers, inputSize, axes, preset } = this.#state;
    const { error, found, at, name } = this.#answer;
    const shown = this.#shown;
    shown.names[0] = t.image;
    const changed = (part, now) => this.#built[part] != now && (this.#built[part] = now);
    const bad = $("#bad");
    if (changed("rows", `${names(layers)} `)) {
      $(".stage").before(bad);
      $("#rows").innerHTML = names(layers).map((name, i) => row(t, layers[i].type, name)).join("");
    }
    if (changed("maps", `${shown.axes}${shown.names}`)) {
      const map = (name) => `<div class="map"><canvas tabindex="0" role="application" aria-label="${name}: ${t.keys}"></canvas><span></span></div>`;
      $(".stage").innerHTML = `${shown.names.map(map).join("")}<canvas id="over"></canvas>`;
      $(".stage").classList.toggle("strips", shown.axes == 1);
    }
    $$(".map span").forEach((caption, m) => {
      const size = Array(shown.axes).fill(shown.sizes[m]).join(" × ");
      put(caption, `<b>${shown.names[m]}</b> ${size}${m ? ` · r ${shown.found[m - 1].size ?? "?"}` : ""}`);
    });
    const rows = $$("fieldset");
    for (const input of $$("[data-name]")) {
      const i = rows.indexOf(input.closest("fieldset"));
      const key = input.dataset.name;
      const value = i < 0 ? inputSize : layers[i][key] ?? complete(layers[i])[key] ?? "";
      if (`${typed(input.value)}` != `${value}`) input.value = value;
      input.checked = value === true;
      const wrong = error && i == at && key == name;
      input.ariaInvalid = !!wrong;
      input.toggleAttribute("aria-describedby", wrong);
      if (wrong) input.setAttribute("aria-describedby", "bad");
    }
    rows.forEach((row, i) => {
      row.querySelector("select").value = layers[i].type;
      for (const out of row.querySelectorAll("[data-out]")) put(out, found[i]?.[out.dataset.out] ?? "–");
    });
    $("[data-do=preset]").value = preset;
    $("[data-do=axes]").value = axes;
    $("[data-do=add]").disabled = layers.length >= MOST_LAYERS;
    $("[data-do=undo]").disabled = !this.#past.length;
    $("[data-do=code]").disabled = $("[data-do=link]").disabled = !!error || this.#large;
    if (error && rows[at]) rows[at].append(bad);
    bad.innerHTML = error ? `<code></code> ${t.stale}` : this.#large ? t.large : "";
    if (error) bad.firstChild.textContent = error;
    $("pre").hidden = true;
    $("[role=status]").textContent = "";
    this.#layout();
  }

  #layout() {
    const stage = this.$?.(".stage");
    const room = stage?.clientWidth;
    if (!room) return;
    const { axes, layers, sizes, found } = this.#shown;
    const last = found.at(-1);
    const views = sizes.map((size, m) => {
      const beside = margins(layers[m], size, sizes[m + 1]);
      // Around the image there is room for fields that reach beyond it.
      const over = m || !last?.stride ? [0, 0] : [last.padding, (sizes.at(-1) - 1) * last.stride - last.padding + last.size - size];
      const low = beside.ring.map((ring, i) => Math.max(ring, axes > 1 ? Math.min(over[i], size >> 2) : 0));
      return { size, ...beside, low: low[0], cells: size + low[0] + low[1] };
    });
    const shares = views.map(({ cells }) => Math.max(0.5, Math.sqrt(cells / views[0].cells)));
    const fit = (room - GAP * (views.length - 1)) / shares.reduce((a, b) => a + b);
    const side = Math.min(260, Math.max(fit, room < 480 ? room * 0.4 : 110));
    const [before, after] = [0, 1].map((end) => Math.max(...views.map((view) => view.ring[end] / view.size)));
    const canvases = this.$$(".map canvas");
    canvases.forEach((canvas, m) => {
      canvas.style.width = axes > 1 ? `${Math.floor(shares[m] * side)}px` : "";
      canvas.style.height = axes > 1 ? canvas.style.width : `${STRIP}px`;
    });
    this.#views = views.map((view, m) => {
      const { offsetLeft: x, offsetTop: y, clientWidth: width, clientHeight: height } = canvases[m];
      const cell = axes > 1 ? width / view.cells : width / (1 + before + after) / view.size;
      return { ...view, canvas: canvases[m], x, y, width, height, cell, origin: axes > 1 ? view.low * cell : before * cell * view.size };
    });
    this.area = [room, stage.clientHeight];
    this.#draw();
  }

  #draw() {
    if (!this.$ || !this.#views.length) return;
    const { axes, layers, sizes, unit } = this.#shown;
    const { map, at } = this.#point ?? unit;
    const ink = (this.#ink ??= inks(this));
    const marks = at.slice(-axes).map((place) => {
      const [back, on] = [seen, reached].map((follow) => follow(layers, sizes, map, place));
      return sizes.map((_, m) => (m < map ? back[m] : on[m]));
    });
    this.#views.forEach((view, m) => {
      const axis = ({ [m]: { cells, padded, field } }) => ({ ...view, marks: { cells, padded, field: m ? null : field } });
      const columns = axis(marks.at(-1));
      const strip = { size: 1, ring: [0, 0], unread: [], cell: STRIP - 2, origin: 1, marks: { cells: [0], padded: [], field: [0] } };
      view.axes = [axes > 1 ? axis(marks[0]) : strip, columns];
      const image = axes > 1 && !m && this.#pixels(view.size);
      paint(sheet(view.canvas, view.width, view.height), view.axes, m < map ? "used" : "unit", ink, m ? ink.map : ink.input, image);
    });
    const pen = sheet(this.$("#over"), ...this.area);
    layers.forEach((layer, m) => (axes > 1 ? beam : lines)(pen, this.#views[m], this.#views[m + 1], ink, layer));
    put(this.$(".say"), this.#say(map, at, marks));
    put(this.$("dl"), this.#sums(map, at));
    this.$$("fieldset").forEach((row, i) => row.classList.toggle("on", i == map - 1));
    this.$("a").href = this.#link();
    clearTimeout(this.#timer);
    // Browsers allow only so many changes of the address in a while.
    if (this.linked && this.#past.length) this.#timer = setTimeout(() => history.replaceState(history.state, "", this.#hash()), 300);
  }

  #link() {
    const home = this.linked ? location.href : new URL(`../../${this.t == words.zh ? "zh/" : ""}explorer/`, import.meta.url).href;
    return home.split("#")[0] + this.#hash();
  }

  #say(map, at, marks) {
    const { names, axes } = this.#shown;
    const { t } = this;
    const place = axes > 1 ? `(${at.join(", ")})` : at[1];
    const inside = (m) => marks.map((axis) => axis[m].cells.length);
    if (!map) return t.pixel(place, names.slice(1).map((name, i) => [name, product(inside(i + 1))]));
    const read = marks.map((axis) => all(axis[map - 1]).length);
    const fields = marks.map((axis) => axis[0].field);
    const whole = times(fields.map((field) => field.length));
    const found = times(inside(0));
    return t.unit({
      at: place,
      name: names[map],
      before: map > 1 && names[map - 1],
      read: product(read),
      padded: times(read) - times(inside(map - 1)),
      seen: product(inside(0)),
      where: found && t.where(...marks.map((axis) => range(axis[0].cells))),
      whole,
      lost: whole - found,
      skipped: times(fields.map((field) => field.at(-1) - field[0] + 1)) - whole,
    });
  }

  /** The formulas with this stack's numbers in them, as far as the map of the unit. */
  #sums(map, at) {
    const { layers, sizes, found, names, axes } = this.#shown;
    const { t } = this;
    const path = layers.slice(0, map || undefined);
    const last = path.length - 1;
    if (last < 0) return "";
    const { type, kernel_size: k, stride: s, dilation: d, output_padding, ceil_mode } = path[last];
    const [p, q] = ends(path[last]);
    const [n, out] = sizes.slice(last);
    const { size: r, stride: j, padding, sizes: turns } = found[last];
    const [open, close] = ceil_mode ? "⌈⌉" : "⌊⌋";
    const dropped = ceil_mode && Math.ceil((n + p + q - d * (k - 1) - 1) / s) >= out ? " − 1" : "";
    const size = {
      upsample: `${n}·${s}`,
      transposed: `(${n} − 1)·${s} − 2·${p} + ${d}·(${k} − 1) + ${output_padding} + 1`,
    }[type] ?? `${open}(${n} + ${p} + ${q} − ${d}·(${k} − 1) − 1) / ${s}${close} + 1${dropped}`;
    const sums = [[t.sums[0], `n = ${size} = <b>${out}</b>`]];
    if (path.some(upward)) sums.push([t.sums[1], r ? `r = <b>${r}</b>: ${t.turns([...new Set(turns)].join(", "))}` : "?"]);
    else {
      const term = ({ kernel_size, dilation }, i) =>
        `<span${i == last ? ' class="field"' : ""}>+ ${dilation}·(${kernel_size} − 1)·${i ? found[i - 1].stride : 1}<small>${names[i + 1]}</small></span>`;
      sums.push([t.sums[1], `r = 1 ${path.map(term).join(" ")} = <b>${r}</b>`]);
      const region = (u) => `${u}·${j} − ${padding} = <b>${u * j - padding}</b> … ${u * j - padding} + ${r} − 1 = <b>${u * j - padding + r - 1}</b>`;
      if (map) at.slice(-axes).forEach((unit, i) => sums.push([t.sums[axes > 1 ? i + 2 : 4], region(unit)]));
    }
    return sums.map(([name, sum]) => `<dt>${name}</dt><dd>${sum}</dd>`).join("");
  }

  /** The picture, one pixel a cell. */
  #pixels(size) {
    if (!this.#picture) return null;
    const { width, height } = this.#picture;
    const side = Math.min(width, height);
    const pen = new OffscreenCanvas(size, size).getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.#picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
    return pen.canvas;
  }

  async #lay(file) {
    this.#picture = file && (await createImageBitmap(file));
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
    const i = this.$$("fieldset").indexOf(target.closest("fieldset"));
    const map = this.#views.findIndex((view) => view.canvas == target);
    const state = this.#state;
    if (type == "input" && name) {
      const value = target.type == "checkbox" ? target.checked : typed(target.value);
      const next = i < 0 ? { inputSize: value } : { layers: state.layers.with(i, { ...state.layers[i], [name]: value }) };
      this.#change({ ...state, preset: "own", ...next }, name + i);
    } else if (type == "change" && target.files) this.#lay(target.files[0]);
    else if (act && type == (target.localName == "select" ? "change" : "click")) this.#act(act, i, target.value);
    else if (type == "keydown" && map >= 0) this.#key(event, map);
    else if (type == "pointerout" && this.#point) {
      this.#point = null;
      this.#draw();
    } else if (map >= 0 && (type == "click" || (type == "pointermove" && event.pointerType == "mouse"))) {
      const { origin, cell, size } = this.#views[map];
      const at = [event.offsetY, event.offsetX].map((place) => Math.floor((place - origin) / cell));
      if (this.#shown.axes < 2) at[0] = at[1];
      if (at.some((place) => place < 0 || place >= size)) return;
      if (type == "click") this.#select(map, at);
      else if (`${[map, at]}` != `${[this.#point?.map, this.#point?.at]}`) {
        this.#point = { map, at };
        this.#draw();
      }
    }
  }

  #key(event, map) {
    const { unit, axes } = this.#shown;
    const { size } = this.#views[map];
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -size], End: [0, size] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const at = unit.map == map ? unit.at.map((place, i) => Math.max(0, Math.min(size - 1, place + move[i]))) : [size >> 1, size >> 1];
    this.#select(map, axes > 1 ? at : [at[1], at[1]]);
  }

  async #act(act, i, value) {
    const { $, $$, t } = this;
    const state = { ...this.#state, preset: "own" };
    const layers = [...state.layers];
    if (act == "undo") {
      this.#take(this.#past.pop().state);
      this.#render();
    } else if (act == "preset" && PRESETS[value]) this.#change({ preset: value, ...read(PRESETS[value]) });
    else if (act == "axes") this.#change({ ...this.#state, axes: Number(value) });
    else if (act == "picture") {
      if (value == "file") $("[type=file]").click();
      else this.#lay(value == "photo" && (await (await fetch(new URL("photo.webp", import.meta.url))).blob()));
    } else if (act == "type") this.#change({ ...state, layers: layers.with(i, { type: value, ...NEW[value] }) });
    else if (act == "code" || act == "link") {
      const text = act == "code" ? pytorch(this.#shown) : this.#link();
      $("pre").textContent = text;
      $("pre").hidden = false;
      const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
      $("[role=status]").textContent = copied ? t.copied : t.shut;
    } else if (t[act]) {
      const to = { add: layers.length, up: Math.max(0, i - 1), down: i + 1 }[act];
      const layer = act == "add" ? { type: "conv", ...NEW.conv } : layers.splice(i, 1)[0];
      if (act != "remove") layers.splice(to, 0, layer);
      this.#change({ ...state, layers, unit: { map: layers.length, at: state.unit.at } });
      const again = $$(`[data-do=${act}]`)[Math.min(to ?? i, layers.length - 1)];
      (again ?? $("[data-do=add]")).focus();
    }
  }
}

customElements.define("rf-explorer", Explorer);
