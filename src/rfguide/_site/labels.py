"""The words in pictures, in Chinese: a checked table, so that no English is left in a Chinese figure by accident."""

import re
from html import escape, unescape

# What the plot functions write.
CHINESE = {
    "cell of the field": "感受野中的格子",
    "image": "图像",
    "input": "输入",
    "input cells": "输入格数",
    "kernel": "卷积核",
    "layer": "层",
    "lost to padding": "落在填充里",
    "output": "输出",
    "padding": "填充",
    "products": "乘积",
    "receptive field (input cells)": "感受野（输入格数）",
    "routes": "路径条数",
    "seen": "看得见",
    "together": "合在一起",
    "unit": "单元",
    "unused": "用不到",
    "window": "窗口",
}

# What pages call things in their own pictures.
PAGES = {
    "D′ in order": "D′ 逐层算",
    "own stride": "本层步幅",
    "shortcut": "捷径",
    "two 3×3": "两层 3×3",
}

# Labels with numbers in them.
PATTERNS = {
    r"layer (\d+)": r"第 \1 层",
    r"(\d+) of (\d+) pixels, (\d+) %": r"\2 个像素用到 \1 个，占 \3%",
    r"sum (−?[\d.]+) \+ bias (−?[\d.]+) = (−?[\d.]+)": r"总和 \1 + 偏置 \2 = \3",
}

# Names out of the code stay as they are in either language: conv1, layer4.2.conv3, relu()#2, stride=2; so do r 8, j 2.
CODE = re.compile(
    r"""
    (?: (?: conv | pool | relu | add | cat | x ) (?:\#\d+)?  # as torch calls a layer, a function, an argument
      | [A-Z]\w*[A-Z\d]\w*                # a class, as torch writes it: Conv2d, ReLU
      | [A-Za-z_]\w*(?:\.\w+)*            # a name, with dots
        (?: \d | \(\) )                   # that ends in a number or is called
        (?:\#\d+)? (?:\ \(\d+\))?         # for the second time; the second of its name
      | (?:\w+\.)+\w+                     # or has dots
      | [a-z_]+=[\w().]+                  # or is an argument
      | r\ \d+,\ j\ \d+                   # or the symbols of a row
    )
    """,
    re.VERBOSE,
)
_TEXT = re.compile(r"(<text\b[^>]*>)([^<]*)(</text>)")


class UnknownLabel(ValueError):
    """A word in a picture that the table does not know."""


def chinese(label: str) -> str:
    """Return a figure's label in Chinese; numbers, signs and names out of the code come back as they are.

    Raises:
        UnknownLabel: If the label has words that the table does not know.

    Examples:
        >>> from rfguide._site.labels import chinese
        >>> chinese("input"), chinese("layer 3"), chinese("conv1: 3 × 3"), chinese("13 … 22")
        ('输入', '第 3 层', 'conv1: 3 × 3', '13 … 22')
        >>> chinese("inputs")
        Traceback (most recent call last):
        rfguide._site.labels.UnknownLabel: the figure label 'inputs' has no Chinese; add it to rfguide/_site/labels.py
    """
    words = label.strip()
    if sized := re.fullmatch(r"(.+): (\d+ × \d+)", words):
        return f"{chinese(sized[1])}: {sized[2]}"
    if words in CHINESE | PAGES:
        return (CHINESE | PAGES)[words]
    for pattern, text in PATTERNS.items():
        if found := re.fullmatch(pattern, words):
            return found.expand(text)
    if CODE.fullmatch(words) or not re.search(r"[^\W\d_]", words) or re.search("[\u4e00-\u9fff]", words):
        return words
    raise UnknownLabel(f"the figure label {label!r} has no Chinese; add it to rfguide/_site/labels.py")


def svg_in_chinese(svg: str) -> str:
    """Return the picture with every label in Chinese.

    Raises:
        UnknownLabel: If a label has words that the table does not know.

    Examples:
        >>> from rfguide._site.labels import svg_in_chinese
        >>> svg_in_chinese('<text x="0">input</text><text x="9">8</text>')
        '<text x="0">输入</text><text x="9">8</text>'
    """
    words = _TEXT.sub(lambda text: text[1] + escape(chinese(unescape(text[2])), quote=False) + text[3], svg)
    # Without its language a browser may take Japanese forms of the characters.
    return words.replace("<svg ", '<svg lang="zh-Hans" ', 1)
