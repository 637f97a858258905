"""The values in the explorer's maps against torch.nn.functional, and those of a photograph."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from torch.nn import functional

from explorer_harness import Harness, served, whole_layer
from rfguide import GeometryError
from rfguide._site import explorer

pytestmark = pytest.mark.browser


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


def in_torch(layer: dict[str, Any], rows: list[list[float]]) -> torch.Tensor:
    x = torch.tensor(rows, dtype=torch.float64)[None, None]
    k, s, p, d = (layer[name] for name in ("kernel_size", "stride", "padding", "dilation"))
    if layer["type"] == "upsample":
        return functional.interpolate(x, scale_factor=s)[0, 0]
    if layer["type"] == "pool":
        return functional.max_pool2d(x, k, s, p, d, ceil_mode=layer["ceil_mode"])[0, 0]
    weight = torch.tensor(layer["weight"], dtype=torch.float64)[None, None]
    if layer["type"] == "transposed":
        return functional.conv_transpose2d(x, weight, None, s, p, layer["output_padding"], 1, d)[0, 0]
    before, end = p if isinstance(p, list) else (p, p)
    return functional.conv2d(functional.pad(x, (before, end, before, end)), weight, None, s, 0, d)[0, 0]


def test_values_are_those_of_torch(page: Page) -> None:
    rng = random.Random(50)
    cases: list[dict[str, Any]] = []
    while len(cases) < 500:
        size, layer = rng.randint(1, 14), explorer.complete(whole_layer(rng))
        try:
            (found,) = explorer.results(size, [layer])
        except GeometryError:
            continue
        k = layer["kernel_size"]
        rows = [[rng.uniform(-1, 1) for _ in range(size)] for _ in range(size)]
        if layer["type"] in ("conv", "transposed"):
            layer["weight"] = [[rng.uniform(-1, 1) for _ in range(k)] for _ in range(k)]
        cases.append({"rows": rows, "layer": {**layer, "relu": rng.random() < 0.3}, "size": found.output_size})
    answers = page.evaluate(
        """async (cases) => {
          const { after } = await import("/written/explorer/values.js");
          return cases.map(({ rows, layer, size }) => after(layer, rows, size));
        }""",
        cases,
    )
    for case, answer in zip(cases, answers, strict=True):
        expected = in_torch(case["layer"], case["rows"])
        expected = expected.relu() if case["layer"]["relu"] else expected
        torch.testing.assert_close(torch.tensor(answer, dtype=torch.float64), expected, atol=1e-5, rtol=0)


def test_a_photograph_flows_through_the_net(page: Page) -> None:
    ask = "(map) => document.querySelector('rf-explorer').values(map)"
    assert page.evaluate(ask, 0) is None
    page.locator("[name=picture]").select_option("photo")
    page.wait_for_function("document.querySelector('rf-explorer').values(0)")
    maps = [page.evaluate(ask, number) for number in range(5)]
    assert page.evaluate(ask, 5) is None
    layers = explorer.read(explorer.PRESETS["net"]).layers
    for layer, before, after in zip(layers, maps, maps[1:], strict=False):
        k = layer["kernel_size"]
        expected = in_torch({**layer, "weight": [[1 / k**2] * k] * k}, before)
        torch.testing.assert_close(torch.tensor(after, dtype=torch.float64), expected, atol=1e-5, rtol=0)
    assert len({value for row in maps[4] for value in row}) > 10


def test_the_maps_show_their_values_and_the_sentence_says_one(page: Page) -> None:
    look = "document.querySelector('rf-explorer').shadowRoot.querySelector('canvas').toDataURL()"
    before = page.evaluate(look)
    page.locator("[name=view]").select_option("values")
    expect(page.locator(".say")).to_contain_text("Its value is ")
    assert page.evaluate(look) != before
    value = page.evaluate("document.querySelector('rf-explorer').values(4)[4][4]")
    expect(page.locator(".say")).to_contain_text(f"Its value is {value:.3f}.")
    page.locator("[name=axes]").select_option("1")
    expect(page.locator(".say")).not_to_contain_text("value")
    page.locator("[name=axes]").select_option("2")
    page.locator("[name=view]").select_option("")
    expect(page.locator(".say")).not_to_contain_text("value")
