// <rf-explorer>: a stack of layers to edit, a unit to point at, the cells that it sees.

import { MOST_LAYERS, complete, ends, geometry, upward } from "./geometry.js";
import { html, put } from "./html.js";
import { paste } from "./paste.js";
import { beam, inks, lines, margins, paint, sight } from "./picture.js";
import { PRESETS, names, read, write } from "./stacks.js";
import { after } from "./values.js";
import { ways, within } from "./ways.js";

const LARGEST = 1024;
const PAPER = 640; // how wide the stage is in print
const MANY = 12; // with more maps than this each is small
const GAP = 28;
const STRIP = 30;
const CONV = { type: "conv", kernel_size: 3, stride: 1, padding: 1 };
const RESULTS = ["outputSize", "size", "stride", "padding"];

const times = (counts) => counts.reduce((a, b) => a * b);
const product = (counts) => counts.join(" × ") + (counts[1] >= 0 ? ` = ${times(counts)}` : "");
const range = (cells) => (cells[1] >= 0 ? `${cells[0]}–${cells.at(-1)}` : cells.join());

/** What a reader typed as Python would take it: a number, a pair, or else the text. Two equal numbers are one, but for padding. */
function typed(text, name) {
  const plain = text.normalize("NFKC").trim();
  const pair = /^[([]?(-?\d+) *, *(-?\d+)[)\]]?$/.exec(plain)?.slice(1).map(Number);
  if (pair) return name != "padding" && pair[0] == pair[1] ? pair[0] : pair;
  return plain && !isNaN(plain) ? Number(plain) : text;
}

const label = (word, control) => html`<label><span>${word}</span>${control}</label>`;
const number = (t, name) => label(t[name], html`<input name="${name}" inputmode="numeric" autocomplete="off">`);
const button = (name, word, sign = word) => html`<button name="${name}" aria-label="${word}">${sign}</button>`;
const choice = (t, name, [word, options] = t[name]) =>
  label(word, html`<select name="${name}">${Object.entries(options).map(([value, word]) => html`<option value="${value}">${word}</option>`)}</select>`);

const page = (t) => html`<link rel="stylesheet" href="${new URL("explorer.css", import.meta.url)}"><slot></slot><div id="all" hidden>
<div class="bar">${choice(t, "preset")}
<div class="edit bar">${number(t, "input_size")}${choice(t, "axes")}${choice(t, "picture")}${choice(t, "view")}${button("undo", t.undo)}${button("redo", t.redo)}</div></div>
<div class="stay"><p id="notice" role="status"></p><div class="stage"></div></div><p class="say" aria-live="polite"></p>
<p class="legend">${Object.entries(t.legend).map(([kind, word]) => html`<span><i class="${kind}" style="background-color: var(--rf-${kind})"></i>${word}</span>`)}</p>
<div class="edit"><p id="bad" aria-live="polite"></p><p class="letters">${[..."nrjP"].map((sign, i) => html`<span><b>${sign}</b> ${t.letters[i]}</span> `)}</p>
<div id="rows"></div>${button("add", t.add)}<dl></dl>${button("code", t.code)} ${button("link", t.link)}
<details><summary>${t.paste[0]}</summary>${label(t.paste[1], html`<textarea name="program" rows="8" spellcheck="false"></textarea>`)}${button("paste", t.paste[2])}
<p id="unread" role="status"></p></details>
<pre tabindex="0" hidden></pre><input type="file" accept="image/*" hidden></div><a>${t.open}</a></div>`;

function row(t, type, name) {
  const inputs = ["kernel_size", "stride", "padding", "dilation", "output_padding"].map((key, i) => {
    if (type == "pool" && i == 4) return label(t.ceil_mode, html`<input name="ceil_mode" type="checkbox">`);
    return (type == "upsample" ? i == 1 : i < 4 || type == "transposed") ? number(t, key) : html`<i></i>`;
  });
  return html`<fieldset aria-label="${name}"><b>${name}</b>${choice(t, "type")}${inputs}
${[..."nrjP"].map((sign, i) => html`<span class="out" title="${t.letters[i]}"><span>${sign}</span><b></b></span>`)}
<div>${["up", "down", "remove"].map((act, i) => button(act, `${name}: ${t[act]}`, "↑↓×"[i]))}</div></fieldset>`;
}

