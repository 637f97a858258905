"""No bare numbers: what gives a number its ground, what does not, and that the exceptions only get fewer."""

from pathlib import Path

import pytest

from rfguide._site.check import problems
from rfguide._site.grammar import parse
from rfguide._site.grounds import PENDING
from rfguide._site.numbers import PLAIN, tokens

ROOT = Path(__file__).parents[1]
PAGE = """
# A page {#page}

## Count {#count}

```python
from rfguide import output_sizes

print(*output_sizes(32, [Layer(3), Layer(2, stride=2)]))
print([1, 3, 4, 8, 10])
```

```text
30 15
[1, 3, 4, 8, 10]
```

BODY
""".replace("output_sizes\n", "Layer, output_sizes\n", 1)


def found(body: str) -> list[str]:
    return [problem.message for problem in problems(parse(PAGE.replace("BODY", body), "docs/en/none.md"))]


@pytest.mark.parametrize(
    "body",
    [
        "From 32 pixels it makes 30, then 15.",
        "A kernel of 3 and a stride of two.",
        "The fields are 3, 4, 8 and 10.",
        "ResNet-50, conv2 and a 2-D map are names.",
        "Half of 30 is 15<!--= output_sizes(30, [Layer(2, stride=2)])[0] -->.".replace("Half of 30", "From 30"),
        "Then 4 + 2·2 = 8.",
        "So there are 17<!--= output_sizes(19, [Layer(3)])[0] -->, yes, 17 of them.",
        "Is it 5, 7 or 9?",
        "Later it prints 30.\n\n## Elsewhere {#elsewhere}\n\nRemember the 30; and there were 3, 4, 8.",
        "## Sources {#sources}\n\n* A paper, 1998, section 7.",
    ],
)
def test_a_number_with_a_ground_is_accepted(body):
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("From 33 pixels.", "33"),
        ("The fields are 3, 4, 8 and 15.", "3, 4, 8, 15"),
        ("Nine units, seven layers.", "Nine"),
        ("It makes twelve.", "twelve"),
        ("看到六个像素。", "六"),
        ("占四分之三。", "四分之三"),
        ("| a table | 5 |", "5"),
        ('=== "Tab: 5"', "5"),
        ("Then 4 + 2·2 = 9.", "9"),
        ("A pixel at −3.", "−3"),
        ("## Elsewhere {#elsewhere}\n\nRemember the 4.", "4"),
    ],
)
def test_a_bare_number_is_refused_and_named(body, said):
    assert any(message.startswith(f"nothing here gives {said!r}: compute it") for message in found(body)), found(body)


def test_a_constant_is_no_ground():
    reason = "11 computes nothing: call or name something of the page, or reckon"
    assert reason in found("It makes 11<!--= 11 -->.")


def test_words_of_the_description_and_of_pictures_are_read():
    text = "---\ndescription: It sees 77 pixels.\n---\n" + PAGE.replace("BODY", "")
    (problem,) = problems(parse(text, "docs/en/none.md"))
    assert str(problem).startswith("docs/en/none.md:2: nothing here gives '77'")


def test_numbers_are_read_in_both_languages():
    assert [str(token.value) for token in tokens("Three of 1,792, twice, −2.5; ResNet-50")] == [
        "3",
        "1792",
        "2",
        "-5/2",
    ]
    assert [str(token.value) for token in tokens("三十二张里有两张，占十六分之一，一样的一半")] == [
        "32",
        "2",
        "1/16",
        "1/2",
    ]


def test_the_exceptions_stay_few():
    """Both may only get shorter: lower the figures when they do."""
    assert len(PLAIN.split("|")) <= 20
    assert len(PENDING) <= 39
    assert all((ROOT / "docs" / name).is_file() for name in PENDING)
