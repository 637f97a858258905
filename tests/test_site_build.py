"""The build of the site: what it makes of a page, and what it refuses. One small site, built anew each time."""

import html
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, PluginError

from rfguide._site.grammar import parse
from rfguide._site.notebook import notebook

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
HOME = "---\ndescription: {}\n---\n\n# {} {{#home}}\n\n[{}](good.md)\n"
OTHER = "# {} {{#other}}\n\n## {} {{#there}}\n\n[API](https://example.org/).\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A site of three pages in two languages, with our configuration."""
    for language, page, words in [("en", "good.md", ("Home", "Other")), ("zh", "good.zh.md", ("首页", "另一页"))]:
        folder = tmp_path / "docs" / language
        folder.mkdir(parents=True)
        (folder / "index.md").write_text(HOME.format(words[0], words[0], words[0]), encoding="utf-8")
        (folder / "other.md").write_text(OTHER.format(words[1], words[1]), encoding="utf-8")
        (folder / "good.md").write_text((DATA / page).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "docs/assets").symlink_to(ROOT / "docs/assets")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    text = re.sub(
        r"(?ms)^nav:.*?(?=^extra:)", "nav:\n  - Home: index.md\n  - Learn:\n      - good.md\n      - other.md\n\n", text
    )
    for path in ("overrides", "src/rfguide/_site/hook.py", "src/rfguide/_site/words.txt"):
        text = re.sub(rf"(?<=[ ]){path}$", str(ROOT / path), text, flags=re.MULTILINE)
    (tmp_path / "mkdocs.yml").write_text(text, encoding="utf-8")
    return tmp_path


