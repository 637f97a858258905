"""What readers broke once: states that vanish under the mouse, hostile links and stacks, focus, address, print."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from explorer_harness import DOCS, Harness, served
from rfguide._site import explorer

pytestmark = pytest.mark.browser

ACTIVE = "document.querySelector('rf-explorer').shadowRoot.activeElement"
HASH = "decodeURIComponent(location.hash)"


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with served() as harness:
        harness.element = explorer.embed("preset=net linked", "en")
        yield harness


@pytest.fixture
def reader(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh context; an uncaught error fails the test."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert errors == []


def opened(reader: BrowserContext, harness: Harness, fragment: str = "") -> Page:
    page = reader.new_page()
    page.goto(harness.address + fragment)
    expect(page.locator(".map div").first).to_be_visible()
    return page


def test_a_map_may_go_while_the_mouse_rests_on_it(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator(".map div").nth(4).hover()
    for name in ("pool2", "conv2"):
        page.get_by_role("button", name=f"{name}: remove").focus()
        page.keyboard.press("Enter")
    expect(page.locator(".say")).to_contain_text("of pool1")
    page.locator(".map div").nth(2).hover()
    page.locator("[name=preset]").select_option("dilated")
    expect(page.locator(".map div")).to_have_count(5)


def hostile(rng: random.Random) -> str:
    """A link's text with something wrong in it, or not."""
    text = rng.choice([*explorer.PRESETS.values(), "2d.32@0.1.1"])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        bad = rng.choice(
            [
                "NaN",
                "-1",
                "~",
                "@",
                ".",
                "99999",
                "",
                "0",
                "%",
                "%00",
                "<img src=x onerror=alert(1)>",
                "d",
                "c",
                "-",
                "é",
            ]
        )
        text = text[:at] + bad + text[at + rng.randint(0, 2) :]
    return text


