"""The MkDocs side: check each page, hand its finished Markdown over, add what pages and languages need.

Everything that a page says is decided by `check` and `splice`, which know nothing of MkDocs. This
module only connects: it is named in mkdocs.yml under `hooks`.
"""

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup, escape
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files, get_files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from rfguide._site import grammar, languages
from rfguide._site.ahead import Ahead
from rfguide._site.check import differences
from rfguide._site.grammar import PageError, Problem
from rfguide._site.notebook import notebook
from rfguide._site.published import published
from rfguide._site.runner import Run, run
from rfguide._site.scratch import sweep
from rfguide._site.splice import spliced

log = logging.getLogger("mkdocs.plugins.rfguide")

# Names, operators, punctuation and spaces of code look like plain text here; as elements they would be half of a page.
PLAIN = re.compile(r'<span class="[nopw]">([^<]*)</span>')


@dataclass
class Build:
    """All that one build knows; nothing else in `_site` remembers one."""

    ahead: Ahead
    files: Files = field(default_factory=lambda: Files([]))
    navs: dict[str, Navigation] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    # Of pages built before as well, for `mkdocs serve --dirty`, which reads only what was edited.
    titles: dict[str, str] = field(default_factory=dict)
    entries: dict[str, list[Any]] = field(default_factory=dict)

    def next(self, ahead: Ahead) -> "Build":
        """Return the build that follows this one under the same server."""
        return Build(ahead, titles=self.titles, entries=self.entries)


_build = Build(Ahead([]))  # MkDocs calls functions of this module, so it has to hold the build that they are part of


def on_startup(command: str, dirty: bool) -> None:
    global _build
    _build = Build(Ahead([]))
    sweep()


@event_priority(100)
def on_config(config: MkDocsConfig) -> None:
    """Come first: pages run while other plugins read their dictionaries."""
    global _build
    _build = _build.next(Ahead([_read(file, config) for file in get_files(config).documentation_pages()]))
    titles = {code: words.get("sections", {}) for code, words in config.extra["languages"].items()}
    config.extra |= {"site_description": config.site_description, "copyright": config.copyright}
    if config.nav:
        config.nav = languages.both_navs(config.nav, titles)


def on_files(files: Files, config: MkDocsConfig) -> None:
    _build.files = files
    languages.move_to_root(files)
    _publish(files, config)


def _publish(files: Files, config: MkDocsConfig) -> None:
    """Put what readers get in the place of what we write; a module that is part of another goes."""
    texts = published(Path(config.docs_dir))
    for file in [*files.css_files(), *files.javascript_files()]:
        if file.src_uri in texts:
            file.content_string = texts[file.src_uri]
        elif file.src_dir == config.docs_dir:
            files.remove(file)


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    _build.titles = {path: title for path, title in _build.titles.items() if files.get_file_from_path(path)}
    for page in nav.pages:
        if page.file.src_uri in _build.titles and not page.file.is_modified():
            page.title = _build.titles[page.file.src_uri]
    _build.navs = languages.split(nav)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    read = _read(page.file, config)
    found = list(read.problems)
    try:
        _build.ahead.settle(read)
        given = run(read)
        found += differences(read, given)
        if not found:
            code, _, rest = page.file.src_uri.partition("/")
            name = rest.removesuffix(".md").replace("/", "-")
            result = spliced(read, given, code, name, "../" * page.file.src_uri.count("/"))
            for picture in result.pictures:
                files.append(File.generated(config, picture.path, content=picture.svg))
            if read.blocks:
                _offer_notebook(read, given, page, config, files)
            return re.sub(r"\A---\n.*?\n---\n", "", result.markdown, flags=re.DOTALL)
    except PageError as error:
        found += error.problems
    _build.problems.extend(found)
    return markdown


def _read(file: File, config: MkDocsConfig) -> grammar.Page:
    """Read the page's file: lines are counted in it, and what MkDocs hands over has lost its front matter."""
    source = Path(file.abs_src_path or "")
    root = Path(config.docs_dir).parent
    return grammar.parse(source.read_text(encoding="utf-8-sig"), source.relative_to(root).as_posix(), root)


def _offer_notebook(read: grammar.Page, given: Run, page: Page, config: MkDocsConfig, files: Files) -> None:
    path = f"{page.url.removeprefix('./')}{Path(page.file.src_uri).stem}.ipynb"
    raising = [number for number, one in enumerate(given.given) if one.error]
    written = nbformat.writes(notebook(read, page.canonical_url or page.url, raising))
    files.append(File.generated(config, path, content=written))
    page.meta["notebook"] = path


def on_env(env: Any, config: MkDocsConfig, files: Files) -> Any:
    _build.ahead.stop()
    if _build.problems:
        for problem in sorted(_build.problems):
            log.error(str(problem))
        raise PluginError(f"{len(_build.problems)} thing(s) on the pages do not hold")
    return env


def on_build_error(error: Exception) -> None:
    _build.ahead.stop()


def on_template_context(context: Any, template_name: str, config: MkDocsConfig) -> Any:
    """A page that belongs to no language, such as 404, is in the root's, and leads to each home."""
    languages.speak(config, languages.ROOT)
    context["nav"] = _build.navs[languages.ROOT]
    context["twins"] = [
        (code, config.extra["languages"][code]["name"], languages.base(code) or ".") for code in languages.LANGUAGES
    ]
    return context


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    code = languages.language(page.file)
    if 'class="doc ' not in output:  # nothing on the page is for the style of the API's pages
        output = re.sub(r'<link rel="stylesheet" href="[^"]*_mkdocstrings.css">', "", output)
    return output.replace(f'<html lang="{code}"', f'<html lang="{config.extra["languages"][code]["lang"]}"', 1)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if languages.language(page.file) == "zh":
        html = languages.chinese_spacing(html)
    html = PLAIN.sub(r"\1", html)
    if any(problem.path.endswith(page.file.src_uri) for problem in _build.problems):
        return html  # on_env will say why
    text = re.sub(r"<(code|pre|script|style|svg)\b.*?</\1>|<[^>]*>", "", html, flags=re.DOTALL)
    if left := re.search(r"\\[A-Za-z]+|\$\$", text):
        _build.problems.append(Problem(f"docs/{page.file.src_uri}", 1, f"{left[0]} is left over in the finished page"))
    return html


@event_priority(100)
def on_page_context(context: Any, page: Page, config: MkDocsConfig, nav: Navigation) -> Any:
    code = languages.language(page.file)
    _build.titles[page.file.src_uri] = str(page.title)
    languages.speak(config, code)
    if "description" in page.meta:  # the theme puts it into an attribute as it is
        page.meta["description"] = Markup(escape(str(page.meta["description"])))
    context["nav"] = _build.navs.get(code, nav)
    context["base"] = languages.base(code)
    context["twins"] = [
        (other, config.extra["languages"][other]["name"], found.url)
        for other in languages.LANGUAGES
        if (found := languages.twin(page.file, _build.files, other))
    ]
    return context


@event_priority(-100)
def on_post_build(config: MkDocsConfig) -> None:
    languages.write_sitemaps(_build.files, config)
    _build.entries = languages.split_search(_build.files, config, _build.entries)
