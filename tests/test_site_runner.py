"""Running a page: once for both languages, kept under all that it depends on, labs in a kernel of their own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from matplotlib import pyplot

from rfguide._site import runner, store
from rfguide._site.check import problems
from rfguide._site.fill import filled
from rfguide._site.grammar import parse
from rfguide._site.scratch import scratch

DATA = Path(__file__).parent / "data"


def page(code: str, *, after: str = "", path: str = "docs/en/page.md"):
    return parse(f"# T {{#t}}\n\n```python\n{code}\n```\n{after}", path)


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    monkeypatch.setattr(store, "_memory", {})
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_a_page_and_its_twin_share_one_run(no_cache, monkeypatch):
    runs = []
    real = runner.compute
    monkeypatch.setattr(runner, "compute", lambda page: runs.append(page.path) or real(page))
    english = parse((DATA / "good.md").read_text(encoding="utf-8"), "docs/en/good.md")
    chinese = parse((DATA / "good.zh.md").read_text(encoding="utf-8"), "docs/zh/good.md")
    assert runner.run(english) == runner.run(chinese)
    assert runs == ["docs/en/good.md"]


def test_figures_that_others_left_open_are_none_of_the_page(no_cache):
    left_open = pyplot.figure()
    (block,) = runner._run(page("import matplotlib.pyplot as plt\nplt.figure()")).given
    assert len(block.figures) == 1
    assert not pyplot.fignum_exists(left_open.number)


@pytest.mark.parametrize(("ci", "runs"), [("", 1), ("true", 2)])
def test_a_run_is_kept_on_disk_but_not_in_ci(no_cache, monkeypatch, ci, runs):
    monkeypatch.setenv("CI", ci)
    calls = []
    for _ in range(2):
        monkeypatch.setattr(store, "_memory", {})
        assert store.remember("pages", "key", lambda: calls.append(1) or [1]) == [1]
    assert len(calls) == runs
    assert bool(list(no_cache.rglob("*.json"))) == (not ci)


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"value": [2], "digest": "0"}', "\x00"])
def test_a_damaged_file_of_the_cache_is_a_miss(no_cache, monkeypatch, damage):
    store.remember("pages", "key", lambda: [1])
    (path,) = no_cache.rglob("*.json")
    path.write_text(damage, encoding="utf-8")
    monkeypatch.setattr(store, "_memory", {})
    assert not store.knows("pages", "key")
    assert store.remember("pages", "key", lambda: [3]) == [3]
    monkeypatch.setattr(store, "_memory", {})
    assert store.knows("pages", "key"), "the damaged file has been replaced"


@pytest.mark.parametrize("code", ["import sys\nsys.exit(0)", "import sys\nsys.exit()", "raise SystemExit", "exit(3)"])
def test_code_that_ends_the_program_is_a_fault_of_its_page(no_cache, code):
    (found,) = problems(page(code))
    assert str(found).startswith(f"docs/en/page.md:{3 + code.count(chr(10)) + 1}: the block raises SystemExit")


WRITES = {
    "os.write": "import os\nprint('one')\n_ = os.write(1, b'two\\n')\nprint('three')",
    "a process": "import subprocess\nprint('one')\n_ = subprocess.run(['echo', 'two'])\nprint('three')",
    "C": "import ctypes\nprint('one')\nc = ctypes.CDLL(None)\n_ = c.puts(b'two'), c.fflush(None)\nprint('three')",
    "sys.__stdout__": "import os, sys\nprint('one')\nos.fdopen(1, 'w', closefd=False).write('two\\n')\nprint('three')",
}


@pytest.mark.parametrize("path", ["docs/en/page.md", "docs/en/labs/page.md"])
@pytest.mark.parametrize("code", WRITES.values(), ids=WRITES)
def test_output_is_compared_whoever_writes_it(no_cache, code, path):
    told = problems(page(code, after="\n```text\none\nthree\n```\n", path=path))
    assert [one.message for one in told] == ["the page says 'nothing', the block prints 'two'"]
    assert problems(page(code, after="\n```text\none\ntwo\nthree\n```\n", path=path)) == []


@pytest.mark.parametrize("path", ["docs/en/page.md", "docs/en/labs/page.md"])
@pytest.mark.parametrize(
    "code",
    [
        "import sys\nprint('oh', file=sys.stderr)",
        "import os\n_ = os.write(2, b'oh\\n')",
        "import subprocess\n_ = subprocess.run('echo oh >&2', shell=True)",
    ],
)
def test_what_goes_to_stderr_is_a_problem(no_cache, code, path):
    assert [one.message for one in problems(page(code, path=path))] == ["the block warns: oh"]


ENDLESS = {
    "a loop": "while True:\n    pass",
    "that catches all": "while True:\n    try:\n        sum(iter(int, 1))\n    except BaseException:\n        pass",
    "in C": "sum(iter(int, 1))",
    "a process": "import subprocess\nsubprocess.run(['sleep', '1000'])",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_a_page_without_end_is_ended_and_named(no_cache, monkeypatch, code):
    real = runner.compute
    monkeypatch.setattr(runner, "compute", lambda page: real(page, limit=2))
    assert list(map(str, problems(page(code)))) == ["docs/en/page.md:3: the block still runs after 2 seconds"]
    assert not list(no_cache.rglob("*.json")), "another machine may come to its end"


def test_a_lab_without_end_is_ended_and_named(no_cache, monkeypatch):
    real = runner.compute
    monkeypatch.setattr(runner, "compute", lambda page: real(page, limit=8))
    (found,) = problems(page("while True:\n    pass", path="docs/en/labs/l.md"))
    assert str(found) == "docs/en/labs/l.md:1: the lab still runs after 8 seconds"


HOLDS = """
from time import sleep
from rfguide._site.scratch import scratch
with scratch() as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    sleep(1000)
"""


def test_what_a_killed_run_left_is_swept_by_the_next_and_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    runs = [subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        killed, alive = [Path(run.stdout.readline().strip()) for run in runs]
        runs[0].kill()
        runs[0].wait()
        assert killed.exists()
        with scratch() as own:
            assert sorted(tmp_path.iterdir()) == sorted([alive, own])
        assert list(tmp_path.iterdir()) == [alive]
    finally:
        for run in runs:
            run.kill()
            run.communicate()


def test_a_lab_that_is_ended_leaves_nothing_to_the_next(no_cache, monkeypatch, tmp_path):
    """Its kernel, its sockets and its connection file are all in one folder, which the next lab sweeps."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "t").mkdir()
    real = runner.compute
    with monkeypatch.context() as short:
        short.setattr(runner, "compute", lambda page: real(page, limit=8))
        problems(page("while True:\n    pass", path="docs/en/labs/l.md"))
    assert problems(page("print(1)", after="\n```text\n1\n```\n", path="docs/en/labs/m.md")) == []
    assert not list((tmp_path / "t").glob("rfguide-*"))
    assert not list(tmp_path.glob("runtime/*"))


