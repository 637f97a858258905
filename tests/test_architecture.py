"""The tree is the architecture: read top to bottom, a module imports only from those above it."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "rfguide"

# The reading order; a package counts as one module.
ORDER = [
    "errors",
    "tables",
    "layers",
    "sizes",
    "fields",
    "forms",
    "design",
    "networks",
    "torch_networks",
    "trace",
    "probe",
    "tiles",
    "plot",
    "notation",
    "cli",
    "__main__",
    "_site",
]
# What a module may need beyond the standard library and the modules above it; the site's machinery may need anything.
NEEDS = {
    "torch_networks": {"torch"},
    "trace": {"torch", "numpy"},
    "probe": {"torch", "numpy"},
    "tiles": {"torch"},
    "plot": {"torch", "numpy", "matplotlib"},
    "cli": {"click", "torch", "matplotlib"},  # these two inside the commands that need them; test_cli.py looks
}


def part(file: Path) -> str:
    """Name of the module or package, directly under rfguide, that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """Full names of all modules imported, also inside functions, but not for type checkers only."""
    names = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from rfguide import trace` imports a module as well.
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "rfguide" else {node.module}
            )
        names |= imports(node)
    return names


FILES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_imports_only_from_those_above(file):
    here = part(file)
    assert here in ORDER, f"{here} has no place in the reading order"
    ours = {
        name.split(".")[1]
        for name in imports(ast.parse(file.read_text(encoding="utf-8")))
        if name.startswith("rfguide.")
    }
    modules = ours & set(ORDER)
    assert modules <= set(ORDER[: ORDER.index(here) + 1])


@pytest.mark.parametrize(
    "file", [file for file in FILES if part(file) != "_site"], ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_a_module_needs_only_what_its_place_allows(file):
    outside = {name.split(".")[0] for name in imports(ast.parse(file.read_text(encoding="utf-8")))}
    assert outside - set(sys.stdlib_module_names) - {"rfguide"} <= NEEDS.get(part(file), set())


def unsaid(tree: ast.AST) -> list[int]:
    """Lines that read a file as text without saying that it is UTF-8."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    reads = [call for call in calls if call.func.attr == "read_text" or (call.func.attr == "open" and not call.args)]
    return [call.lineno for call in reads if "encoding" not in {keyword.arg for keyword in call.keywords}]


@pytest.mark.parametrize("folder", ["src", "tests", "bench"])
def test_files_are_read_as_utf_8_whatever_the_locale(folder):
    files = (PACKAGE.parents[1] / folder).rglob("*.py")
    assert {file.name: lines for file in files if (lines := unsaid(ast.parse(file.read_text(encoding="utf-8"))))} == {}


def test_the_test_sees_imports_wherever_they_stand():
    code = "import a.b\nfrom rfguide import trace\ndef f():\n    from rfguide.plot import x\n"
    code += "if TYPE_CHECKING:\n    import c"
    assert imports(ast.parse(code)) == {"a.b", "rfguide.trace", "rfguide.plot"}


def test_only_the_hook_holds_a_build():
    """No function of the site's machinery sets a name of its module; MkDocs calls the hook's functions bare."""
    holders = {
        file.name
        for file in (PACKAGE / "_site").glob("*.py")
        if any(isinstance(node, ast.Global) for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert holders == {"hook.py"}
