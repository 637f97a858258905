"""Our scripts and style sheets as readers get them: the same, but smaller.

In docs/assets they are plain files that a browser runs as they are. The site has them without what only
people read, and a module together with those it imports, so that a browser asks once.
"""

import re
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path

import minify

KINDS = {".css": "text/css", ".js": "application/javascript"}
IMPORT = re.compile(r'^import \{[^}]+\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|function) (\w+))", re.MULTILINE)


def source(path: Path) -> str:
    """Return a file's text as it is written."""
    return path.read_text(encoding="utf-8")


def published(folder: Path, source: Callable[[Path], str] = source) -> dict[str, str]:
    """Return each script and style sheet below the folder that is published, by its path there.

    Args:
        folder: Where they are.
        source: Gives the text of a file; a test plants its errors here.

    Examples:
        >>> from pathlib import Path
        >>> from rfguide._site.published import published
        >>> sorted(published(Path("docs/assets/exercises")))
        ['exercises.css', 'exercises.js']
    """
    paths = map(folder.joinpath, sorted(glob("**/*", root_dir=folder, recursive=True)))
    texts = {path: source(path) for path in paths if path.suffix in KINDS}
    parts = {part for path, text in texts.items() for part in _imported(path, text)}
    return {
        path.relative_to(folder).as_posix(): minify.string(KINDS[path.suffix], _joined(path, texts))
        for path in texts
        if path not in parts
    }


def _imported(path: Path, text: str) -> Iterator[Path]:
    return map(path.with_name, IMPORT.findall(text))


def _joined(path: Path, texts: dict[Path, str]) -> str:
    """Return a module after all that it imports, each in a scope of its own that gives what it exports."""
    order: dict[Path, None] = {}

    def add(module: Path) -> None:
        for part in _imported(module, texts[module]):
            if part not in order:
                add(part)
        order[module] = None

    add(path)
    *parts, _ = order
    return "".join(_scope(texts[part]) for part in parts) + IMPORT.sub("", texts[path])


def _scope(text: str) -> str:
    names = ", ".join(EXPORT.findall(text))
    return f"const {{ {names} }} = (() => {{\n{EXPORT.sub('', IMPORT.sub('', text))}\nreturn {{ {names} }};\n}})();\n"
