"""Readers' questions: those we set out to answer are there, each with a short answer, a cell and a way on."""

import re
from pathlib import Path

import pytest

from rfguide._site.grammar import Page, read

DOCS = Path(__file__).parents[1] / "docs"

# The question as readers ask it -> its heading on the page.
ASKED = {
    "How do I compute the field? My number differs from the paper's.": "compute",
    "Is the field the kernel size, whatever the depth?": "kernel-size",
    "Why do three 3×3 see 7×7?": "three-by-three",
    "Where does PatchGAN's 70 come from?": "patchgan",
    "Does padding change the field?": "padding",
    "What does a field larger than the input mean?": "larger-than-image",
    "ResNet-50: 483 or 427? How do shortcuts count?": "resnet-50",
    "Branches: in series or in parallel?": "branches",
    "The skip connection fails: sizes differ by one": "off-by-one",
    "The gradient gives zeros, or too small a field": "gradient",
    "Which image pixel does feature (i, j) stand for?": "which-pixel",
    "Output size: floor or ceil?": "floor-or-ceil",
    "padding='same' with a stride?": "same-padding",
    "How do 3 channels become 64 maps?": "channels",
    "Dilation: how much, and gridding?": "dilation",
    "The dilated version: 9 or 10?": "dilated-twin",
    "How do I get the maps out?": "hooks",
    "Does the training patch have to exceed the field?": "patch-size",
    "The field of YOLOv3's heads?": "yolov3",
    "The field after upsampling, in a U-Net?": "u-net",
    "What is output_padding?": "output-padding",
    "TCN: the formula, and why the factor 2?": "tcn",
    "WaveNet: 1024 or 1025?": "wavenet",
    "wav2vec 2.0: why 49 frames a second?": "wav2vec",
    "3-D nets: per axis?": "three-d",
    "Transformers and global operations?": "global",
}
END = re.compile(r"[.?!](?=\s|$)|[。？！]")


@pytest.fixture(params=["en", "zh"])
def page(request) -> Page:
    return read(DOCS / request.param / "questions.md")


def sections(page: Page):
    """Yield each question with its text up to the next heading."""
    for heading, following in zip(page.headings, [*page.headings[1:], None], strict=True):
        end = following.start if following else len(page.text)
        if heading.level == 3:
            yield heading, page.text[heading.end : end], end


@pytest.mark.parametrize("anchor", ASKED.values(), ids=ASKED.keys())
def test_the_question_has_its_heading(page, anchor):
    assert anchor in [heading.id for heading, *_ in sections(page)]


def test_every_heading_is_a_question(page):
    assert [heading.title for heading, *_ in sections(page) if heading.title[-1] not in "?？"] == []


def test_every_question_is_answered_in_two_sentences_before_its_cell(page):
    for heading, text, _ in sections(page):
        answer = text.split("```python")[0].strip()
        plain = re.sub(r"`[^`]*`", "code", answer).replace("wav2vec 2.0", "wav2vec")
        assert len(END.findall(plain)) == 2, (heading.title, answer)


def test_every_question_has_a_cell_and_leads_on(page):
    for heading, text, end in sections(page):
        assert any(heading.start < block.code.start < end for block in page.blocks), heading.title
        assert re.search(r"\]\([\w./-]+\.md(#[\w-]+)?\)", text), heading.title


def test_the_languages_ask_the_same_in_the_same_order():
    english, chinese = ([h.id for h, *_ in sections(read(DOCS / name / "questions.md"))] for name in ("en", "zh"))
    assert english == chinese
