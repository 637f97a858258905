"""The explorer's arithmetic in real Chromium against the library's: the same numbers and the same refusals."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from explorer_harness import DOCS, Harness, Stack, random_stack, served, whole_layer
from rfguide import GeometryError, Layer, receptive_fields
from rfguide._site import explorer
from rfguide._site.published import published, source

pytestmark = pytest.mark.browser

CASES = 12_000
# What readers get: an element that is on no page answers without drawing.
ASK = """(stacks) => {
  const element = document.createElement("rf-explorer");
  return stacks.map((stack) => { element.stack = stack; return element.result; });
}"""
# The same, shown.
ASK_SHOWN = ASK.replace("createElement", "querySelector")


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with served() as harness:
        yield harness


@pytest.fixture
def page(chromium: Browser, harness: Harness) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto(harness.address)
    yield page
    page.close()


def in_python(stack: Stack) -> dict[str, Any]:
    """What the explorer should answer, by the library."""
    try:
        found = explorer.results(stack["inputSize"], stack["layers"])
    except (GeometryError, TypeError) as error:
        return {"error": str(error), "layers": []}
    keys = ("outputSize", "size", "stride", "padding")
    return {"error": None, "layers": [dict(zip(keys, astuple(result), strict=True)) for result in found]}


def stacks(count: int, seed: int) -> list[Stack]:
    rng = random.Random(seed)
    return [random_stack(rng) for _ in range(count)]


def test_random_stacks_give_the_librarys_numbers_and_refusals(page: Page) -> None:
    cases = stacks(CASES, seed=4)
    answers = page.evaluate(ASK, cases)
    wrong = [
        (case, answer, expected)
        for case, answer in zip(cases, answers, strict=True)
        if answer != (expected := in_python(case))
    ]
    assert wrong == [], f"{len(wrong)} of {CASES}, the first: {wrong[0]}"
    kinds = Counter("refused" if answer["error"] else "worked" for answer in answers)
    turns = sum(any(layer["stride"] is None for layer in answer["layers"]) for answer in answers)
    assert min(kinds["refused"], kinds["worked"]) > CASES // 5, "the cases are of both kinds"
    assert turns > CASES // 50, "some units take turns"


def test_the_element_answers_the_same_while_it_is_shown(page: Page) -> None:
    page.locator("rf-explorer .map div").first.wait_for()
    cases = stacks(300, seed=5)
    assert page.evaluate(ASK_SHOWN, cases) == [in_python(case) for case in cases]


def plain(stack: Stack) -> list[Layer] | None:
    """The stack as the library's layers, where it consists of such."""
    if any(layer["type"] not in ("conv", "pool") for layer in stack["layers"]):
        return None
    names = ("kernel_size", "stride", "padding", "dilation")
    return [Layer(**{name: layer[name] for name in names if name in layer}) for layer in stack["layers"]]


def test_stacks_of_convolutions_and_poolings_give_receptive_fields_itself(page: Page) -> None:
    cases = [case for case in stacks(6000, seed=6) if in_python(case)["error"] is None and plain(case)]
    answers = page.evaluate(ASK, cases)
    for case, answer in zip(cases, answers, strict=True):
        layers = plain(case)
        assert layers is not None
        if None in answer["layers"][-1].values():  # a number that no browser holds
            continue
        assert [(f["size"], f["stride"], f["padding"]) for f in answer["layers"]] == [
            (field.size, field.stride, field.padding) for field in receptive_fields(layers)
        ]
    assert len(cases) > 100


def test_a_wrong_stride_in_the_browser_is_caught(chromium: Browser, harness: Harness) -> None:
    page = chromium.new_page()

    def planted(path: Path) -> str:
        right = "(dilation * (kernel_size - 1) - left) * form.advance"
        wrong = "dilation * (kernel_size - 1) * stride - left * form.advance"
        text = source(path)
        assert path.name != "geometry.js" or right in text, "the place to plant the error is still there"
        return text.replace(right, wrong)

    script = published(DOCS, planted)["assets/explorer/explorer.js"]
    page.route("**/explorer.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.goto(harness.address)
    net = {"inputSize": 32, "layers": explorer.read(explorer.PRESETS["net"]).layers}
    sizes = [layer["size"] for layer in page.evaluate(ASK, [net])[0]["layers"]]
    assert sizes == [3, 5, 7, 9], "the third of the article's rules"
    assert page.evaluate(ASK, [net]) != [in_python(net)]
    page.close()


def test_a_wrong_stride_in_python_is_caught(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def own_stride(form: Any, step: Any) -> Any:
        (field,) = form.fields
        wrong = type(field)(field.size + (step.extent - 1) * step.stride, stride=field.stride * step.stride)
        return type(form)((wrong,))

    net = {"inputSize": 32, "layers": explorer.read(explorer.PRESETS["net"]).layers}
    right = page.evaluate(ASK, [net])
    assert right == [in_python(net)]
    monkeypatch.setattr(explorer, "through", own_stride)
    assert right != [in_python(net)]


def test_ways_are_a_convolution_of_ones(page: Page) -> None:
    import torch
    from torch.nn import functional

    rng = random.Random(30)
    cases = []
    while len(cases) < 300:
        stack = {"inputSize": rng.choice([8, 17, 32]), "layers": [whole_layer(rng) for _ in range(rng.randint(1, 6))]}
        if (answer := in_python(stack))["error"] is None and all(
            layer["outputSize"] <= 64 for layer in answer["layers"]
        ):
            sizes = [layer["outputSize"] for layer in answer["layers"]]
            cases.append(
                {**stack, "unit": {"map": len(sizes), "index": [rng.randrange(sizes[-1])] * 2}, "sizes": sizes}
            )
    found = page.evaluate(
        """(cases) => cases.map(({ inputSize, layers, unit }) => {
          const element = document.createElement("rf-explorer");
          element.stack = { inputSize, layers };
          element.unit = unit;
          return element.ways;
        })""",
        cases,
    )
    for case, both in zip(cases, found, strict=True):
        x = torch.ones(1, 1, case["inputSize"], dtype=torch.float64, requires_grad=True)
        y = x
        for layer, size in zip(map(explorer.complete, case["layers"]), case["sizes"], strict=True):
            k, s, d = layer["kernel_size"], layer["stride"], layer["dilation"]
            ones = torch.ones(1, 1, k, dtype=torch.float64)
            if layer["type"] in ("transposed", "upsample"):
                y = functional.conv_transpose1d(y, ones, None, s, layer["padding"], layer["output_padding"], 1, d)
            else:
                p = layer["padding"]
                before, after = p if isinstance(p, list) else (p, p)
                y = functional.conv1d(functional.pad(y, (before, after + k * d + s)), ones, None, s, 0, d)
            y = y[..., :size]
        (gradient,) = torch.autograd.grad(y[0, 0, case["unit"]["index"][0]], x)
        expected = gradient[0, 0]
        for axis in both:
            if not expected.any():
                assert axis == {"first": None, "shares": [], "std": None}
                continue
            cells = expected.nonzero().flatten()
            shares = (expected / expected.sum())[cells[0] : cells[-1] + 1]
            assert axis["first"] == cells[0]
            assert axis["shares"] == pytest.approx(shares.tolist(), abs=1e-12)
            steps = torch.arange(len(shares), dtype=torch.float64)
            mean = (shares * steps).sum()
            assert axis["std"] == pytest.approx(((shares * (steps - mean) ** 2).sum()).sqrt().item(), abs=1e-6)