def test_what_a_killed_run_left_of_a_file_of_the_cache_is_swept(no_cache):
    (no_cache / "pages").mkdir()
    left, young = no_cache / "pages/left.part", no_cache / "pages/young.part"
    left.touch()
    young.touch()
    os.utime(left, (0, 0))
    store.remember("pages", "key", lambda: [1])
    assert [path.name for path in (no_cache / "pages").glob("*.part")] == ["young.part"]


def test_two_labs_at_once_in_one_folder_each_give_their_own(no_cache):
    """As two builds of one checkout run them: processes of their own, one working directory, one cache."""
    labs = [page(f"print({number})", path=f"docs/en/labs/{number}.md") for number in range(4)]
    with ThreadPoolExecutor(len(labs)) as pool:
        printed = [run["given"][0]["printed"] for run in pool.map(runner.compute, labs)]
    assert printed == ["0\n", "1\n", "2\n", "3\n"]


def test_a_page_that_ends_python_is_named(no_cache):
    (found,) = problems(page("x = 1", after="\n```python\nimport os\nos._exit(0)\n```\n"))
    assert str(found) == "docs/en/page.md:7: the block ends Python with status 0"


def test_a_change_of_the_library_or_below_it_runs_pages_anew(no_cache, monkeypatch):
    calls = []
    for library in ("as it was", "as it is"):
        monkeypatch.setattr(store, "library_at_start", lambda library=library: library)
        store.remember("pages", "key", lambda: calls.append(1) or [1])
    assert len(calls) == 2
    source = no_cache / "module.py"
    source.write_text("one = 1\n", encoding="utf-8")
    monkeypatch.setattr(store, "LIBRARY", no_cache)
    before = store.library()
    source.write_text("one = 2\n", encoding="utf-8")
    assert store.library() != before


