"""Two languages in one build: docs/en/ is the site's root, docs/zh/ is /zh/.

One build serves both, because everything that costs time (running pages, loading the library for the
API pages, the theme's files) is then done once; a plugin that builds the site once per language
takes twice as long. Each language still is a site of its own to the theme: its own navigation, words,
search index and sitemap under its own base, so that a search stays within the language and a switch of
language loads the twin page afresh.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure import StructureItem
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

from rfguide._site import finding

LANGUAGES = ("en", "zh")
ROOT = "en"  # the language at the site's root


def language(file: File) -> str:
    """Return the language of a file under docs/."""
    first = file.src_uri.split("/", 1)[0]
    return first if first in LANGUAGES else ROOT


def base(code: str) -> str:
    """Return where a language's pages begin, from the site's root."""
    return "" if code == ROOT else f"{code}/"


def twin(file: File, files: Files, code: str) -> File | None:
    """Return the same page in another language."""
    own, _, rest = file.src_uri.partition("/")
    return files.get_file_from_path(f"{code}/{rest}") if own in LANGUAGES else None


def move_to_root(files: Files) -> None:
    """Take the root language's folder out of the addresses of its files."""
    for file in files:
        if file.src_uri.startswith(f"{ROOT}/"):
            file.dest_uri = file.dest_uri.removeprefix(f"{ROOT}/")
            for known in ("url", "abs_dest_path"):  # made from the address, and kept once asked for
                file.__dict__.pop(known, None)


def both_navs(nav: list[Any], titles: dict[str, dict[str, str]]) -> list[Any]:
    """Return the nav of mkdocs.yml once for each language, each as a section of its own."""

    def localized(items: Iterable[Any], code: str) -> list[Any]:
        found: list[Any] = []
        for item in items:
            if isinstance(item, str):
                found.append(f"{code}/{item}")
                continue
            ((title, below),) = item.items()
            title = titles.get(code, {}).get(title, title)
            found.append({title: f"{code}/{below}" if isinstance(below, str) else localized(below, code)})
        return found

    return [{code: localized(nav, code)} for code in LANGUAGES]


def split(nav: Navigation) -> dict[str, Navigation]:
    """Return the navigation of each language, cut apart: parents, neighbours and home page."""
    navs = {}
    for section in nav.items:
        assert isinstance(section, Section)
        for item in section.children:
            item.parent = None
        pages = list(_pages(section.children))
        if pages:
            pages[0].previous_page = None
            pages[-1].next_page = None
        navs[section.title] = Navigation(section.children, pages)
        navs[section.title].homepage = pages[0] if pages else None
    return navs


def _pages(items: Iterable[StructureItem]) -> Iterable[Page]:
    for item in items:
        if isinstance(item, Page):
            yield item
        elif isinstance(item, Section):
            yield from _pages(item.children)


def speak(config: MkDocsConfig, code: str) -> None:
    """Set the theme's words and the site's own to a language, for the page that is rendered next."""
    config.theme["language"] = code
    words = config.extra["languages"][code]
    config.site_description = words.get("site_description", config.extra["site_description"])
    config.copyright = words.get("copyright", config.extra["copyright"])
    for option, name in zip(config.theme["palette"], words["palette"], strict=True):
        option["toggle"]["name"] = name


def write_sitemaps(files: Files, config: MkDocsConfig) -> None:
    """Write a sitemap for each language; each page names its twin."""
    site = (config.site_url or "/").rstrip("/")
    for code in LANGUAGES:
        entries = []
        for file in files.documentation_pages():
            if language(file) != code:
                continue
            links = "".join(
                f'<xhtml:link rel="alternate" hreflang="{other}" href="{escape(_address(site, found))}"/>'
                for other in LANGUAGES
                if (found := twin(file, files, other))
            )
            entries.append(f"<url><loc>{escape(_address(site, file))}</loc>{links}</url>")
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
            + "\n".join(entries)
            + "\n</urlset>\n"
        )
        path = Path(config.site_dir, base(code), "sitemap.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    Path(config.site_dir, "sitemap.xml.gz").unlink(missing_ok=True)  # MkDocs's own, with both languages in one


def _address(site: str, file: File) -> str:
    return f"{site}/{file.url.removeprefix('./')}"


def split_search(files: Files, config: MkDocsConfig, known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Give each language the part of the search index that is about its pages; return each page's entries.

    Args:
        files: All that the site has now.
        config: The site's.
        known: The entries of pages built before; a dirty build indexes only what was edited.
    """
    whole = json.loads(Path(config.site_dir, "search/search_index.json").read_text(encoding="utf-8"))
    fresh: dict[str, list[Any]] = {}
    for entry in whole["docs"]:
        fresh.setdefault(entry["location"].partition("#")[0], []).append(entry)
    there = {file.url.removeprefix("./"): file.page for file in files.documentation_pages()}
    for place, found in fresh.items():
        if page := there.get(place):
            finding.enrich(found, page)
    pages = {url: entries for url, entries in {**known, **fresh}.items() if url in there}
    entries = [entry for page in pages.values() for entry in page]
    for code in LANGUAGES:
        others = tuple(base(other) for other in LANGUAGES if other not in (code, ROOT))
        docs = [
            {**entry, "location": entry["location"].removeprefix(base(code))}
            for entry in entries
            if entry["location"].startswith(base(code)) and not (others and entry["location"].startswith(others))
        ]
        part = {"config": {**whole["config"], "lang": [code]}, "docs": docs}
        if code == "zh":
            finding.for_chinese(part)
        path = Path(config.site_dir, base(code), "search/search_index.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(part, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return pages


CHINESE = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef"
BREAK = re.compile(rf"(?<=[{CHINESE}])((?:</\w+>)*)\n((?:<\w[^>]*>)*)(?=[{CHINESE}])")


def chinese_spacing(html: str) -> str:
    r"""Take out the space that a line break leaves between two Chinese characters.

    Examples:
        >>> from rfguide._site.languages import chinese_spacing
        >>> chinese_spacing("第一行，\n<strong>第二行</strong>")
        '第一行，<strong>第二行</strong>'
    """
    return BREAK.sub(r"\1\2", html)
