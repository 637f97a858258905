"""The list that the ticks for exercises go by names every exercise of the site, and no other."""

import re
from pathlib import Path

import pytest

from rfguide._site.grammar import parse

DOCS = Path(__file__).parents[1] / "docs"
LIST = DOCS / "assets" / "exercises" / "list.js"


def listed() -> dict[str, list[str]]:
    entries = re.findall(r'^  "([\w/-]+)": \[([^\]]*)\],$', LIST.read_text(encoding="utf-8"), re.MULTILINE)
    return {page: re.findall(r'"([\w-]+)"', ids) for page, ids in entries}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_list_names_every_exercise_of_the_site(language):
    found = {}
    for path in sorted((DOCS / language).rglob("*.md")):
        headings = parse(path.read_text(encoding="utf-8"), str(path)).headings
        ids = [heading.id for heading in headings if heading.id and heading.id.startswith("exercise")]
        if ids:
            found[path.relative_to(DOCS / language).with_suffix("").as_posix()] = ids
    assert listed() == found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exercise_has_a_hint_and_an_answer_that_runs(language):
    hint, answer = {"en": ("Hint", "Answer"), "zh": ("提示", "答案")}[language]
    for name, ids in listed().items():
        text = (DOCS / language / f"{name}.md").read_text(encoding="utf-8")
        for exercise in ids:
            section = re.split(r"^#{1,2} ", text.split(f"{{#{exercise}}}")[1], flags=re.MULTILINE)[0]
            assert f'??? tip "{hint}"' in section, f"{name}#{exercise} has no hint"
            folded = section.split(f'??? success "{answer}"')[1]
            assert "    ```python" in folded, f"the answer of {name}#{exercise} runs nothing"
