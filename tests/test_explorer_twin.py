"""The explorer's arithmetic in real Chromium against the library's: the same numbers and the same refusals."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from explorer_harness import DOCS, Harness, Stack, random_stack, served
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