def test_blocks_share_one_namespace_and_go_on_after_an_error(no_cache):
    second = "\n```text\nValueError: no\n```\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n"
    assert problems(page("x = 1\nraise ValueError('no')", after=second)) == []


def test_an_error_is_on_the_line_of_its_statement(no_cache):
    found = problems(page("def f():\n    raise ValueError('no')\n\n# a comment\nx = 1\nf()"))
    assert [str(one) for one in found] == ["docs/en/page.md:9: the block raises ValueError: no"]


def test_code_that_is_no_python_is_on_its_line(no_cache):
    (found,) = problems(page("x = 1\ny = = 2"))
    assert str(found).startswith("docs/en/page.md:5: the block raises SyntaxError")


def test_a_warning_that_a_reader_would_see_is_a_problem(no_cache):
    (found,) = problems(page("import warnings\nwarnings.warn('old', stacklevel=1)"))
    assert str(found) == "docs/en/page.md:3: the block warns: old"


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (1792, ("1792", "1,792")),
        (-3, ("-3", "−3")),
        (12.25, ("12.25",)),
        (-0.5, ("-0.5", "−0.5")),
        (True, ("True",)),
        ((13, 22), ("(13, 22)",)),
        ("53 %", ("53 %",)),
    ],
)
def test_how_prose_may_write_a_value(value, texts):
    assert runner.written(value) == texts


def test_an_expression_sees_the_names_above_it_and_the_librarys(no_cache):
    text = "# T {#t}\n\n2<!--= output_size(5, 3, stride=2) --> 1<!--= x -->\n\n```python\nx = 1\n```\n\n1<!--= x -->\n"
    assert [str(one) for one in problems(parse(text, "docs/en/t.md"))] == [
        "docs/en/t.md:3: x cannot be evaluated: NameError: name 'x' is not defined"
    ]


def test_fill_writes_what_a_page_prints_and_the_result_holds(no_cache):
    bad = (DATA / "good.md").read_text(encoding="utf-8").replace("(32, 16)\n", "(0, 0)\n")
    bad = bad.replace("    ```text\n    2\n    ```\n", "")
    good = filled(parse(bad, "docs/en/good.md"))
    assert problems(parse(good, "docs/en/good.md")) == []
    assert filled(parse(good, "docs/en/good.md")) == good


LAB = """# L {#l}

```python
def fail():
    raise ValueError("no")


x = 2
print(x)
fail()
```

```text
2
ValueError: no
```

Three is 3<!--= x + 1 -->, and the rest is 4<!--= x + 1 -->.

```python
import matplotlib.pyplot as plt

plt.plot([1, 2], color="#1b2430")
x
```

<!-- figure: A line. -->

```python
fail()
```
"""


def test_a_lab_is_held_to_the_same_rules_in_its_own_kernel(no_cache):
    assert [str(one) for one in problems(parse(LAB, "docs/en/labs/l.md"))] == [
        "docs/en/labs/l.md:18: the text says '4', but x + 1 is 3",
        "docs/en/labs/l.md:30: the block raises ValueError: no",
    ]