def test_no_link_breaks_it(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    rng = random.Random(20)
    start = explorer.PRESETS["net"].split("@")[0]
    links = [f"{start}@NaN.NaN.NaN", f"{start}@-1.0.0", *(hostile(rng) for _ in range(300))]
    shown = page.evaluate(
        """async (links) => {
          const { shadowRoot } = document.querySelector("rf-explorer");
          const shown = [];
          for (const link of links) {
            location.hash = `rf=${link}`;
            await new Promise((done) => setTimeout(done));
            shown.push([shadowRoot.querySelector("#notice").textContent, shadowRoot.querySelector(".say").textContent]);
          }
          return shown;
        }""",
        links,
    )
    assert all(sentence for _, sentence in shown)
    assert not any("NaN" in sentence or "undefined" in sentence for _, sentence in shown)
    assert sum(bool(notice) for notice, _ in shown) > 100


@pytest.mark.parametrize("change", ["{}.", "{})", "%7E", "%40", "all"])
def test_links_that_messengers_rewrote_are_read(reader: BrowserContext, harness: Harness, change: str) -> None:
    text = explorer.PRESETS["dilated"]
    sent = {"%7E": text.replace("~", "%7E"), "%40": text.replace("@", "%40")}.get(change) or change.format(text)
    if change == "all":
        sent = text.replace("~", "%7E").replace("@", "%40").replace(".", "%2E") + "."
    page = opened(reader, harness, f"#rf={sent}")
    expect(page.locator(".say")).to_contain_text("of conv4")
    expect(page.locator("#notice")).to_be_empty()


EVIL = "<img src=x onerror='window.ran = true'>"


def test_nothing_of_a_state_becomes_markup(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    count = "document.querySelector('rf-explorer').shadowRoot.querySelectorAll('img').length"
    for stack in (
        {"inputSize": 8, "layers": [{"type": EVIL, "kernel_size": 3}]},
        {"inputSize": EVIL, "layers": []},
        *(
            {"inputSize": 8, "layers": [{"type": kind, "kernel_size": 3, "padding": 1, name: value}]}
            for kind in ("conv", "pool", "transposed", "upsample")
            for name in ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode", "name")
            for value in (EVIL, [EVIL, EVIL])
        ),
    ):
        page.evaluate("(stack) => { document.querySelector('rf-explorer').stack = stack; }", stack)
        assert page.evaluate(count) == 0, stack
    page.wait_for_timeout(600)  # the refusal is shown by now
    assert page.evaluate(count) == 0
    assert page.evaluate("window.ran") is None


def test_the_focus_stays(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    kind = page.locator("fieldset").first.locator("select")
    kind.focus()
    page.keyboard.press("ArrowDown")
    expect(kind).to_have_value("pool")
    assert page.evaluate(f"{ACTIVE}.name") == "type"
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_be_disabled()
    assert page.evaluate(f"{ACTIVE}.name") == "undo"
    add = page.get_by_role("button", name="Add a layer")
    add.focus()
    for _ in range(60):
        add.click()
    assert page.evaluate(f"{ACTIVE}.name") == "add"
    expect(page.locator("fieldset")).to_have_count(64)


def test_the_first_layer_cannot_go_up(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.get_by_role("button", name="conv1: up").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_undo_redo_by_key_and_numbers_by_arrows(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    kernel = page.locator("fieldset").first.locator("[name=kernel_size]")
    kernel.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(kernel).to_have_value("5")
    page.keyboard.press("Control+z")
    expect(kernel).to_have_value("3")
    page.keyboard.press("Control+Shift+z")
    expect(kernel).to_have_value("5")


def test_the_address_follows_undo_and_a_unit_alone(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator(".map div").nth(4).focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"{HASH}.endsWith('@4.3.4')")
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("5")
    page.wait_for_function(f"{HASH}.includes('c5.')")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"!{HASH}.includes('c5.')")


def test_a_size_on_its_way_does_not_move_the_unit(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness, f"#rf={explorer.PRESETS['dilated']}")
    size = page.locator("[name=input_size]")
    size.fill("1")
    size.fill("12")
    size.fill("128")
    expect(page.locator(".say")).to_contain_text("Unit (16, 16) of conv4")


def test_a_good_image_takes_the_notice_away(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("[type=file]").set_input_files(DOCS.parent / "README.md")
    expect(page.locator("#notice")).not_to_be_empty()
    page.locator("[type=file]").set_input_files(DOCS / "assets" / "images" / "touch-icon.png")
    expect(page.locator("#notice")).to_be_empty()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refusals_speak_the_readers_language_and_name_the_field(
    reader: BrowserContext, harness: Harness, language: str
) -> None:
    page = opened(reader, harness)
    said = page.evaluate(
        """async (language) => {
          const { default: t } = await import(`/written/explorer/words.${language}.js`);
          const { geometry } = await import("/written/explorer/geometry.js");
          const conv = { type: "conv", kernel_size: 3, stride: 1, padding: 1, dilation: 1 };
          const up = { type: "transposed", kernel_size: 2, stride: 2, padding: 0, output_padding: 0 };
          const pool = { type: "pool", kernel_size: 2, stride: 2, padding: 0 };
          const changes = [
            [conv, { kernel_size: "" }], [conv, { kernel_size: "a" }], [conv, { stride: 0 }],
            [conv, { padding: "a" }],
            [conv, { dilation: 20 }], [conv, { kernel_size: 40 }], [pool, { padding: 2 }],
            [pool, { ceil_mode: 1 }],
            [up, { output_padding: 2 }], [up, { padding: 99 }], [conv, { stride: 2 ** 70 }],
            [conv, { kernel_size: [1, 2] }],
          ];
          return changes.map(([layer, change]) => {
            const { refusal, name } = geometry({ inputSize: 32, layers: [{ ...layer, ...change }] });
            const [label] = [t[name]].flat();
            return [Object.keys(change)[0], name, t.refusals[refusal.rule](label, refusal), label];
          });
        }""",
        language,
    )
    for changed, named, sentence, label in said:
        assert changed == named
        assert sentence.startswith(label)
        assert not any(word in sentence for word in ("kernel_size", "input_size", "undefined", "="))
        assert (language == "zh") == any("\u4e00" <= letter <= "\u9fff" for letter in sentence)


def test_two_equal_numbers_are_one(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("(5, 5)")
    assert page.evaluate("document.querySelector('rf-explorer').result.layers[0].size") == 5


def test_nobody_is_corrected_while_typing(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    kernel = page.locator("fieldset").first.locator("[name=kernel_size]")
    kernel.fill("")
    assert page.locator("#bad").inner_text() == ""
    assert page.locator("#bad").get_attribute("aria-live") == "polite"
    expect(page.locator("#bad")).to_contain_text("a whole number belongs here")


def test_strips_stand_above_their_fields(reader: BrowserContext, harness: Harness) -> None:
    harness.element = explorer.embed("stack=1d.32~c3.1.0.1.0~p2.2.0.1.0~c3.1.0.1.0~c5.2.0.1.0@4.2.2 linked", "en")
    page = opened(reader, harness)
    harness.element = explorer.embed("preset=net linked", "en")
    box = page.locator(".map div").last.bounding_box()
    image = page.locator(".map div").first.bounding_box()
    assert box
    assert image
    result = page.evaluate("document.querySelector('rf-explorer').result.layers.at(-1)")
    for unit in range(result["outputSize"]):
        middle = unit * result["stride"] - result["padding"] + (result["size"] - 1) / 2
        page.mouse.move(image["x"] + (middle + 0.5) / 32 * image["width"], box["y"] + 10)
        expect(page.locator(".say")).to_contain_text(f"Unit {unit} of conv3")


def test_the_themes_shortcuts_rest_while_a_map_has_the_focus(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.evaluate("addEventListener('keydown', ({ key }) => { window.heard = (window.heard ?? '') + key; })")
    page.locator(".map div").first.focus()
    for key in "n.p,sf/":
        page.keyboard.press(key)
    assert page.evaluate("window.heard") is None


def test_print_does_not_stretch_the_picture(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 900})
    ratios = page.locator("canvas").evaluate(
        "(canvas) => [canvas.width / canvas.clientWidth, canvas.height / canvas.clientHeight, devicePixelRatio]"
    )
    assert ratios[0] == pytest.approx(ratios[2], abs=0.01)
    assert ratios[1] == pytest.approx(ratios[2], abs=0.01)
    assert page.locator(".stage").evaluate("(stage) => stage.clientWidth") == 640


def test_a_change_of_language_keeps_the_state(reader: BrowserContext, harness: Harness) -> None:
    plain = harness.element
    harness.element += '<a href="/zh/" hreflang="zh-Hans">中文</a>'
    page = opened(reader, harness)
    harness.element = plain
    page.locator("fieldset").first.locator("[name=kernel_size]").fill("5")
    page.get_by_text("中文").click()
    page.wait_for_url("**/zh/#rf=2d.32~c5*")


def test_the_unit_is_read_and_set_from_outside(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness)
    element = "document.querySelector('rf-explorer')"
    assert page.evaluate(f"{element}.unit") == {"map": 4, "index": [4, 4]}
    page.evaluate(f"{element}.unit = {{ map: 2, index: [0, 7] }}")
    expect(page.locator(".say")).to_contain_text("Unit (0, 7) of pool1")
    for wrong in ("{ map: 9, index: [0, 0] }", "{ map: 1, index: [0] }", "{ map: 1, index: [0, 32] }", "{ map: NaN }"):
        said = page.evaluate(
            f"(() => {{ try {{ {element}.unit = {wrong}; }} catch (error) {{ return error.name; }} }})()"
        )
        assert said == "RangeError"


def test_the_stage_stays_in_sight(reader: BrowserContext, harness: Harness) -> None:
    page = opened(reader, harness, f"#rf={explorer.PRESETS['vgg16']}")
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        row = page.locator("fieldset").nth(12)
        row.scroll_into_view_if_needed()
        stage = page.locator(".stay").bounding_box()
        assert stage
        assert stage["y"] >= 0
        assert stage["y"] + stage["height"] <= height * 0.6
