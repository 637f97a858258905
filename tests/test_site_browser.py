"""The built site in Chromium: no request leaves it, nothing complains, readers of both languages find their way."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from built_site import SITE

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    f"{'' if language == 'en' else 'zh/'}{path.relative_to(DOCS / language).with_suffix('').as_posix()}/".replace(
        "index/", ""
    )
    for language in ("en", "zh")
    for path in (DOCS / language).rglob("*.md")
)


# Links and buttons of 24 px, which axe does not ask for by itself.
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


class Visit:
    """A tab that writes down what it asks for and what it complains of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        host = urlsplit(address).netloc
        page.on("console", lambda message: self.complaints.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda request: (
                urlsplit(request.url).netloc not in (host, "")
                and self.complaints.append(f"another host: {request.url}")
            ),
        )
        page.on(
            "response",
            lambda response: response.status >= 400 and self.complaints.append(f"{response.status}: {response.url}"),
        )

    def goto(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context.new_page(), address)
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_no_other_host_complains_of_nothing_and_fits_a_phone(visit, path):
    visit.goto(path)
    visit.page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    visit.page.wait_for_load_state("networkidle")
    assert visit.complaints == []
    chinese = path.startswith("zh/")
    assert visit.page.locator("html").get_attribute("lang") == ("zh-Hans" if chinese else "en")
    assert visit.page.locator("h1").count() == 1
    description = visit.page.locator('meta[name="description"]').get_attribute("content")
    assert bool(re.search("[\u4e00-\u9fff]", description)) == chinese
    assert visit.page.locator('meta[property="og:title"]').get_attribute("content")
    assert visit.page.locator('meta[property="og:description"]').get_attribute("content") == description
    image = visit.page.locator('meta[property="og:image"]').get_attribute("content")
    assert image.endswith("/assets/images/social-zh.png" if chinese else "/assets/images/social-en.png")
    assert (SITE / "assets/images" / image.rsplit("/", 1)[1]).exists()
    assert visit.page.locator('link[rel="canonical"]').get_attribute("href").endswith(f"/rfguide/{path}")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390, "it is wider than a phone"


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_in_our_content_in_either_theme(visit, path):
    visit.page.emulate_media(reduced_motion="reduce")
    visit.goto(path)
    visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    # The theme's own bar above a block, a <nav> for each, is not our content.
    ours = {"include": [".md-content"], "exclude": [".md-code__nav"]}
    for scheme in ("default", "slate"):
        visit.page.evaluate(f"document.body.dataset.mdColorScheme = '{scheme}'")
        found = Axe().run(visit.page, context=ours, options=AXE)
        faults = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]]
        assert faults == [], scheme


def late(route: Route) -> None:
    """Let a script come after the page has been painted without it."""
    time.sleep(0.1)
    route.continue_()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["", "zh/", "explorer/", "zh/explorer/", "learn/feature-maps/"])
def test_nothing_moves_while_a_page_comes(visit, path, width):
    """The explorer takes the place of its picture, and what is below it stays where it is."""
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.add_init_script(
        "window.moved = 0; const add = (list) => list.getEntries().forEach((one) => { moved += one.value });"
        "new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true })"
    )
    visit.page.route("**/*.js", late)
    visit.goto(path)
    expect(visit.page.locator("rf-explorer[live]").first).to_be_attached()
    assert visit.page.evaluate("moved") < 0.03


def test_a_page_is_painted_before_a_script_of_the_site_or_the_theme_runs(visit):
    visit.page.add_init_script(
        "const frame = window.requestAnimationFrame; window.held = [];"
        "window.requestAnimationFrame = (f) => held.push(f);"
        "window.release = () => { window.requestAnimationFrame = frame; held.forEach(frame) }"
    )
    visit.goto("learn/stride/")
    assert visit.page.evaluate("[...document.scripts].filter((one) => one.src).length") == 0
    assert visit.page.evaluate("held.length") == 1
    visit.page.evaluate("release()")
    expect(visit.page.locator(".md-code__button").first).to_be_attached()  # by the theme
    expect(visit.page.locator("rf-explorer[live]").first).to_be_attached()  # by the site
    assert visit.complaints == []


