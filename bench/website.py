"""How long the site takes to build and an edit to show, beside a plain build of the same Markdown; page weights."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

from serving import packed

ROOT = Path(__file__).resolve().parent.parent
MKDOCS = (sys.executable, "-m", "mkdocs")
PAGES = {
    "home": "",
    "chapter 1": "learn/feature-maps/",
    "chapter 1 in Chinese": "zh/learn/feature-maps/",
    "lab 1": "labs/feature-maps/",
}
PLAIN = """
site_name: plain
docs_dir: {docs}
site_dir: {site}
theme: {{name: material, font: false}}
plugins: [search]
markdown_extensions:
  - admonition
  - attr_list
  - md_in_html
  - tables
  - pymdownx.details
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.tabbed: {{alternate_style: true}}
"""


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def build(folder: Path, **options: str) -> None:
    """Build the site, or what `config` says, into a folder."""
    extra = ["-f", options["config"]] if "config" in options else ["-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    environment.pop("CI", None)
    subprocess.run([*MKDOCS, "build", *extra], cwd=ROOT, check=True, capture_output=True, env=environment)


def without_runs(run: Callable[[], object]) -> None:
    """Call with no page's run or formula in the cache; the labs' stay, they take as long as their training takes."""
    folders = [ROOT / ".cache/pages", ROOT / ".cache/formulas"]
    for folder in folders:
        folder.rename(f"{folder}-aside")
    try:
        run()
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
            Path(f"{folder}-aside").rename(folder)


def until_served(page: Path, address: str) -> float:
    """Return the seconds from an edit to the page that shows it."""
    before = page.read_text(encoding="utf-8")
    mark = f"Edited {time.time_ns()}."
    try:
        page.write_text(f"{before}\n{mark}\n", encoding="utf-8")
        return timed(lambda: wait_for(address, mark))
    finally:
        page.write_text(before, encoding="utf-8")


def wait_for(address: str, mark: str) -> None:
    """Return once the page at the address has the mark in it."""
    while True:
        try:
            if mark in urllib.request.urlopen(address, timeout=10).read().decode():
                return
        except OSError:
            pass
        time.sleep(0.02)


def edit_to_page() -> float:
    """Return the median seconds from an edit to the served page, of five."""
    port = 8000 + os.getpid() % 1000
    command = [*MKDOCS, "serve", "--dirty", "--livereload", "-a", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/rfguide/learn/stride/"
        wait_for(address, "</html>")
        time.sleep(2)
        times = []
        for _ in range(5):
            times.append(until_served(ROOT / "docs/en/learn/stride.md", address))
            time.sleep(2)
        return sorted(times)[2]
    finally:
        server.terminate()
        server.wait()


def weight(site: Path, path: str) -> tuple[int, int]:
    """Return the gzipped bytes of a page, and of all it loads before anyone clicks (lazy and hidden pictures not)."""
    page = site / path / "index.html"
    text = page.read_text(encoding="utf-8")
    loads = re.findall(r'<script[^>]*\ssrc=[^>]*>|<link[^>]*\srel="(?:stylesheet|preload|modulepreload)"[^>]*>', text)
    addresses = [re.search(r'\s(?:src|href)="([^"]+)"', one)[1] for one in loads]
    files = {(site / urljoin(f"/{path}", one).lstrip("/")) for one in addresses}
    own = len(gzip.compress(page.read_bytes(), 9))
    return own, own + sum(len(packed(file)) for file in files if file.is_file())


def measure() -> dict[str, str]:
    """Return the figures of the site."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.yml").write_text(PLAIN.format(docs=ROOT / "docs", site=folder / "plain"), encoding="utf-8")
        build(folder / "site")
        plain = timed(lambda: build(folder / "plain", config=str(folder / "plain.yml")))
        warm = timed(lambda: build(folder / "site"))
        cold = timed(lambda: without_runs(lambda: build(folder / "site")))
        edit = edit_to_page()
        pages = len(list(ROOT.glob("docs/en/**/*.md")))
        figures = {
            f"plain mkdocs build of the same Markdown, {pages} pages x 2": f"{plain:.1f} s",
            "cold build, every page run, labs kept": f"{cold:.1f} s = {cold / plain:.1f} x plain",
            "warm build": f"{warm:.1f} s = {warm / plain:.1f} x plain",
            "from an edit to the served page (at most 2 s)": f"{edit:.2f} s",
        }
        for label, path in PAGES.items():
            own, all_of_it = weight(folder / "site", path)
            figures[f"{label}, gzipped: the page; with style, scripts, font"] = (
                f"{own / 1000:.0f} kB; {all_of_it / 1000:.0f} kB"
            )
    return figures