def make(project: Path) -> Path:
    config = load_config(str(project / "mkdocs.yml"), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return project / "site"


def refused(project: Path, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.WARNING, "mkdocs"), pytest.raises((Abort, PluginError)):
        make(project)
    return "\n".join(record.getMessage() for record in caplog.records)


def test_a_good_site_is_built_in_both_languages(project):
    site = make(project)
    english = (site / "good/index.html").read_text(encoding="utf-8")
    chinese = (site / "zh/good/index.html").read_text(encoding="utf-8")
    assert '<html lang="en"' in english
    assert '<html lang="zh-Hans"' in chinese
    for page, base in ((english, ""), (chinese, "zh/")):
        assert "<!--" not in re.search(r"<article.*</article>", page, re.DOTALL)[0]
        assert page.count("<math") == 2
        number = '<span class="rf-verified" title="output_size(224, 7, stride=2, padding=3)">112</span>'
        assert number in html.unescape(page)
        assert 'href="good.ipynb"' in page
        assert (site / base / "good/good.ipynb").exists()
    assert 'alt="A kernel of 3 cells on an axis of 5, stride 2: it fits at cells 0 and 2."' in english
    assert 'alt="3 格的卷积核在 5 格的轴上，步幅 2：能放在第 0 格和第 2 格。"' in chinese
    assert sorted(path.name for path in (site / "assets/figures").iterdir()) == [
        f"good-1.{language}.{theme}.svg" for language in ("en", "zh") for theme in ("dark", "light")
    ]
    assert ">used<" not in (site / "assets/figures/good-1.zh.light.svg").read_text(encoding="utf-8")

    # Each language has a sitemap and a search index of its own; the twins name each other.
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    for base in ("", "zh/"):
        sitemap = ElementTree.parse(site / base / "sitemap.xml")
        assert [one.text for one in sitemap.iterfind("s:url/s:loc", names)] == [
            f"https://rfguide.github.io/rfguide/{base}{path}" for path in ("", "good/", "other/")
        ]
        index = json.loads((site / base / "search/search_index.json").read_text(encoding="utf-8"))
        places = {entry["location"].partition("#")[0] for entry in index["docs"]}
        assert places == {"", "good/", "other/"}
    assert 'href="../zh/good/"' in english
    assert 'href="../../good/"' in chinese
    assert not re.search('rel="alternate"', english), "the theme would fetch a sitemap beside it"


def test_a_page_that_is_gone_leaves_the_search(project):
    make(project)
    for language in ("en", "zh"):
        (project / "docs" / language / "other.md").unlink()
        page = project / "docs" / language / "good.md"
        page.write_text(page.read_text(encoding="utf-8").replace("other.md#there", "good.md"), encoding="utf-8")
    config = project / "mkdocs.yml"
    config.write_text(config.read_text(encoding="utf-8").replace("      - other.md\n", ""), encoding="utf-8")
    site = make(project)
    for base in ("", "zh/"):
        index = json.loads((site / base / "search/search_index.json").read_text(encoding="utf-8"))
        assert {entry["location"].partition("#")[0] for entry in index["docs"]} == {"", "good/"}


def test_aliases_are_searched_and_name_headings_of_their_page(project, caplog):
    page = project / "docs/en/other.md"
    text = page.read_text(encoding="utf-8")
    front = '---\naliases:\n  other: "VGG16, filter"\n  there: stride\n---\n\n'
    page.write_text(front + text, encoding="utf-8")
    index = json.loads((make(project) / "search/search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"]: entry for entry in index["docs"]}
    assert set(found["other/"]["aliases"].split()) == {"16", "VGG16", "filters"}
    assert "strides" in found["other/#there"]["aliases"].split()
    assert "strides" in found["other/"]["outline"].split()
    page.write_text(front.replace("there:", "their:") + text, encoding="utf-8")
    assert "docs/en/other.md: aliases name no heading of the page: their" in refused(project, caplog)


def searched(site: Path) -> set[str]:
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    return {entry["location"].partition("#")[0] for entry in index["docs"]}


def test_a_server_keeps_what_it_does_not_read_again_and_forgets_what_is_gone(project):
    """As `mkdocs serve --dirty` builds: one start, then a build for each edit."""
    path = project / "mkdocs.yml"
    load_config(str(path), strict=True).plugins.on_startup(command="serve", dirty=True)
    build(load_config(str(path)), dirty=True)
    assert searched(project / "site") == {"", "good/", "other/"}
    for language in ("en", "zh"):
        (project / "docs" / language / "other.md").unlink()
    path.write_text(path.read_text(encoding="utf-8").replace("      - other.md\n", ""), encoding="utf-8")
    home = project / "docs/en/index.md"
    home.write_text(home.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    build(load_config(str(path)), dirty=True)
    assert searched(project / "site") == {"", "good/"}


def test_a_build_knows_nothing_of_another_site_built_before_it(project):
    make(project)
    for language in ("en", "zh"):
        page = project / "docs" / language / "other.md"
        page.rename(page.with_name("new.md"))
    for path in [project / "mkdocs.yml", *(project / "docs" / one / "good.md" for one in ("en", "zh"))]:
        path.write_text(path.read_text(encoding="utf-8").replace("other.md", "new.md"), encoding="utf-8")
    assert searched(make(project)) == {"", "good/", "new/"}


def test_two_builds_at_once_in_one_checkout_both_come_to_their_end(project):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d"]
    builds = [
        subprocess.Popen([*command, str(project / name)], cwd=project, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = [build.communicate()[1] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], said
    one, two = (
        {path.relative_to(project / name): path.stat().st_size for path in (project / name).rglob("*.html")}
        for name in ("one", "two")
    )
    assert one == two


def test_a_broken_link_is_refused(project, caplog):
    page = project / "docs/en/good.md"
    page.write_text(page.read_text(encoding="utf-8").replace("other.md#there", "othre.md#there"), encoding="utf-8")
    assert (
        "Doc file 'en/good.md' contains a link 'othre.md#there', but the target 'en/othre.md' is not found"
        in refused(project, caplog)
    )


def test_a_broken_anchor_is_refused(project, caplog):
    page = project / "docs/en/good.md"
    page.write_text(page.read_text(encoding="utf-8").replace("other.md#there", "other.md#theer"), encoding="utf-8")
    assert (
        "Doc file 'en/good.md' contains a link 'other.md#theer', but the doc 'en/other.md' does not contain an anchor"
        in refused(project, caplog)
    )


def test_every_fault_of_every_page_is_named_at_once(project, caplog):
    for language in ("en", "zh"):
        page = project / "docs" / language / "good.md"
        page.write_text(page.read_text(encoding="utf-8").replace("(32, 16)\n", "(32, 15)\n"), encoding="utf-8")
    said = refused(project, caplog)
    assert "docs/en/good.md:24: the page says '(32, 15)', the block prints '(32, 16)'" in said
    assert "docs/zh/good.md:24: the page says '(32, 15)', the block prints '(32, 16)'" in said


def test_a_page_outside_the_nav_is_refused(project, caplog):
    (project / "docs/en/lost.md").write_text("# Lost {#lost}\n", encoding="utf-8")
    assert "en/lost.md" in refused(project, caplog)


def test_a_notebook_has_the_pages_code_and_none_of_its_grammar():
    page = parse((DATA / "good.md").read_text(encoding="utf-8"), "docs/en/good.md")
    made = notebook(page, "https://example.org/good/")
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert code == [block.code.text.strip("\n") for block in page.blocks]
    prose = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    assert prose.startswith("# A good page\n")
    assert "**Too wide**" in prose
    assert "[the other page](https://example.org/other/#there)" in prose
    for leftover in ("<!--", "{#", "===", "description:", "\x00"):
        assert leftover not in prose
