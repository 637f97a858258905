"""The built site for the tests that look at it: `site/`, as `make test` has just built it, served as a host would."""

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "site"
BASE = "/rfguide/"  # where site_url puts the site on its host
SOURCES = ("docs", "src", "overrides", "mkdocs.yml")


def newest(path: Path) -> float:
    """When a file, or the newest below a folder, was last written."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.suffix != ".pyc" and one.is_file()]
    return max(one.stat().st_mtime for one in files)


class Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        inside = path.startswith(BASE)
        return super().translate_path(path.removeprefix(BASE.rstrip("/")) if inside else "/no-such-place")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with the site's own 404 page."""
        body = (SITE / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site; a site that is older than its sources proves nothing."""
    assert SITE.exists(), "there is no site/; `make site` builds it, and `make test` does so first"
    built = (SITE / "404.html").stat().st_mtime
    late = [source for source in SOURCES if newest(ROOT / source) > built]
    assert not late, f"site/ is older than {', '.join(late)}; `make site` builds it anew"
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served while the tests run; ends in a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Handler(*args, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{BASE}"
    server.shutdown()
