"""Ticking exercises in Chromium: kept in this browser alone, shared by both languages, by mouse and by keyboard."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[1] / "docs"
KEY = "rfguide.exercises"

# A page as the theme lays it out, as far as ticks are concerned; `position` has two exercises, `stride` one.
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Page</title>
<link rel="stylesheet" href="{root}assets/stylesheets/rfguide.css">
<link rel="stylesheet" href="{root}assets/exercises/exercises.css">
<style>a {{ color: inherit }}</style>
<script type="module" src="{root}assets/exercises/exercises.js"></script></head>
<body data-md-color-scheme="{scheme}"
      style="background: var(--rf-background); color: var(--rf-text)">
<nav class="md-nav" aria-label="Pages">
  <a class="md-nav__link" href="{root}{base}learn/stride/">Stride</a>
  <a class="md-nav__link" href="{root}{base}learn/position/">Position</a>
  <a class="md-nav__link" href="#exercise">Exercise</a>
  <a class="md-nav__link" href="{root}{base}reference/symbols/">Symbols</a>
</nav>
<main class="md-typeset"><h1>Page</h1>
<h2 id="exercise">Exercise 1</h2><p>Question.</p>
<details><summary>Answer</summary><p>25</p></details>
<h2 id="exercise-start">Exercise 2</h2><p>Question.</p>
<h2 id="sources">Sources</h2><p>None.</p>
<div class="rf-exercises"></div>
</main></body></html>
"""


class Site(SimpleHTTPRequestHandler):
    """docs/assets under /guide/assets/, and the page above everywhere else, Chinese under /guide/zh/."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/guide"))

    def do_GET(self) -> None:
        address, _, scheme = self.path.partition("?")
        if address.startswith("/guide/assets/"):
            return super().do_GET()
        zh = address.startswith("/guide/zh/")
        text = PAGE.format(
            lang="zh-Hans" if zh else "en", base="zh/" if zh else "", root="/guide/", scheme=scheme or "default"
        )
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def guide() -> Iterator[str]:
    """Where such pages are served, not at their server's root."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(DOCS)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/guide/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def reader(chromium) -> Iterator[BrowserContext]:
    """A browser of its own, with nothing stored; an error on any of its pages fails the test."""
    errors: list[str] = []
    context = chromium.new_context()
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    yield context
    context.close()
    assert errors == []


def opened(reader: BrowserContext, url: str) -> Page:
    page = reader.new_page()
    page.goto(url)
    page.locator("[data-exercise]").first.wait_for()
    return page


def stored(page: Page) -> dict[str, str]:
    return page.evaluate("() => ({...localStorage})")


