// Ticks for solved exercises. What a reader ticks stays in this browser: it is stored under one key
// of localStorage and sent nowhere. Without storage the ticks last as long as the page.

import { EXERCISES } from "./list.js";

const KEY = "rfguide.exercises";
const ROOT = new URL("../../", import.meta.url).pathname;

const WORDS = {
  en: {
    solved: "I have solved this exercise",
    progress: (done, all) => `${done} of ${all} exercises solved`,
    kept: "Your ticks are kept in this browser only.",
    clear: "Clear the ticks",
  },
  zh: {
    solved: "这道练习我做出来了",
    progress: (done, all) => `${all} 道练习已完成 ${done} 道`,
    kept: "打的勾只保存在这个浏览器里。",
    clear: "清除全部勾选",
  },
};
const words = () => WORDS[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];

let solved = load();

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return new Set(Array.isArray(stored) ? stored : []);
  } catch {
    return new Set(); // storage is switched off, or holds something else
  }
}

function save() {
  try {
    if (solved.size) localStorage.setItem(KEY, JSON.stringify([...solved].sort()));
    else localStorage.removeItem(KEY);
  } catch {
    // The ticks on the page stay; they are not kept.
  }
}

/** `learn/stride` for /…/learn/stride/, and the same for its Chinese twin /…/zh/learn/stride/. */
function pageOf(url) {
  const { origin, pathname } = new URL(url, location.href);
  if (origin != location.origin || !pathname.startsWith(ROOT)) return null;
  return pathname.slice(ROOT.length).replace(/^zh\//, "").replace(/(^|\/)index\.html$/, "").replace(/\/$/, "");
}

const count = (page) => EXERCISES[page].filter((id) => solved.has(`${page}#${id}`)).length;

/** A checkbox at the end of an exercise's section. */
function addTick(page, id) {
  const heading = document.getElementById(id);
  if (!heading) return;
  let last = heading;
  while (last.nextElementSibling && !/^H[12]$/.test(last.nextElementSibling.tagName)) last = last.nextElementSibling;
  const name = `${page}#${id}`;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: solved.has(name) });
  box.dataset.exercise = name;
  box.addEventListener("change", () => {
    if (box.checked) solved.add(name);
    else solved.delete(name);
    save();
    show();
  });
  const label = document.createElement("label");
  label.append(box, words().solved);
  const line = Object.assign(document.createElement("p"), { className: "rf-solved" });
  line.append(label);
  last.after(line);
}

/** How far the reader is, beside each link to a page with exercises in the navigation and in lists of chapters. */
function mark(link) {
  link.querySelector(".rf-progress")?.remove();
  const page = pageOf(link.href);
  // A link into the page that is open belongs to its table of contents.
  if (!EXERCISES[page] || link.hash || !count(page)) return;
  const [done, all] = [count(page), EXERCISES[page].length];
  const badge = Object.assign(document.createElement("span"), { className: "rf-progress" });
  const sign = Object.assign(document.createElement("span"), { textContent: done == all ? "✓" : `${done}/${all}` });
  sign.setAttribute("aria-hidden", "true");
  const text = Object.assign(document.createElement("span"), { className: "rf-unseen" });
  text.textContent = ` (${words().progress(done, all)})`;
  badge.append(sign, text);
  link.append(badge);
}

/** The sum over all pages, where a page has `<div class="rf-exercises"></div>`. */
function summary(place) {
  const pages = Object.keys(EXERCISES);
  const all = pages.reduce((sum, page) => sum + EXERCISES[page].length, 0);
  const done = pages.reduce((sum, page) => sum + count(page), 0);
  const bar = Object.assign(document.createElement("progress"), { max: all, value: done });
  bar.setAttribute("aria-label", words().progress(done, all));
  const line = document.createElement("p");
  line.append(bar, ` ${words().progress(done, all)}`);
  const kept = Object.assign(document.createElement("p"), { textContent: `${words().kept} ` });
  if (done) {
    const clear = Object.assign(document.createElement("button"), { type: "button", textContent: words().clear });
    clear.addEventListener("click", () => {
      solved.clear();
      save();
      show();
      place.focus();
    });
    kept.append(clear);
  }
  place.tabIndex = -1; // where the focus goes when the button has done its work
  place.replaceChildren(line, kept);
}

function show() {
  for (const box of document.querySelectorAll("[data-exercise]")) box.checked = solved.has(box.dataset.exercise);
  document.querySelectorAll("nav.md-nav a.md-nav__link[href], .rf-chapters a[href]").forEach(mark);
  document.querySelectorAll(".rf-exercises").forEach(summary);
}

function start() {
  const page = pageOf(location.href);
  if (!document.querySelector("[data-exercise]")) EXERCISES[page]?.forEach((id) => addTick(page, id));
  show();
}

// Another tab of the same browser.
addEventListener("storage", ({ key }) => {
  if (key != KEY && key != null) return;
  solved = load();
  show();
});

// With instant navigation Material announces each page here; without it there is one page.
if (window.document$) window.document$.subscribe(start);
else start();
