"""The numbers in running text, in digits and in words, English and Chinese; and the ways to write one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

SMALL = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
]  # fmt: skip
ORDINALS = ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
ENGLISH: dict[str, Fraction] = {
    **{word: Fraction(value) for value, word in enumerate(SMALL, 2)},
    **{word: Fraction(value) for value, word in enumerate(ORDINALS, 2)},
    "twenty": Fraction(20),
    "hundred": Fraction(100),
    "twice": Fraction(2),
    "thrice": Fraction(3),
    "half": Fraction(1, 2),
    "quarter": Fraction(1, 4),
    "sixteenth": Fraction(1, 16),
}
CHINESE = dict(zip("零一二两三四五六七八九", (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))

# Where a number word counts nothing. "one" and "first" never do: they point, and so do 一, 第一.
PLAIN = (
    "one another|seconds|from 0(?! to)|从 0 数起|on the one hand|thousands of|hundreds of"
    "|二维|两者|二者|两端|两边|两旁|四周|四边|十分|三维|一维|百分之|成千上万"
)
PLAIN_WORDS = re.compile(rf"(?:{PLAIN})(?!\.?\d)", re.IGNORECASE)
DIGITS = re.compile(
    r"(?<![\w.])(?<![A-Za-z][-‑])"  # a name goes on: conv2, ResNet-50, 2.5.1
    r"(?:(?<![)\]}])[−-])?\d+(?:,\d{3})*(?:\.\d+)?"
    r"(?![A-Z_]|-[A-Z])"  # 2D, 3-D
)
WORD = re.compile(rf"\b(?P<word>{'|'.join(sorted(ENGLISH, key=len, reverse=True))})(?:s|fold)?\b", re.IGNORECASE)
HANZI = re.compile(
    "(?P<below>[二三四五六七八九十]+)分之(?P<above>[一二三四五六七八九十]+)|(?P<half>半)|(?P<hanzi>[零一二两三四五六七八九十百]+)"
)


@dataclass(frozen=True)
class Token:
    """A number in a text, `text[start:end]`, and its value."""

    start: int
    end: int
    text: str
    value: Fraction

    @property
    def in_digits(self) -> bool:
        return self.text[-1].isdecimal()


def tokens(text: str) -> list[Token]:
    """Return the numbers of a text in order.

    Examples:
        >>> from rfguide._site.numbers import tokens
        >>> [(token.text, str(token.value)) for token in tokens("Three 3×3 layers see −3 to 1,792, twice.")]
        [('Three', '3'), ('3', '3'), ('3', '3'), ('−3', '-3'), ('1,792', '1792'), ('twice', '2')]
        >>> [(token.text, str(token.value)) for token in tokens("输入的四分之三，共十六张，即 conv2 的两层。")]
        [('四分之三', '3/4'), ('十六', '16'), ('两', '2')]
    """
    text = PLAIN_WORDS.sub(lambda plain: " " * len(plain[0]), text)
    return sorted([*_digits(text), *_words(text), *_hanzi(text)], key=lambda token: token.start)


def in_words(value: Fraction) -> tuple[str, ...]:
    """Return the words for a number, if it has some.

    Examples:
        >>> from rfguide._site.numbers import in_words
        >>> in_words(Fraction(3))
        ('three', 'third', 'thrice', 'Three', 'Third', 'Thrice', '三')
        >>> in_words(Fraction(1, 4))
        ('quarter', 'Quarter', '四分之一')
    """
    english = [word for word, meant in ENGLISH.items() if meant == value]
    chinese = [sign for sign, meant in CHINESE.items() if meant == value and value > 1]
    chinese += ["十"] * (value == 10) + ["一半"] * (value == Fraction(1, 2)) + ["四分之一"] * (value == Fraction(1, 4))
    return (*english, *(word.capitalize() for word in english), *chinese)


def _digits(text: str) -> Iterator[Token]:
    for found in DIGITS.finditer(text):
        yield Token(*found.span(), found[0], Fraction(found[0].replace(",", "").replace("−", "-")))


def _words(text: str) -> Iterator[Token]:
    for found in WORD.finditer(text):
        yield Token(*found.span(), found[0], ENGLISH[found["word"].lower()])


def _hanzi(text: str) -> Iterator[Token]:
    for found in HANZI.finditer(text):
        if found["half"]:
            value = Fraction(1, 2)
        elif found["below"]:
            value = Fraction(_count(found["above"]), _count(found["below"]))
        elif found["hanzi"] == "一":
            continue
        else:
            value = Fraction(_count(found["hanzi"]))
        yield Token(*found.span(), found[0], value)


def _count(hanzi: str) -> int:
    """Read a number up to 999: 十六 is 16, 三十二 is 32."""
    total, digit = 0, None
    for sign in hanzi:
        if sign in "十百":
            total += (1 if digit is None else digit) * (10 if sign == "十" else 100)
            digit = None
        else:
            digit = (digit or 0) * 10 + CHINESE[sign]
    return total + (digit or 0)