def test_a_tick_stays_in_this_browser_and_goes_nowhere(reader, guide):
    page = opened(reader, guide + "learn/position/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("[data-exercise]").nth(1).check()
    assert asked == []
    assert stored(page) == {KEY: json.dumps(["learn/position#exercise-start"])}
    assert reader.cookies() == []

    page.reload()
    expect(page.locator("[data-exercise]").nth(0)).not_to_be_checked()
    expect(page.locator("[data-exercise]").nth(1)).to_be_checked()
    page.locator("[data-exercise]").nth(1).uncheck()
    assert stored(page) == {}


def test_each_box_stands_at_the_end_of_its_exercise(reader, guide):
    page = opened(reader, guide + "learn/position/")
    order = page.locator("main > *").evaluate_all("all => all.map(e => e.id || e.className || e.tagName)")
    first, second, rest = order[1:5], order[5:8], order[8:]
    assert first == ["exercise", "P", "DETAILS", "rf-solved"]
    assert second == ["exercise-start", "P", "rf-solved"]
    assert rest == ["sources", "P", "rf-exercises"]


def test_the_chinese_page_has_the_same_ticks_in_chinese(reader, guide):
    opened(reader, guide + "learn/position/").locator("[data-exercise]").first.check()
    page = opened(reader, guide + "zh/learn/position/")
    boxes = page.get_by_role("checkbox", name="这道练习我做出来了")
    expect(boxes).to_have_count(2)
    expect(boxes.nth(0)).to_be_checked()
    expect(boxes.nth(1)).not_to_be_checked()
    expect(page.locator(".rf-exercises")).to_contain_text("道练习已完成 1 道")
    expect(page.locator(".rf-exercises")).to_contain_text("打的勾只保存在这个浏览器里。")


def test_the_navigation_says_how_far_one_is(reader, guide):
    page = opened(reader, guide + "learn/position/")
    links = page.locator("nav a")
    expect(links).to_have_text(["Stride", "Position", "Exercise", "Symbols"])
    page.locator("[data-exercise]").nth(0).check()
    expect(page.get_by_role("link", name="Position (1 of 2 exercises solved)")).to_have_count(1)
    expect(links.nth(1)).to_contain_text("1/2")
    page.locator("[data-exercise]").nth(1).check()
    expect(page.get_by_role("link", name="Position (2 of 2 exercises solved)")).to_have_count(1)
    expect(links.nth(1)).to_contain_text("✓")
    expect(page.locator("nav .rf-progress")).to_have_count(1)


def test_the_keyboard_is_enough(reader, guide):
    page = opened(reader, guide + "learn/stride/")
    page.locator("summary").focus()
    page.keyboard.press("Tab")
    expect(page.locator("[data-exercise]")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("[data-exercise]")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Clear the ticks")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-exercise]")).not_to_be_checked()
    expect(page.locator(".rf-exercises")).to_be_focused()
    assert stored(page) == {}


def test_another_tab_follows(reader, guide):
    one = opened(reader, guide + "learn/stride/")
    two = opened(reader, guide + "learn/stride/")
    one.locator("[data-exercise]").check()
    expect(two.locator("[data-exercise]")).to_be_checked()


@pytest.mark.parametrize("rubbish", ["{", "5", '"text"', "null", '{"a": 1}'])
def test_rubbish_in_the_storage_counts_as_nothing(reader, guide, rubbish):
    page = opened(reader, guide + "learn/stride/")
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, rubbish])
    page.reload()
    expect(page.locator("[data-exercise]")).not_to_be_checked()
    page.locator("[data-exercise]").check()
    assert stored(page) == {KEY: json.dumps(["learn/stride#exercise"])}


def test_without_storage_the_ticks_last_as_long_as_the_page(reader, guide):
    refuse = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    reader.add_init_script(refuse)
    page = opened(reader, guide + "learn/stride/")
    page.locator("[data-exercise]").check()
    expect(page.get_by_role("link", name="Stride (1 of 1 exercises solved)")).to_have_count(1)
    page.reload()
    expect(page.locator("[data-exercise]")).not_to_be_checked()


def test_instant_navigation_puts_each_box_once(reader, guide):
    # The theme announces each page, the first one included, through document$; an announcement may come twice.
    reader.add_init_script("window.document$ = {subscribe(f) { window.announce = f; f(); }}")
    page = opened(reader, guide + "learn/stride/")
    page.evaluate("announce()")
    expect(page.locator("[data-exercise]")).to_have_count(1)
    page.evaluate(
        """() => {
          history.pushState({}, "", new URL("../position/", location.href));
          document.querySelectorAll(".rf-solved").forEach((line) => line.remove());
          announce();
        }"""
    )
    names = page.locator("[data-exercise]").evaluate_all("boxes => boxes.map(box => box.dataset.exercise)")
    assert names == ["learn/position#exercise", "learn/position#exercise-start"]


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("base", ["", "zh/"])
def test_axe_finds_nothing(reader, guide, base, scheme):
    page = opened(reader, f"{guide}{base}learn/position/?{scheme}")
    page.locator("[data-exercise]").first.check()
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in violations] == []


def test_a_finger_hits_the_box(reader, guide):
    page = opened(reader, guide + "learn/stride/")
    box = page.locator(".rf-solved label").bounding_box()
    assert box is not None
    assert box["height"] >= 24
    assert box["width"] >= 24
