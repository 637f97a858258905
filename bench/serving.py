"""A little server of a built site, gzipped as a real host would, on a free port of 127.0.0.1."""

import gzip
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TEXT = {"text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml", "application/json"}
mimetypes.add_type("text/javascript", ".js")


@cache
def packed(path: Path) -> bytes:
    """Return the file, gzipped when it is text."""
    body = path.read_bytes()
    return gzip.compress(body, 9) if kind(path) in TEXT else body


def kind(path: Path) -> str:
    """Return the media type that the file's name stands for."""
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the folder while the block runs; the value is the address, ending in a slash."""
    root = folder.resolve()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = (root / self.path.split("?")[0].split("#")[0].lstrip("/")).resolve()
            path = wanted / "index.html" if wanted.is_dir() else wanted
            found = path.is_file() and path.is_relative_to(root)
            if not found:
                path = root / "404.html"
            body = packed(path)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", f"{kind(path)}; charset=utf-8" if kind(path) in TEXT else kind(path))
            if kind(path) in TEXT:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
