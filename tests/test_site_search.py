"""Readers' own words, typed into the theme's own search in the built site: the page that they want comes first."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser

from rfguide._site.languages import base

DOCS = Path(__file__).parents[1] / "docs"
DATA = Path(__file__).parent / "data"

# The worker as the theme starts it; a query is answered by the places of its results, best first.
SEARCH = """async (base) => {
  const here = JSON.parse(document.getElementById('__config').textContent);
  const index = await (await fetch(new URL('search/search_index.json', new URL(here.base + '/', location)))).json();
  const worker = new Worker(new URL(here.search, location));
  const ask = (message) => new Promise((done) => {
    worker.onmessage = ({ data }) => done(data.data);
    worker.postMessage(message);
  });
  await ask({ type: 0, data: { ...index, options: { suggest: true } } });
  window.search = async (query) => (await ask({ type: 2, data: query })).items.map((one) => one[0].location);
}"""


def queries(language: str) -> dict[str, list[str]]:
    """Each query with the pages of which one should come first."""
    return json.loads((DATA / f"queries.{language}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_front_matter_is_yaml(path):
    """MkDocs reads one that is not line by line, without a word, and aliases would be lost."""
    front = re.match(r"---\n(.*?)\n---\n", path.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert yaml.safe_load(front)["description"]


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def search(chromium: Browser, address: str, language: str) -> Iterator[Callable[[str], list[str]]]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address + base(language))
    page.evaluate(SEARCH)
    yield lambda query: page.evaluate("(query) => search(query)", query)
    context.close()


@pytest.mark.browser
def test_the_page_that_a_reader_wants_comes_first(search, language):
    wanted = queries(language)
    assert len(wanted) >= 40
    wrong = {}
    for query, pages in wanted.items():
        first = next(iter(search(query)), "nothing").partition("#")[0]
        if first not in pages:
            wrong[query] = first
    assert len(wrong) <= len(wanted) // 10, wrong


@pytest.mark.browser
@pytest.mark.parametrize(
    "spellings",
    [("resnet50", "ResNet-50", "resnet 50"), ("unet", "U-Net"), ("3x3", "3×3")],
    ids=lambda names: names[0],
)
def test_a_name_is_found_however_it_is_spelt(search, spellings):
    """One page is among the first two, whichever way the name is typed."""
    found = [{place.partition("#")[0] for place in search(spelling)[:2]} for spelling in spellings]
    assert set.intersection(*found), found


@pytest.mark.browser
def test_chinese_needs_no_space_beside_latin_words(search, language):
    """Many put no space beside a Latin word; the theme alone then finds nothing."""
    if language == "zh":
        assert search("resnet50感受野") == search("resnet50 感受野")
        assert search("感受野的大小")