// A change of language keeps what the address says, and what it is about to say.
document.addEventListener("click", ({ target }) => {
  const link = target.closest?.("a[hreflang]");
  if (link) link.hash = document.querySelector("rf-explorer[linked]")?.address ?? location.hash;
}, true);

/** A map's values as a picture, one pixel a cell, from the least to the largest. */
function shade(rows) {
  const all = rows.flat();
  const [low, high] = all.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const side = rows.length;
  const data = new ImageData(side, side);
  all.forEach((value, i) => {
    const grey = (255 * (value - low)) / (high - low || 1);
    data.data.set([grey, grey, grey, 255], 4 * i);
  });
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}

/** Strips on one scale, each unit above the middle of its field. */
function aligned(around, sizes, found) {
  const spans = around.map(({ ring }, m) => {
    const { pace, centre } = m ? found[m - 1] : { pace: 1, centre: 0 };
    const step = pace ?? sizes[0] / sizes[m]; // where no field is known, spread over the image
    const start = pace ? centre + (1 - pace) / 2 : 0;
    return { step, start, ends: [start - ring[0] * step, start + (sizes[m] + ring[1]) * step] };
  });
  const low = Math.min(...spans.map(({ ends }) => ends[0]));
  const high = Math.max(...spans.map(({ ends }) => ends[1]));
  return around.map((margin, m) => {
    const { step, start } = spans[m];
    return { ...margin, size: sizes[m], low: (start - low) / step, cells: (high - low) / step };
  });
}

/** The preset that a state is, whatever its unit. */
function preset(state) {
  const stack = (text) => text.split("@")[0];
  return Object.keys(PRESETS).find((name) => stack(PRESETS[name]) == stack(write(state))) ?? "own";
}

