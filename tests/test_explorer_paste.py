"""PyTorch pasted into the explorer: copied programs, the prints of modules, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from torch import nn

from explorer_harness import Harness, served
from rfguide._site import explorer
from test_explorer_browser import working_stacks

pytestmark = pytest.mark.browser
PASTE = "(texts) => texts.map((text) => document.querySelector('rf-explorer').paste(text))"


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with served() as harness:
        harness.element = explorer.embed("preset=net linked", "en")
        yield harness


@pytest.fixture
def page(chromium: Browser, harness: Harness) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto(harness.address)
    page.locator(".map div").first.wait_for()
    yield page
    page.close()


def whole(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers with every number, a padding of two equal ends as one number."""
    found = []
    for layer in map(explorer.complete, layers):
        padding = layer["padding"]
        ends = padding if isinstance(padding, list) else [padding, padding]
        found.append({**layer, "padding": ends})
    return found


def module(layer: dict[str, Any]) -> nn.Module:
    """The layer in torch."""
    one = explorer.complete(layer)
    numbers = {name: one[name] for name in ("stride", "padding", "dilation")}
    if one["type"] == "upsample":
        return nn.Upsample(scale_factor=one["stride"])
    if one["type"] == "pool":
        return nn.MaxPool2d(one["kernel_size"], ceil_mode=one["ceil_mode"], **numbers)
    if one["type"] == "transposed":
        return nn.ConvTranspose2d(3, 3, one["kernel_size"], output_padding=one["output_padding"], **numbers)
    return nn.Conv2d(3, 3, one["kernel_size"], **numbers)


def test_what_is_copied_pastes_back(page: Page) -> None:
    stacks = working_stacks(200, seed=40)
    codes = page.evaluate(
        """async (stacks) => {
          const { pytorch } = await import("/assets/explorer/program.js");
          const { complete } = await import("/written/explorer/geometry.js");
          const { names } = await import("/written/explorer/stacks.js");
          return stacks.map(({ inputSize, layers }, i) =>
            pytorch({
              ...{ axes: 1 + (i % 2), inputSize },
              ...{ layers: layers.map(complete), names: ["image", ...names(layers)] },
            }));
        }""",
        stacks,
    )
    for code, stack, answer in zip(codes, stacks, page.evaluate(PASTE, codes), strict=True):
        assert answer["error"] is None, (answer, code)
        assert answer["stack"]["inputSize"] == stack["inputSize"]
        assert whole(answer["stack"]["layers"]) == whole(stack["layers"]), code


def test_what_torch_prints_is_read(page: Page) -> None:
    stacks = [
        stack
        for stack in working_stacks(300, seed=41)
        if not any(isinstance(layer.get("padding"), list) for layer in stack["layers"])
    ]
    prints = [
        str(nn.Sequential(*(part for layer in stack["layers"] for part in (module(layer), nn.ReLU()))))
        for stack in stacks
    ]
    page.evaluate("document.querySelector('rf-explorer').stack = { inputSize: 32, layers: [] }")
    for text, stack in zip(prints, stacks, strict=True):
        page.evaluate(
            "(n) => { document.querySelector('rf-explorer').stack = { inputSize: n, layers: [] }; }", stack["inputSize"]
        )
        (answer,) = page.evaluate(PASTE, [text])
        assert answer["error"] is None, (answer, text)
        assert whole(answer["stack"]["layers"]) == whole(stack["layers"]), text


def test_repeated_modules_in_a_print_count(page: Page) -> None:
    (answer,) = page.evaluate(PASTE, [str(nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(5))))])
    assert len(answer["stack"]["layers"]) == 5


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("nn.Sequential(\n  nn.Conv2d(3, 8, 3),\n  nn.Linear(8, 2),\n)", 3, "nn.Linear"),
        ("nn.Conv2d(3, 8, (3, 5))", 1, "kernel_size=(3, 5)"),
        ("nn.Sequential(\n  *[nn.Conv2d(8, 8, 3)] * 4)", 2, "*"),
        ("nn.Conv2d(3, 8, 3)\nnn.Conv2d(3, 8, k)", 2, "k"),
        ("class Net(nn.Module):\n  pass", 1, "class"),
        ("nn.Upsample(scale_factor=2, mode='bilinear')", 1, "bilinear"),
        ("nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect')", 1, "reflect"),
        (str(nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1))), 3, "AdaptiveAvgPool2d"),
        ("nn.Conv2d(3, 8, 99)", None, "kernel: the window spans 99 cells"),
        ("", None, "No convolution"),
        ("(((", None, "No convolution"),
    ],
)
def test_what_is_not_understood_is_named_by_line(page: Page, text: str, line: int | None, what: str) -> None:
    before = page.evaluate("document.querySelector('rf-explorer').stack")
    (answer,) = page.evaluate(PASTE, [text])
    assert answer["stack"] is None
    assert what in answer["error"]
    if line:
        assert answer["error"].startswith(f"Line {line}:")
    assert page.evaluate("document.querySelector('rf-explorer').stack") == before


def test_the_box_takes_a_program(page: Page) -> None:
    page.get_by_text("Paste PyTorch").click()
    page.locator("textarea").fill("nn.Conv2d(3, 8, 7)\nnn.Flatten()")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("#unread")).to_contain_text("Line 2: “nn.Flatten”")
    page.locator("textarea").fill("nn.Conv2d(3, 8, 7)")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("fieldset")).to_have_count(1)
    expect(page.locator("#unread")).to_be_empty()
