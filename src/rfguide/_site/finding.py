"""What a search finds that a page does not say: the readers' own words, from its front matter.

A page's `aliases` name a heading and the phrases that lead to it, with commas between them. They go into
fields of the search index that the theme searches and never shows: `aliases` of the entry of that heading,
and `outline` of the page's own entry, which holds the titles and aliases of all its headings, so that a
query of several words finds the page on which all of them stand. Their weights stand in mkdocs.yml.
"""

import re
from html import unescape
from itertools import pairwise
from typing import Any

import jieba
from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

CHINESE = "\u4e00-\u9fff"
HAN = re.compile(f"[{CHINESE}]+")
SECTION = 2.0  # the theme counts a page as 5 and a section as 2 when each holds all that was asked
KEPT = "的和与是在了吗呢从到或公计池尺填步梯中"
LONE = re.compile(f"(?<![{CHINESE}])(?![{KEPT}])[{CHINESE}](?![{CHINESE}])")
WORD_JOINER = "\u2060"
ZERO_WIDTH = "\u200b"  # stands between Chinese words in the index


def enrich(entries: list[dict[str, Any]], page: Page) -> None:
    """Add to the index entries of a page, its own entry first, what readers call the things that stand there.

    Raises:
        PluginError: an alias names a heading that the page does not have.
    """
    own = page.toc.items[0].id if page.toc.items else ""
    found = {str(heading): str(phrases) for heading, phrases in page.meta.get("aliases", {}).items()}
    there = {entry["location"].partition("#")[2] or own: entry for entry in entries}
    if missing := set(found) - set(there):
        raise PluginError(
            f"docs/{page.file.src_uri}: aliases name no heading of the page: {', '.join(sorted(missing))}"
        )
    for heading, entry in there.items():
        said = words(found.get(heading, "")) | compounds(title := plain(entry["title"]))
        if heading != own and heading in found:
            entry["boost"] = float(entry.get("boost", 1)) * SECTION
        entry["aliases"] = " ".join(sorted(said))
        entry["outline"] = " ".join(sorted(said | set(title.split())))
    if own in there:
        there[own]["outline"] = " ".join(
            sorted({word for entry in there.values() for word in entry["outline"].split()})
        )
    for heading, entry in there.items():
        if heading != own:
            del entry["outline"]


def words(phrases: str) -> set[str]:
    """Return the words by which phrases, with commas between them, are found.

    A search completes what was typed and takes no letter away, so the longest form of a word finds the others.

    Examples:
        >>> from rfguide._site.finding import words
        >>> sorted(words("VGG16, 3×3 filter"))
        ['16', '3x3', '3×3', 'VGG16', 'filters']
    """
    found = compounds(phrases)
    for word in re.split(r"[,\s]+", phrases):
        for run in HAN.findall(word):
            parts = list(jieba.cut(run))
            if len(run) < 5 and min(map(len, parts)) == 1:
                parts = [run]  # 降采样: a part of one character is no word to search
            for part in parts:
                # The theme leaves the last character of a query out when it looks for words in it.
                if len(part) > 1:
                    found |= {part, part[:-1]} if len(part) > 2 else {part}
        if not HAN.search(word):
            found.add(f"{word}s" if re.fullmatch(r"[a-z]{2,}[a-rt-xz]", word) else word)
    longer = sorted(found)
    return {one for one, after in pairwise([*longer, ""]) if one and (HAN.search(one) or not after.startswith(one))}


def compounds(text: str) -> set[str]:
    """Return the other spellings of names made of letters and digits, or of parts with a hyphen.

    Examples:
        >>> from rfguide._site.finding import compounds
        >>> sorted(compounds("ResNet-50 and VGG16, a U-Net of 3×3"))
        ['16', '3x3', 'ResNet50', 'UNet', 'VGG']
    """
    found = {name.replace("-", "") for name in re.findall(r"\b[A-Za-z]+-\w+(?:-\w+)*", text)}
    for letters, digits in re.findall(r"\b([A-Za-z]{3,})(\d+)\b", text):
        found |= {letters, digits}
    return found | {f"{a}x{b}" for a, b in re.findall(r"(\d+)×(\d+)", text)}


def plain(title: str) -> str:
    """Return the words of a title in the index, without marks of code and with spaces between Chinese words."""
    return unescape(re.sub(r"<[^>]*>", "", title)).replace(ZERO_WIDTH, " ")


def for_chinese(index: dict[str, Any]) -> None:
    """Let the theme cut a query as the index is cut: resnet50感受野 is two words, 感受野的大小 three, 步长 one.

    The theme cuts a Chinese query into words of the index, without its last character, and drops the rest where
    no word begins. Were 步 a word, 步长 would be searched as 步; characters that join words, or begin one word
    only, may be words.
    """
    index["config"]["separator"] += f"|(?<=[{CHINESE}])(?=\\w)|(?<=\\w)(?=[{CHINESE}])"
    index["config"]["pipeline"] = []  # the stop words are among the joining ones
    for entry in index["docs"]:
        for field in ("title", "text"):
            entry[field] = LONE.sub(lambda one: f"{one[0]}{WORD_JOINER}", entry[field])
    index["docs"][0]["outline"] = " ".join([index["docs"][0].get("outline", ""), *KEPT])