class Explorer extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #past = [];
  #future = [];
  #touched; // whether a reader changed or chose anything: only then the address follows
  #complaint; // the timer of what is wrong: nobody is corrected in the middle of a number
  #flown; // the values of all maps, and what they are of
  #bad; // where it is said, in whatever row
  #lays = 0; // how many pictures were asked for
  #state; // what the reader typed
  #answer; // what geometry says of it
  #large; // whether it works and does not fit
  #shown; // the last that works and fits
  #point; // the unit under the mouse
  #picture; // what lies under the grid
  #room; // the width there is
  #views; // where each map is
  #marks; // what of each map is marked, axis by axis
  #timer;
  // The height is our own doing, and no reason to do it again.
  #resize = new ResizeObserver(([{ contentRect }]) => {
    if (this.#room == contentRect.width) return;
    this.#room = contentRect.width;
    this.#layout();
  });
  #theme = new MutationObserver(() => this.#draw());
  /** Take the state in the page's address, if links lead here. */
  #follow = () => {
    const { hash } = location;
    if (!this.linked || !hash.startsWith("#rf=") || hash == this.#hash()) return;
    const state = read(hash.slice(4));
    if (state) this.#change({ preset: preset(state), ...state });
    this.$("#notice").textContent = state ? "" : this.t.damaged;
  };

  /** In print the stage has a width that fits any paper; no observer is asked there. */
  #print = ({ type }) => {
    if (!this.$) return;
    this.#room = type == "beforeprint" ? PAPER : this.$(".stage").clientWidth;
    this.#layout();
  };

  get stack() {
    const { inputSize, layers } = this.#now();
    return structuredClone({ inputSize, layers });
  }

  set stack({ inputSize, layers }) {
    this.#change({ ...this.#now(), preset: "own", inputSize, layers: structuredClone(layers) });
  }

  /** The chosen unit; map 0 is the image, map l what layer l gives. */
  get unit() {
    this.#now();
    const { unit, axes } = this.#shown;
    return { map: unit.map, index: unit.at.slice(-axes) };
  }

  set unit({ map, index }) {
    this.#now();
    const { axes, sizes } = this.#shown;
    if (!(sizes[map] > 0)) throw RangeError(`map=${map} must be an integer from 0 to ${sizes.length - 1}`);
    if (index?.length != axes) throw RangeError(`index has ${index?.length} numbers; ${axes} would fit`);
    const wrong = index.find((place) => !(Number.isInteger(place) && place >= 0 && place < sizes[map]));
    if (wrong !== undefined) throw RangeError(`index=${wrong} must be an integer from 0 to ${sizes[map] - 1}`);
    this.#select(map, axes > 1 ? [...index] : [index[0], index[0]]);
  }

  /** Per axis, the share of each pixel in the ways that lead to the chosen unit. */
  get ways() {
    this.#now();
    const { layers, sizes, unit, axes } = this.#shown;
    return unit.at.slice(-axes).map((place) => ways(layers, sizes, unit.map, place));
  }

  /** Show the chain that a text is in PyTorch: its `stack`, or the `error` that says which line is not understood. */
  paste(text) {
    const { axes, inputSize, layers, error } = paste(text);
    const now = this.#now();
    const state = { ...now, preset: "own", axes: axes ?? now.axes, inputSize: inputSize ?? now.inputSize, layers };
    const refused = error ? error : geometry(state).refusal;
    if (refused) return { error: this.#unread(refused), stack: null };
    this.#change({ ...state, unit: { ...now.unit, map: layers.length } });
    return { error: null, stack: this.stack };
  }

  /** The values of a map as rows, where a picture lies under a grid; convolutions take means but for a `weight` of their own. */
  values(map) {
    this.#now();
    const { axes, sizes } = this.#shown;
    return this.#picture && axes > 1 && sizes[map] ? this.#flow()[map] : null;
  }

  /** The rows of all maps, computed anew when the stack or the picture is another. */
  #flow() {
    const { sizes, layers } = this.#shown;
    const key = JSON.stringify([sizes, layers]);
    if (this.#flown?.key == key && this.#flown.picture == this.#picture) return this.#flown.maps;
    const { data } = this.#pixels(sizes[0]).getContext("2d").getImageData(0, 0, sizes[0], sizes[0]);
    const grey = (i) => (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
    const image = Array.from({ length: sizes[0] }, (_, row) => Array.from({ length: sizes[0] }, (_, column) => grey(row * sizes[0] + column)));
    const maps = [image];
    layers.forEach((layer, m) => maps.push(after(layer, maps[m], sizes[m + 1])));
    this.#flown = { key, picture: this.#picture, maps };
    return maps;
  }

  #unread({ why, what, line, message, ...refusal }) {
    const { t } = this;
    if (t) return why ? t.unpasted[why](what, line) : t.refusals[refusal.rule]([t[refusal.name]].flat()[0], refusal);
    return message ?? `line ${line}: ${what} is not understood; rfguide.trace(model, input_size) reads any model`;
  }

  /** What the address says of what is shown; nothing as long as nobody changed it. */
  get address() {
    return this.#touched ? this.#hash() : location.hash;
  }

  get result() {
    this.#now();
    const { error, layers } = this.#answer;
    return { error, layers: layers.map((layer) => Object.fromEntries(RESULTS.map((name) => [name, layer[name]]))) };
  }

  get linked() {
    return this.hasAttribute("linked");
  }

  async connectedCallback() {
    const language = /^zh/.test(this.lang || this.closest("[lang]")?.lang) ? "zh" : "en";
    const root = this.#root;
    root.innerHTML = "<slot></slot>"; // the picture without a script, until there is a better one
    const { default: t } = await import(`./words.${language}.js`);
    if (!this.isConnected) return;
    root.put = null;
    put(root, page(t));
    this.t = t;
    this.$ = (selector) => root.querySelector(selector);
    this.$$ = (selector) => [...root.querySelectorAll(selector)];
    this.#bad = this.$("#bad");
    this.#room = null;
    this.$("link").onload = () => {
      const stage = this.$(".stage");
      this.$("#all").hidden = false;
      this.$("slot").remove();
      this.toggleAttribute("live", true); // the page holds its room free until now
      this.#room = stage.clientWidth;
      this.#layout();
      this.#resize.observe(stage);
    };
    for (const type of ["input", "change", "click", "pointermove", "pointerout", "keydown"]) this.$("#all").addEventListener(type, (event) => this.#on(event));
    this.#theme.observe(document.body, { attributes: true });
    addEventListener("hashchange", this.#follow);
    addEventListener("beforeprint", this.#print);
    addEventListener("afterprint", this.#print);
    this.#now();
    this.#render();
    this.#follow();
  }

  disconnectedCallback() {
    this.#resize.disconnect();
    this.#theme.disconnect();
    removeEventListener("hashchange", this.#follow);
    removeEventListener("beforeprint", this.#print);
    removeEventListener("afterprint", this.#print);
    clearTimeout(this.#timer);
    clearTimeout(this.#complaint);
    this.#root.innerHTML = ""; // what was on its way to it comes to nothing
    this.$ = null;
  }

  /** The state; before the first look, what the attributes say. */
  #now() {
    if (!this.#state) {
      for (const text of [PRESETS.net, PRESETS[this.getAttribute("preset")], this.getAttribute("stack")]) {
        const state = read(text);
        if (state) this.#take({ preset: preset(state), ...state });
      }
    }
    return this.#state;
  }

  #hash() {
    return `#rf=${write(this.#shown)}`;
  }

  #change(state, key) {
    if (!key || key != this.#past.at(-1)?.key) this.#past.push({ key, state: this.#now() });
    this.#future = [];
    this.#touched = true;
    this.#take(state);
    this.#render();
  }

  #take(state) {
    const { inputSize, layers, unit } = state;
    const { error, found } = (this.#answer = geometry(state));
    this.#state = state;
    this.#point = null; // its map may be gone
    this.#large = false;
    if (error) return;
    const whole = layers.map(complete);
    const sizes = [inputSize, ...found.map((map) => map.outputSize)];
    const counts = [...sizes, ...whole.flatMap((layer) => [layer.kernel_size, ...ends(layer)]), ...found.map((map) => map.size / 16)];
    this.#large = !counts.every((count) => count <= LARGEST);
    if (this.#large) return;
    const map = Math.min(unit.map, layers.length);
    // What the reader chose is kept: a size on its way to 128 may be 12 for a moment.
    const at = unit.at.map((place) => Math.min(place, sizes[map] - 1));
    this.#shown = { ...state, unit: { map, at }, layers: whole, sizes, found, names: [null, ...names(layers)] };
  }

  #render() {
    const { $, $$, t } = this;
    if (!$) return;
    const { layers, inputSize, axes, preset } = this.#state;
    const { found } = this.#answer;
    const shown = this.#shown;
    shown.names[0] = t.image;
    const back = this.#focus();
    put($("#rows"), names(layers).map((name, i) => row(t, layers[i]?.type, name)));
    put($(".stage"), html`${shown.names.map(() => html`<div class="map"><div tabindex="0" role="application"></div><span></span></div>`)}<canvas></canvas>`);
    $(".stage").classList.toggle("strips", shown.axes < 2);
    $(".stage").classList.toggle("many", shown.names.length > MANY);
    $$(".map > span").forEach((caption, m) => {
      const size = Array(shown.axes).fill(shown.sizes[m]).join(" × ");
      put(caption, html`<b>${shown.names[m]}</b> <span>${size}</span>${shown.axes > 1 ? html`<br>` : " · "}r ${m ? shown.found[m - 1].size ?? "?" : 1}`);
    });
    const rows = $$("fieldset");
    for (const control of $$(":is(input, select)[name]:not([name=picture], [name=view])")) {
      const i = rows.indexOf(control.closest("fieldset"));
      const values = i < 0 ? { preset, axes, input_size: inputSize } : { ...complete(layers[i]), ...layers[i] };
      const value = values[control.name] ?? "";
      if (`${typed(control.value, control.name)}` != `${value}`) control.value = value;
      control.checked = value === true;
    }
    $$(".out b").forEach((out, i) => put(out, found[i >> 2]?.[RESULTS[i % 4]] ?? "–"));
    this.#able();
    $("pre").hidden = true;
    $("#notice").textContent = "";
    this.#layout();
    back();
    clearTimeout(this.#complaint);
    if (!this.#answer.error) this.#complain();
    else this.#complaint = setTimeout(() => this.#complain(), 500);
  }

  /** Where the focus is, as a way back to it once the controls are made anew. */
  #focus() {
    const { $$ } = this;
    const active = this.#root.activeElement;
    const i = $$("fieldset").indexOf(active?.closest("fieldset"));
    const map = $$(".map div").indexOf(active);
    return () => {
      if (!active || active.isConnected) return;
      const row = $$("fieldset").at(Math.min(i, $$("fieldset").length - 1));
      const near = map < 0 ? i >= 0 && (row?.querySelector(`[name=${active.name}]`) ?? row?.querySelector("select")) : $$(".map div").at(Math.min(map, $$(".map div").length - 1));
      (near || this.$("[name=add]")).focus();
    };
  }

  /** What can be done now. A button that cannot keeps the focus, so it is not disabled but says so. */
  #able() {
    const { $, $$ } = this;
    const unable = (button, is) => button.setAttribute("aria-disabled", is);
    const none = !!this.#answer.error || this.#large;
    unable($("[name=add]"), this.#state.layers.length >= MOST_LAYERS);
    unable($("[name=undo]"), !this.#past.length);
    unable($("[name=redo]"), !this.#future.length);
    for (const name of ["code", "link"]) unable($(`[name=${name}]`), none);
    $$("[name=up]").forEach((up, i) => unable(up, !i));
    $$("[name=down]").forEach((down, i, all) => unable(down, i == all.length - 1));
  }

  /** Say what is wrong beside its row, in the words of the form. */
  #complain() {
    const { $, $$, t } = this;
    const { error, refusal, at, name } = this.#answer;
    const rows = $$("fieldset");
    const bad = this.#bad;
    for (const control of $$(":is(input, select)[name]:not([name=picture], [name=view])")) {
      const wrong = !!error && rows.indexOf(control.closest("fieldset")) == at && control.name == name;
      control.ariaInvalid = wrong;
      control.setAttribute("aria-describedby", wrong ? "bad" : "");
    }
    const home = rows[at];
    if (home && bad.parentNode != home) home.append(bad);
    else if (!home && bad.parentNode != $(".edit:not(.bar)")) $(".letters").before(bad);
    put(bad, error ? `${t.refusals[refusal.rule]([t[name]].flat()[0], refusal)} ${t.stale}` : this.#large ? t.large : "");
  }

  #layout() {
    const room = this.#room;
    if (!this.$ || !room) return;
    const { axes, layers, sizes, found } = this.#shown;
    const last = found.at(-1);
    // Around the image there is room for fields that reach beyond it.
    const over = last?.stride ? [last.padding, (sizes.at(-1) - 1) * last.stride - last.padding + last.size - sizes[0]] : [0, 0];
    const around = sizes.map((size, m) => margins(layers[m], size, sizes[m + 1]));
    const views = axes < 2 ? aligned(around, sizes, found) : around.map((margin, m) => {
      const size = sizes[m];
      const [low, high] = margin.ring.map((ring, end) => (m ? ring : Math.max(ring, Math.min(over[end], size >> 2))));
      return { ...margin, size, low, cells: low + size + high };
    });
    const shares = views.map(({ cells }) => Math.max(0.5, Math.sqrt(cells / views[0].cells)));
    const fit = (room - GAP * (views.length - 1)) / shares.reduce((a, b) => a + b);
    const side = views.length > MANY ? 72 : fit > 88 ? Math.min(260, fit) : room < 480 ? room * 0.4 : 110;
    this.#tell();
    this.$$(".map div").forEach((box, m) => {
      views[m].box = box;
      box.style.height = `${axes > 1 ? Math.floor(shares[m] * side) : STRIP}px`;
      box.style.width = axes > 1 ? box.style.height : "";
    });
    this.#views = views;
    this.#draw();
  }

  /** Say in words and sums what is shown. */
  #tell() {
    const { axes, layers, sizes, unit } = this.#shown;
    const { map, at } = this.#point ?? unit;
    this.#marks = at.slice(-axes).map((place) => sight(layers, sizes, map, place));
    put(this.$(".say"), this.#say(map, at));
    put(this.$("dl"), this.#sums(map, at));
    this.$$("fieldset").forEach((row, i) => row.classList.toggle("on", i == map - 1));
    this.$$(".map div").forEach((box, m) => {
      const size = Array(axes).fill(sizes[m]).join(" × ");
      const chosen = m == unit.map ? this.t.chosen(unit.at.slice(-axes).join(", ")) : "";
      box.setAttribute("aria-label", `${this.#shown.names[m]}, ${size}${chosen}: ${this.t.keys}`);
    });
    this.$("a").href = this.#link();
    clearTimeout(this.#timer);
    // Browsers allow only so many changes of the address in a while.
    if (this.linked && this.#touched) this.#timer = setTimeout(() => history.replaceState(history.state, "", this.#hash()), 300);
  }

  /** Measure and paint; all is written by now, so one layout does. */
  #draw() {
    if (!this.$ || !this.#views) return;
    const { axes, layers, unit } = this.#shown;
    const { map } = this.#point ?? unit;
    const ink = inks(this);
    const canvas = this.$("canvas");
    const { clientWidth, clientHeight } = canvas.parentNode;
    canvas.width = clientWidth * devicePixelRatio;
    canvas.height = clientHeight * devicePixelRatio;
    Object.assign(canvas.style, { width: `${clientWidth}px`, height: `${clientHeight}px` }); // in print too, where nothing is drawn again
    const valued = this.$("[name=view]").value == "values";
    const heat = this.$("[name=view]").value == "ways" && map && this.#heat();
    const pen = canvas.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    this.#views.forEach((view, m) => {
      const { low, cells, size } = view;
      const { offsetLeft: x, offsetTop: y, clientWidth: width, clientHeight: height } = view.box;
      const cell = width / cells;
      const [rows, columns] = [y, x].map((start, i) => ({ ...view, cell, origin: start + low * cell, marks: this.#marks.at(i - 2)?.[m] }));
      const strip = { size: 1, ring: [0, 0], unread: [], cell: STRIP - 2, origin: y + 1, marks: { cells: [0], read: [0], field: [0] } };
      view.axes = [axes > 1 ? rows : strip, columns];
      const image = this.#picture && axes > 1 && (valued ? shade(this.#flow()[m]) : !m && this.#pixels(size));
      pen.save();
      pen.beginPath();
      pen.rect(x, y, width, height);
      pen.clip();
      paint(pen, view.axes, m < map ? "used" : "unit", ink, m ? ink.map : ink.input, image, !m && heat);
      pen.restore();
    });
    layers.forEach((layer, m) => (axes > 1 ? beam : lines)(pen, this.#views[m], this.#views[m + 1], ink, layer));
  }

  /** Along rows and columns, how many ways lead from each pixel, the most being 1. */
  #heat() {
    const { layers, sizes, axes, unit } = this.#shown;
    const { map, at } = this.#point ?? unit;
    const found = at.slice(-axes).map((place) => {
      const { first, shares } = ways(layers, sizes, map, place);
      const most = Math.max(...shares);
      return (cell) => (shares[cell - first] ?? 0) / most;
    });
    return axes > 1 ? found : [() => 1, ...found];
  }

  #link() {
    const home = this.linked ? location.href : new URL(`../../${this.t.home}explorer/`, import.meta.url).href;
    return home.split("#")[0] + this.#hash();
  }

  #say(map, at) {
    const { names, axes } = this.#shown;
    const { t } = this;
    const marks = this.#marks;
    const place = axes > 1 ? `(${at.join(", ")})` : at[1];
    const inside = (m) => marks.map((axis) => axis[m].cells.length);
    if (!map) return t.pixel(place, names.slice(1).map((name, i) => [name, product(inside(i + 1))]));
    const read = marks.map((axis) => axis[map - 1].read.length);
    const fields = marks.map(([{ field }]) => field);
    const whole = times(fields.map((field) => field.length));
    const found = times(inside(0));
    const value = this.$("[name=view]").value == "values" && this.values(map)?.[at[0]][at[1]];
    const worth = Number.isFinite(value) ? ` ${t.value(value.toFixed(3))}` : "";
    const many = this.$("[name=view]").value == "ways" && found ? ` ${this.#often(map, at)}` : "";
    return t.unit({
      at: place,
      name: names[map],
      before: map > 1 && names[map - 1],
      read: product(read),
      padded: times(read) - times(inside(map - 1)),
      seen: product(inside(0)),
      where: found && t.where(...marks.map(([{ cells }]) => range(cells))),
      whole,
      lost: whole - found,
      skipped: times(fields.map((field) => field.at(-1) - field[0] + 1)) - whole,
    }) + many + worth;
  }

  /** How the ways to a unit are spread, along the rows or the strip. */
  #often(map, at) {
    const { layers, sizes } = this.#shown;
    const { shares, std } = ways(layers, sizes, map, at.at(-1));
    return this.t.often(std.toFixed(2), within(shares, 0.95), shares.length);
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
    const sums = [[t.sums[0], html`n = ${size} = <b>${out}</b>`]];
    if (path.some(upward)) sums.push([t.sums[1], r ? html`r = <b>${r}</b>: ${t.turns([...new Set(turns)].join(", "))}` : "?"]);
    else {
      const term = ({ kernel_size, dilation }, i) =>
        html`<span class="${i == last ? "field" : ""}">+ ${dilation}·(${kernel_size} − 1)·${i ? found[i - 1].stride : 1}<small>${names[i + 1]}</small></span> `;
      sums.push([t.sums[1], html`r = 1 ${path.map(term)} = <b>${r}</b>`]);
      if (map) {
        at.slice(-axes).forEach((u, i) => {
          const first = u * j - padding;
          sums.push([t.sums[axes > 1 ? i + 2 : 4], html`${u}·${j} − ${padding} = <b>${first}</b> … ${first} + ${r} − 1 = <b>${first + r - 1}</b>`]);
        });
      }
    }
    return sums.map(([name, sum]) => html`<dt>${name}</dt><dd>${sum}</dd>`);
  }

  /** The picture, one pixel a cell. */
  #pixels(size) {
    const { width, height } = this.#picture;
    const side = Math.min(width, height);
    const pen = new OffscreenCanvas(size, size).getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.#picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
    return pen.canvas;
  }

  /** Lay a picture under the grid; of several on their way the last one asked for counts. */
  async #lay(file) {
    const turn = ++this.#lays;
    const picture = await Promise.resolve(file).then((blob) => blob && createImageBitmap(blob)).catch(() => null);
    if (turn != this.#lays || !this.$) return;
    this.$("#notice").textContent = picture === null ? this.t.unread : "";
    if (picture !== null) this.#picture = picture;
    this.#tell(); // what is said may have a value in it
    this.#draw();
  }

  #on(event) {
    const { type, target } = event;
    const i = this.$$("fieldset").indexOf(target.closest("fieldset"));
    const map = this.$$(".map div").indexOf(target);
    if (type == "keydown" && this.#own(event)) return;
    if (type == "input" && target.name) this.#edit(target, i);
    else if (type == "change" && target.files) this.#lay(target.files[0]);
    else if (type == "click" && target.localName == "button" && target.ariaDisabled != "true") this.#act(target.name, i);
    else if (type == "keydown" && map >= 0) this.#key(event, map);
    else if (type == "pointerout" && this.#point) this.#pointAt();
    else if (map >= 0 && (type == "click" || (type == "pointermove" && event.pointerType == "mouse"))) {
      const { low, cells, size } = this.#views[map];
      const at = [event.offsetY, event.offsetX].map((place) => Math.floor((place / target.clientWidth) * cells - low));
      if (this.#shown.axes < 2) at[0] = at[1];
      if (at.some((place) => place < 0 || place >= size)) return;
      if (type == "click") this.#select(map, at);
      else if (`${[map, at]}` != `${[this.#point?.map, this.#point?.at]}`) this.#pointAt({ map, at });
    }
  }

  /** Undo and redo by key, and numbers by arrows; single letters are not the page's shortcuts while the reader is here. */
  #own(event) {
    const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
    const command = ctrlKey || metaKey;
    if (!command && !altKey && key.length == 1) event.stopPropagation();
    const act = command && (key.toLowerCase() == "z" ? (shiftKey ? "redo" : "undo") : key.toLowerCase() == "y" && "redo");
    const step = !command && target.inputMode == "numeric" && { ArrowUp: 1, ArrowDown: -1 }[key];
    if (!act && !(step && Number.isInteger(typed(target.value, target.name)))) return false;
    event.preventDefault();
    if (act) this.#back(act);
    else {
      target.value = Math.max(0, typed(target.value, target.name) + step);
      target.dispatchEvent(new Event("input", { bubbles: true }));
    }
    return true;
  }

  /** Undo or redo one step. */
  #back(act) {
    const [from, to] = act == "undo" ? [this.#past, this.#future] : [this.#future, this.#past];
    if (!from.length) return;
    const { state, key } = from.pop();
    to.push({ key, state: this.#state });
    this.#touched = true;
    this.#take(state);
    this.#render();
  }

  #pointAt(unit) {
    this.#point = unit;
    this.#tell();
    this.#draw();
  }

  #select(map, at) {
    this.#shown.unit = { map, at };
    this.#state = { ...this.#state, unit: { map, at } };
    this.#touched = true;
    if (this.$) this.#pointAt();
  }

  #key(event, map) {
    const { unit, axes } = this.#shown;
    const { size } = this.#views[map];
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -size], End: [0, size] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const from = unit.map == map ? unit.at : [size >> 1, size >> 1];
    const at = from.map((place, i) => Math.max(0, Math.min(size - 1, place + move[i])));
    this.#select(map, axes > 1 ? at : [at[1], at[1]]);
  }

  /** Take over what a reader typed or chose; `i` is the layer's number, or -1. */
  #edit({ name, type, checked, value: text }, i) {
    const value = type == "checkbox" ? checked : typed(text, name);
    const state = this.#state;
    const { layers } = state;
    const own = (change) => this.#change({ ...state, preset: "own", ...change }, name + i);
    if (name == "view" && value == "values" && !this.#picture) {
      this.$("[name=picture]").value = "photo";
      this.#lay(fetch(new URL("photo.webp", import.meta.url)).then((answer) => answer.blob()));
    } else if (name == "view") this.#pointAt();
    else if (name == "preset") this.#change({ ...state, preset: value, ...read(PRESETS[value]) });
    else if (name == "axes") this.#change({ ...state, axes: value });
    else if (name == "input_size") own({ inputSize: value });
    else if (name == "type") own({ layers: layers.with(i, { type: value, kernel_size: 2, stride: 2, ...(value == "conv" && CONV) }) });
    else if (name != "picture") own({ layers: layers.with(i, { ...layers[i], [name]: value }) });
    else if (value == "file") this.$("[type=file]").click();
    else this.#lay(value && fetch(new URL(`${value}.webp`, import.meta.url)).then((answer) => answer.blob()));
  }

  /** Do what a button says. */
  #act(name, i) {
    const { $, $$ } = this;
    if (name == "link") this.#copy(this.#link());
    else if (name == "code") this.#copy(import("./program.js").then(({ pytorch }) => pytorch(this.#shown)));
    else if (name == "paste") $("#unread").textContent = this.paste($("textarea").value).error ?? "";
    else if (name == "undo" || name == "redo") this.#back(name);
    else {
      const state = this.#state;
      const layers = [...state.layers];
      const from = name == "add" ? layers.length : i;
      const to = Math.max(0, from + ({ up: -1, down: 1 }[name] ?? 0));
      const [layer = CONV] = layers.splice(from, 1);
      if (name != "remove") layers.splice(to, 0, layer);
      this.#change({ ...state, preset: "own", layers, unit: { map: layers.length, at: state.unit.at } });
      ($$(`[name=${name}]`)[Math.min(to, layers.length - 1)] ?? $("[name=add]")).focus();
    }
  }

  /** Copy a text, which may still be on its way, and show it too. */
  async #copy(text) {
    const { $, t } = this;
    const copied = navigator.clipboard?.write([new ClipboardItem({ "text/plain": text })]).then(() => true, () => false);
    $("pre").textContent = await text;
    $("pre").hidden = false;
    $("#notice").textContent = (await copied) ? t.copied : t.shut;
  }
}

customElements.define("rf-explorer", Explorer);