def test_a_reader_walks_from_home_to_chapter_0_and_on_to_its_chinese_twin(visit):
    visit.goto("")
    visit.page.get_by_role("link", name="Three rules, three answers").first.click()
    expect(visit.page.locator("h1")).to_contain_text("Three rules, three answers")
    assert visit.page.url == f"{visit.address}learn/three-rules/"
    visit.page.wait_for_load_state("networkidle")  # leaving earlier would break off what is still on its way
    visit.page.get_by_role("button", name="Select language").hover()
    visit.page.get_by_role("link", name="简体中文").click()
    visit.page.wait_for_url(f"{visit.address}zh/learn/three-rules/")
    expect(visit.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    visit.page.wait_for_load_state("networkidle")
    # On the Chinese side links stay Chinese, and the way back leads to the same page.
    visit.page.locator(".md-footer__link--next").click()
    visit.page.wait_for_url(f"{visit.address}zh/learn/feature-maps/")
    visit.page.wait_for_load_state("networkidle")
    visit.page.get_by_role("button", name="选择当前语言").hover()
    visit.page.get_by_role("link", name="English").click()
    visit.page.wait_for_url(f"{visit.address}learn/feature-maps/")
    visit.page.wait_for_load_state("networkidle")
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("learn/stride/", ["receptive field", "stride", "padding", "dilation", "NaN probe"]),
        ("zh/learn/stride/", ["特征图", "感受野", "步幅", "填充", "膨胀"]),
        ("zh/", ["卷积核"]),
    ],
)
def test_a_search_finds_words_inside_sentences_and_stays_in_its_language(visit, path, words):
    visit.goto(path)
    for word in words:
        field = visit.page.locator("[data-md-component=search-query]")
        field.click()
        field.fill("")
        field.press_sequentially(word)
        field.press("End")  # an input method ends with a key, and keys are what the theme listens to
        first = visit.page.locator(".md-search-result__link").first
        expect(first).to_be_visible(timeout=15_000)
        expect(visit.page.locator(".md-search-result__meta")).to_contain_text(re.compile(r"\d"), timeout=15_000)
        marked = visit.page.locator(".md-search-result__article mark:visible").first
        expect(marked).to_be_visible()
        addresses = visit.page.locator(".md-search-result__link").evaluate_all("links => links.map((one) => one.href)")
        assert addresses
        assert all(("/rfguide/zh/" in one) == path.startswith("zh/") for one in addresses), addresses
    visit.page.locator(".md-search-result__link").first.click()
    expect(visit.page.locator("h1")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize(("path", "word"), [("learn/stride/", "stride"), ("zh/learn/stride/", "步幅")])
def test_what_a_search_finds_is_on_the_screen_of_a_phone_and_of_a_desk(visit, path, word, width):
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.goto(path)
    if width < 960:
        visit.page.locator("label.md-header__button[for=__search]").click()
    field = visit.page.locator("[data-md-component=search-query]")
    field.click()
    field.press_sequentially(word)
    field.press("End")
    expect(visit.page.locator(".md-search-result__meta")).to_contain_text(re.compile(r"\d"), timeout=15_000)
    first = visit.page.locator(".md-search-result__link").first
    expect(first).to_be_in_viewport(ratio=0.5)
    # The panel slides in.
    first.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    box = first.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 30
    assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    # No other part of the page lies on top of it.
    assert first.evaluate(
        "(one) => { const { x, y } = one.getBoundingClientRect();"
        "  return one.contains(document.elementFromPoint(x + 20, y + 20)) }"
    )
    first.click()
    expect(visit.page.locator("h1")).to_be_visible()
    assert visit.complaints == []


def test_an_address_without_a_page_says_so_and_leads_home_in_both_languages(visit):
    visit.goto("no/such/page/")
    assert visit.complaints.pop(0).startswith(("404", "console error"))
    expect(visit.page.locator("h1")).to_have_text("There is no such page")
    expect(visit.page.get_by_role("heading", name="没有这个页面")).to_be_visible()
    visit.page.locator(".md-content").get_by_role("link", name="简体中文").click()
    visit.page.wait_for_url(f"{visit.address}zh/")
    assert [one for one in visit.complaints if "no/such/page" not in one and "404" not in one] == []


def test_the_palette_switch_shows_the_figures_of_its_theme(visit):
    visit.goto("learn/feature-maps/")
    light = visit.page.locator('img[src$="#only-light"]').first
    dark = visit.page.locator('img[src$="#only-dark"]').first
    expect(light).to_be_visible()
    expect(dark).to_be_hidden()
    visit.page.locator("label[for=__palette_1]").click()
    expect(dark).to_be_visible()
    expect(light).to_be_hidden()


def test_formulas_are_set_in_the_sites_own_font(visit):
    visit.goto("learn/feature-maps/")
    assert visit.page.locator('math[display="block"]').count() >= 1
    assert visit.page.evaluate("document.fonts.load('16px \"STIX Two Math\"').then((fonts) => fonts.length)") == 1
    assert visit.page.locator(".md-content").evaluate("(one) => /\\\\[a-z]{2}|\\$\\$/.test(one.innerText)") is False


def test_a_page_can_be_taken_along_as_a_notebook(visit):
    visit.goto("zh/learn/stride/")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="下载本页的 notebook").click()
    assert download.value.suggested_filename == "stride.ipynb"
