"""Scripts and style sheets as readers get them: the same rules, the same names, and each module whole."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from rfguide._site.published import published, source

DOCS = Path(__file__).parents[1] / "docs"
FILES = published(DOCS)
RULES = """(text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return [...sheet.cssRules].map((rule) => rule.cssText);
}"""
# Ways to say the same; letters of either size name a font, with quotes or without.
SAME = {"background: 0px 0px;": "background: none;", "decoration-color: initial;": "decoration-color: currentcolor;"}


def rules(page: Page, text: str) -> list[str]:
    """What a browser understands."""
    plain = []
    for rule in page.evaluate(RULES, text):
        for short, long in SAME.items():
            rule = rule.replace(short, long)
        plain.append(re.sub(r'"|(?<=,) ', "", rule).lower())
    return plain


def written(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".css")])
def test_a_style_sheet_keeps_every_rule(chromium: Browser, path: str) -> None:
    page = chromium.new_page()
    expected = rules(page, source(DOCS / path))
    assert len(expected) > 1
    assert rules(page, FILES[path]) == expected
    page.close()


@pytest.mark.browser
def test_modules_in_one_file_keep_their_own_names(chromium: Browser, tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\n\nself.said = [a(), b()];\n',
        b='import { a } from "./a.js";\n\nconst own = 2;\nexport const b = () => own + a();\n',
        a="const own = 1;\n/** One. */\nexport function a() {\n  return own;\n}\n",
    )
    (name, text), *more = published(folder).items()
    assert (name, more) == ("main.js", [])
    page = chromium.new_page()
    page.add_script_tag(content=text, type="module")
    assert page.wait_for_function("globalThis.said").json_value() == [1, 3]
    page.close()


def test_no_file_asks_for_one_that_is_not_published() -> None:
    for path, text in FILES.items():
        assert not re.search(r"\bimport *[{*\"']|^import ", text), f"{path}: an import that is not joined"
        for name in re.findall(r'import\("\./([\w.]+)"\)', text):
            assert str(Path(path).with_name(name)) in FILES


def test_a_plain_module_imports_alone(tmp_path: Path) -> None:
    assert published(written(tmp_path, a="// A note.\nexport const one = 1;\n")) == {"a.js": "export const one=1"}


@pytest.mark.browser
def test_the_site_has_what_is_published_and_nothing_else_of_ours(site: Path) -> None:
    ours = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*") if path.suffix in (".js", ".css")}
    assert {path: (site / path).read_text(encoding="utf-8") for path in ours if (site / path).exists()} == FILES
