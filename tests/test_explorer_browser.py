"""The explorer as readers use it, in Chromium: mouse, touch, keyboard, links, languages, themes, phones, no script."""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from explorer_harness import DOCS, WEIGHTS, Harness, served, whole_layer
from rfguide import GeometryError
from rfguide._site import digits, explorer

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh")
SCHEMES = ("default", "slate")
CANVAS = "document.querySelector('rf-explorer').shadowRoot.querySelector('canvas')"


@pytest.fixture(scope="module")
def server() -> Iterator[Harness]:
    with served() as harness:
        yield harness


@pytest.fixture
def harness(server: Harness) -> Harness:
    server.lang, server.scheme = "en", "default"
    server.element = explorer.embed("preset=net linked", "en")
    return server


@pytest.fixture
def reader(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh context; a message on any console fails the test."""
    messages: list[str] = []
    context = chromium.new_context(
        viewport={"width": 1000, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.on("weberror", lambda error: messages.append(str(error.error)))
    context.on("console", lambda message: messages.append(message.text))
    yield context
    context.close()
    assert messages == []


def opened(reader: BrowserContext, harness: Harness, fragment: str = "") -> Page:
    page = reader.new_page()
    page.goto(harness.address + fragment)
    expect(page.locator(".say").first).not_to_be_empty()
    expect(page.locator(".map div").first).to_be_visible()
    return page


def say(page: Page) -> str:
    return page.locator(".say").inner_text()


def middle_of(page: Page, number: int, row: float, column: float, cells: int) -> dict[str, float]:
    """Where a unit is on a map that has no padding round it."""
    box = page.locator(".map div").nth(number).bounding_box()
    assert box
    return {"x": (column + 0.5) * box["width"] / cells, "y": (row + 0.5) * box["height"] / cells}


def test_without_a_script_the_picture_and_its_sentence_are_there(chromium: Browser, harness: Harness) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(harness.address)
    expect(page.locator("rf-explorer svg")).to_be_visible()
    expect(page.get_by_text("It sees 10 × 10 = 100 pixels of the image: rows 13–22, columns 13–22.")).to_be_visible()
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("preset", explorer.PRESETS)
def test_the_script_says_what_python_said(reader: BrowserContext, harness: Harness, language: str, preset: str) -> None:
    harness.element = explorer.embed(f"preset={preset}", language)
    page = opened(reader, harness)
    assert say(page) == explorer.sentence(explorer.read(explorer.PRESETS[preset]), language)


def test_presets_of_the_list_are_the_librarys_stacks(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    listed = page.evaluate("async () => (await import('/written/explorer/stacks.js')).PRESETS")
    assert listed == {name: explorer.PRESETS[name] for name in listed}
    assert list(listed) == [name for name in explorer.PRESETS if name not in ("one-layer", "holes", "two-windows")]


def test_the_mouse_shows_a_unit_and_a_click_keeps_it(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    last = page.locator(".map div").nth(4)
    last.hover(position=middle_of(page, 4, 0, 7, 8))
    assert "Unit (0, 7) of pool2" in say(page)
    page.locator("h1").hover()
    assert "Unit (4, 4) of pool2" in say(page)
    last.click(position=middle_of(page, 4, 0, 0, 8))
    page.locator("h1").hover()
    assert say(page) == (
        "Unit (0, 0) of pool2 reads 2 × 2 = 4 cells of conv2. "
        "It sees 7 × 7 = 49 pixels of the image: rows 0–6, columns 0–6. "
        "The border takes 51 of the 100 pixels of its field."
    )


def test_padding_that_a_unit_reads_is_counted(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator(".map div").nth(3).click(position=middle_of(page, 3, 0, 0, 16))
    assert say(page).startswith("Unit (0, 0) of conv2 reads 3 × 3 = 9 cells of pool1, 5 of them padding.")


def test_a_pixel_shows_the_units_that_it_reaches(reader: BrowserContext, harness: Harness) -> None:
    harness.element = explorer.embed("preset=one-layer", "en")
    page = opened(reader, harness)
    page.locator(".map div").first.click(position=middle_of(page, 0, 0, 1, 8))
    assert say(page) == "Pixel (0, 1) reaches 1 × 2 = 2 units of conv1."


def test_touch_chooses_a_unit(chromium: Browser, harness: Harness) -> None:
    context = chromium.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    page = opened(context, harness)
    page.locator(".map div").nth(4).tap(position=middle_of(page, 4, 7, 0, 8))
    assert "Unit (7, 0) of pool2" in say(page)
    context.close()


def test_the_keyboard_alone_does_everything(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    last = page.locator(".map div").nth(4)
    last.focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert "Unit (3, 2) of pool2" in say(page)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert "Unit (3, 7) of pool2" in say(page)
    # Tab leaves the maps, and comes to every control.
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.querySelector('rf-explorer').shadowRoot.activeElement?.outerHTML.slice(0, 60)")
        )
    assert None in seen, "no trap"
    seen = seen[: seen.index(None)]
    assert sum("<input name=" in (one or "") for one in seen) == 18
    page.get_by_role("button", name="pool2: up").focus()
    page.keyboard.press("Enter")
    names = page.locator("fieldset > b").all_inner_texts()
    assert names == ["conv1", "pool1", "pool2", "conv2"]
    page.keyboard.press("Enter")
    assert page.locator("fieldset select").nth(1).input_value() == "pool"
    assert page.evaluate("document.querySelector('rf-explorer').shadowRoot.activeElement.ariaLabel").endswith(": up")


def test_editing_and_undo(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    assert page.get_by_role("button", name="Undo").is_disabled()
    kernel = page.locator("fieldset").first.locator("[name=kernel_size]")
    kernel.fill("5")
    expect(page.locator("[name=preset]")).to_have_value("own")
    assert page.evaluate("document.querySelector('rf-explorer').result.layers.map((l) => l.size)") == [5, 6, 10, 12]
    page.get_by_role("button", name="Add a layer").click()
    page.get_by_role("button", name="conv1: remove").click()
    assert page.locator("fieldset > b").all_inner_texts() == ["pool1", "conv1", "pool2", "conv2"]
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    expect(kernel).to_have_value("3")
    expect(page.locator("[name=preset]")).to_have_value("net")
    for _ in range(60):
        page.get_by_role("button", name="Add a layer").click()
    assert page.get_by_role("button", name="Add a layer").is_disabled()
    assert page.locator("fieldset").count() == 64


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("stride", "0", "stride: at least 1."),
        ("kernel_size", "abc", "kernel: “abc” is not a whole number."),
        ("kernel_size", "2.5", "kernel: “2.5” is not a whole number."),
        (
            "kernel_size",
            "99",
            "kernel: the window spans 99 cells, but the map with its padding has 34. A padding of 34 would fit.",
        ),
        ("padding", "-1", "padding: at least 0."),
        ("padding", "1, -1", "padding: at least 0."),
    ],
)
def test_impossible_numbers_explain_themselves_beside_the_field(
    reader: BrowserContext, harness: Harness, name: str, text: str, message: str
) -> None:
    page = opened(reader, harness)
    field = page.locator("fieldset").first.locator(f"[name={name}]")
    field.fill(text)
    expect(page.locator("fieldset").first.locator("#bad")).to_have_text(
        f"{message} The picture shows the last stack that works."
    )
    expect(field).to_have_value(text)
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("aria-describedby") == "bad"
    assert page.evaluate("document.querySelector('rf-explorer').result.layers") == []
    assert "Unit (4, 4) of pool2" in say(page), "the picture stays"
    assert page.get_by_role("button", name="Copy link").is_disabled()
    field.fill("1")
    expect(page.locator("#bad")).to_be_empty()
    assert field.get_attribute("aria-describedby") == ""


def test_the_choice_of_your_own_keeps_the_stack(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("[name=preset]").select_option("own")
    assert page.locator("fieldset > b").all_inner_texts() == ["conv1", "pool1", "conv2", "pool2"]
    expect(page.locator("[name=preset]")).to_have_value("own")


def test_fullwidth_digits_are_digits(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("５")
    assert page.evaluate("document.querySelector('rf-explorer').result.layers[0].size") == 5


def test_a_stack_too_large_to_draw_keeps_its_numbers(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("[name=input_size]").fill("4000")
    assert page.evaluate("document.querySelector('rf-explorer').result.layers[3].outputSize") == 1000
    expect(page.locator("#bad")).to_contain_text("1,024 cells")
    assert "Unit (4, 4) of pool2" in say(page)


def test_a_link_brings_the_stack_and_the_unit_back(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("fieldset").first.locator("[name=padding]").fill("2, 0")
    page.locator("fieldset").nth(1).locator("[name=ceil_mode]").check()
    page.locator(".map div").nth(2).click(position=middle_of(page, 2, 8, 8, 18))
    sentence = say(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.wait_for_url(link)
    again = reader.new_page()
    again.goto(link)
    expect(again.locator(".say")).to_have_text(sentence)
    expect(again.locator("fieldset").first.locator("[name=padding]")).to_have_value("2,0")
    expect(again.locator("fieldset").nth(1).locator("[name=ceil_mode]")).to_be_checked()


@pytest.mark.parametrize(
    "fragment", ["#rf=2d.32~c3.1.1.1@1.0.0", "#rf=", "#rf=2d.32~z3.1.1.1.0@1.0.0", "#rf=%E2%80", "#rf=2d.32"]
)
def test_a_damaged_link_says_so_and_shows_the_usual(reader: BrowserContext, harness: Harness, fragment: str) -> None:
    page = opened(reader, harness, fragment)
    expect(page.get_by_role("status")).to_have_text(
        "This link is damaged, so the network shown is not the one it meant."
    )
    assert "Unit (4, 4) of pool2" in say(page)


def test_a_link_to_an_impossible_stack_shows_what_is_wrong(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness, "#rf=2d.2~c5.1.0.1.0@1.0.0")
    expect(page.locator("#bad")).to_contain_text("kernel: the window spans 5 cells")


def test_the_theme_changes_the_picture(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    light = look(page)
    page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
    page.wait_for_function(f"(light) => {CANVAS}.toDataURL() != light", arg=light)


def look(page: Page) -> str:
    shown: str = page.locator("rf-explorer canvas").evaluate("(canvas) => canvas.toDataURL()")
    return shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_lie_under_the_grid_and_stay_here(reader: BrowserContext, harness: Harness, language: str) -> None:
    harness.element = explorer.embed("preset=net", language)
    page = opened(reader, harness)
    looks = [look(page)]
    choice = page.locator("[name=picture]")
    kinds = choice.locator("option").evaluate_all("(options) => options.map((option) => option.value)")
    assert kinds == ["", "photo", "digit3", "digit8", "file"]
    for kind in kinds[1:-1]:
        choice.select_option(kind)
        page.wait_for_function(f"(before) => {CANVAS}.toDataURL() != before", arg=looks[-1])
        looks.append(look(page))
    harness.asked.clear()
    page.locator("[type=file]").set_input_files(DOCS / "assets" / "images" / "touch-icon.png")
    page.wait_for_function(f"(before) => {CANVAS}.toDataURL() != before", arg=looks[-1])
    assert len({*looks, look(page)}) == 5, "each of the five looks its own way"
    assert harness.asked == []
    choice.select_option("")
    page.wait_for_function(f"(plain) => {CANVAS}.toDataURL() == plain", arg=looks[0])


def test_a_file_that_is_no_image_is_said_so_and_changes_nothing(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    before = page.evaluate(f"{CANVAS}.toDataURL()")
    page.locator("[type=file]").set_input_files(DOCS.parent / "README.md")
    expect(page.locator("#notice")).to_have_text("This file is no image that the browser can read.")
    assert page.evaluate(f"{CANVAS}.toDataURL()") == before


@pytest.mark.parametrize("number", digits.DIGITS)
def test_digits_are_drawn_from_scikit_learns(number: int) -> None:
    kept = Image.open(digits.FOLDER / f"digit{number}.webp").convert("RGB")
    assert kept.tobytes() == digits.digit(number).tobytes()


def test_taken_out_of_the_page_and_put_back_it_goes_on(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("5")
    page.evaluate("""() => {
      window.element = document.querySelector("rf-explorer");
      window.home = element.parentNode;
      element.remove();
    }""")
    page.evaluate("home.append(element)")
    expect(page.locator(".map div").first).to_be_visible()
    expect(page.locator("fieldset").first.locator("[name=kernel_size]")).to_have_value("5")
    assert "Unit (4, 4) of pool2" in say(page)
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("3")
    assert page.evaluate("element.result.layers[0].size") == 3


@pytest.mark.parametrize("width", [320, 390, 768, 1440, 1920])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_hangs_over_and_targets_are_large_enough(
    reader: BrowserContext, harness: Harness, language: str, width: int
) -> None:
    harness.element = explorer.embed("preset=unet", language)
    page = reader.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(harness.address)
    expect(page.locator(".map div").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate("""() => {
      const { shadowRoot } = document.querySelector("rf-explorer");
      return [...shadowRoot.querySelectorAll("button, input, select, .map div")]
        .map((one) => [one.outerHTML.slice(0, 50), one.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
        .map(([what]) => what);
    }""")
    assert small == []
    letters = page.evaluate("""() => [...document.querySelector("rf-explorer").shadowRoot.querySelectorAll("*")]
        .filter((one) => one.childNodes[0]?.nodeType == 3).map((one) => parseFloat(getComputedStyle(one).fontSize))""")
    assert min(letters) >= 12


LARGE = f"stack=2d.256~c256.4.127.1.0{'~c3.1.1.1.0' * 11}@9.4.4"


@pytest.mark.parametrize("width", [320, 720, 1000])
@pytest.mark.parametrize("options", [*(f"preset={preset}" for preset in explorer.PRESETS), LARGE])
def test_no_caption_lies_on_another(reader: BrowserContext, harness: Harness, options: str, width: int) -> None:
    harness.element = explorer.embed(options, "en")
    page = reader.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(harness.address)
    expect(page.locator(".map div").first).to_be_visible()
    boxes = page.locator(".map > span").evaluate_all("""(captions) => captions.map((caption) => {
      const text = document.createRange();
      text.selectNodeContents(caption);
      const lines = [...text.getClientRects()].filter((line) => line.width);
      return {
        left: Math.min(...lines.map((line) => line.left)), right: Math.max(...lines.map((line) => line.right)),
        top: lines[0].top, bottom: lines.at(-1).bottom,
      };
    })""")
    for one, other in pairwise(boxes):
        apart = one["right"] < other["left"] or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
        assert apart, (one, other)
    assert max(box["right"] for box in boxes) <= width


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing(reader: BrowserContext, harness: Harness, language: str, scheme: str) -> None:
    harness.lang = {"en": "en", "zh": "zh-Hans"}[language]
    harness.scheme = scheme
    harness.element = explorer.embed("preset=unet", language) + explorer.embed("preset=net compact", language)
    page = opened(reader, harness)
    page.locator("rf-explorer").first.locator("fieldset").first.locator("[name=stride]").fill("0")
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


def test_compact_shows_the_picture_and_the_way_to_the_whole(reader: BrowserContext, harness: Harness) -> None:
    harness.element = explorer.embed("preset=net compact", "zh")
    page = opened(reader, harness)
    expect(page.locator("#rows")).to_be_hidden()
    link = page.get_by_role("link", name="在探索器中打开")
    assert link.get_attribute("href") == f"{harness.address}zh/explorer/#rf={explorer.PRESETS['net']}"


def test_it_survives_the_themes_instant_navigation_both_ways(reader: BrowserContext, address: str) -> None:
    # The theme compares links with the sitemap, and knows a host but no port: let the sitemap name this server.
    def local(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r"https?://[^/<\"]+/rfguide/", address, answer.text()))

    page = reader.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.route("**/sitemap.xml", local)
    with page.expect_response("**/sitemap.xml"):
        page.goto(f"{address}explorer/")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".map div").first).to_be_visible()
    page.evaluate("window.same = true")
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("5")
    page.wait_for_url("**/explorer/#rf=*")
    page.locator(".md-header a.md-logo").click()
    page.wait_for_url(address)
    expect(page.locator("rf-explorer[compact] .map div").first).to_be_visible()
    page.go_back()
    page.wait_for_url("**/explorer/#rf=*")
    expect(page.locator("fieldset").first.locator("[name=kernel_size]")).to_have_value("5")
    assert page.evaluate("window.same"), "no page was loaded anew"


def working_stacks(count: int, seed: int, *, largest: int = 64) -> list[dict[str, Any]]:
    """Make up stacks that work and whose maps can be drawn."""
    rng, found = random.Random(seed), []
    while len(found) < count:
        stack = {
            "inputSize": rng.choice([5, 8, 16, 32]),
            "layers": [whole_layer(rng) for _ in range(rng.randint(1, 8))],
        }
        try:
            sizes = [result.output_size for result in explorer.results(stack["inputSize"], stack["layers"])]
        except GeometryError:
            continue
        if all(size is not None and size <= largest for size in sizes):
            found.append({**stack, "sizes": sizes})
    return found


def test_copied_code_runs_in_torch_with_the_shapes_shown(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    stacks = working_stacks(100, seed=7)
    codes = page.evaluate(
        """async (stacks) => {
          const { pytorch } = await import("/assets/explorer/program.js");
          const { complete } = await import("/written/explorer/geometry.js");
          const { names } = await import("/written/explorer/stacks.js");
          return stacks.map(({ inputSize, layers }, i) => {
            const all = { layers: layers.map(complete), names: ["image", ...names(layers)] };
            return pytorch({ axes: 1 + (i % 2), inputSize, ...all });
          });
        }""",
        stacks,
    )
    program = "\n".join([*codes[:0], *(f"print('case')\n{code}" for code in codes)])
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    shown = [re.findall(r"^(?!pad)\w+ \((.+)\)$", case, re.MULTILINE) for case in run.stdout.split("case\n")[1:]]
    for i, (stack, shapes) in enumerate(zip(stacks, shown, strict=True)):
        assert [shape.split(", ")[2:] for shape in shapes] == [[str(size)] * (1 + i % 2) for size in stack["sizes"]]


def test_the_highlighted_cells_are_those_that_torch_depends_on(reader: BrowserContext, harness: Harness) -> None:
    """With all weights 1 and sums for maxima, the gradient of a unit is not zero exactly where it is highlighted."""
    import torch
    from torch import nn

    def module(layer: dict[str, Any], size: int) -> nn.Module:
        whole = explorer.complete(layer)
        k, s, d = whole["kernel_size"], whole["stride"], whole["dilation"]
        before, after = whole["padding"] if isinstance(whole["padding"], list) else (whole["padding"],) * 2
        if whole["type"] in ("transposed", "upsample"):
            options = {"padding": before, "dilation": d, "output_padding": whole["output_padding"]}
            return nn.ConvTranspose1d(1, 1, k, s, bias=False, **options)
        # A pooling whose last window hangs over reads nothing there: more zeros do the same.
        over = max(after, (size - 1) * s + d * (k - 1) + 1)
        return nn.Sequential(nn.ConstantPad1d((before, over), 0.0), nn.Conv1d(1, 1, k, s, dilation=d, bias=False))

    rng = random.Random(8)
    stacks = working_stacks(200, seed=9)
    asked = [{**stack, "unit": rng.randrange(stack["sizes"][-1])} for stack in stacks]
    page = opened(reader, harness)
    shown = page.evaluate(
        """async (stacks) => {
          const { sight } = await import("/written/explorer/picture.js");
          const { complete } = await import("/written/explorer/geometry.js");
          return stacks.map(({ inputSize, layers, sizes, unit }) => {
            const all = [inputSize, ...sizes];
            const whole = layers.map(complete);
            const cells = sight(whole, all, layers.length, unit)[0].cells;
            return { cells, back: cells.map((cell) => sight(whole, all, 0, cell).at(-1).cells.includes(unit)) };
          });
        }""",
        asked,
    )
    for stack, answer in zip(asked, shown, strict=True):
        x = torch.ones(1, 1, stack["inputSize"], dtype=torch.float64, requires_grad=True)
        y = x
        for layer, size in zip(stack["layers"], stack["sizes"], strict=True):
            part = module(layer, size).double()
            nn.init.ones_(next(iter(part.parameters())))
            y = part(y)[..., :size]
        (gradient,) = torch.autograd.grad(y[0, 0, stack["unit"]], x)
        assert answer["cells"] == gradient[0, 0].nonzero().flatten().tolist(), stack
        assert all(answer["back"]), "each of these cells reaches the unit"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_weight_of_what_a_reader_loads(reader: BrowserContext, harness: Harness, language: str) -> None:
    harness.element = explorer.embed("preset=net linked", language)
    harness.asked.clear()
    page = opened(reader, harness)
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("5")
    assert f"/assets/explorer/words.{language}.js" in harness.asked
    assert harness.weight() < 20_480


def test_the_weight_of_all_there_is() -> None:
    assert sum(WEIGHTS.values()) < 61_440  # both languages, and the program that is loaded when asked for
