"""A page with the explorer on it as readers get it, served to Chromium, and the stacks that Python makes up."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from gzip import compress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rfguide._site.published import published

DOCS = Path(__file__).parents[1] / "docs"
FILES = published(DOCS)
WEIGHTS = {path: len(compress(text.encode())) for path, text in FILES.items() if path.startswith("assets/explorer/")}
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Explorer</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/stylesheets/rfguide.css">
<script type="module" src="/assets/explorer/explorer.js"></script></head>
<body data-md-color-scheme="{scheme}" style="margin: 16px; background: var(--rf-background); color: var(--rf-text)">
<main><h1>Explorer</h1>{element}</main></body></html>
"""


@dataclass
class Harness:
    """Where the page is, and what stands on it; set `element` before going there."""

    address: str = ""
    element: str = "<rf-explorer lang='en'></rf-explorer>"
    lang: str = "en"
    scheme: str = "default"
    asked: list[str] = field(default_factory=list)

    def weight(self) -> int:
        """The gzipped bytes of the explorer's scripts and styles that were asked for, each file by itself."""
        return sum(WEIGHTS.get(path.lstrip("/"), 0) for path in set(self.asked))

    @property
    def page(self) -> str:
        return PAGE.format(lang=self.lang, scheme=self.scheme, element=self.element)


@contextmanager
def served() -> Iterator[Harness]:
    """Serve the page on a free port while the block runs."""
    harness = Harness()

    class Site(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with what is published, with a file of docs/ (modules as they are written too), or the page."""
            harness.asked.append(self.path)
            path = self.path.partition("?")[0].lstrip("/")
            if path.startswith("written/"):
                self.path = self.path.replace("/written/", "/assets/")
            elif path in FILES or not path.startswith("assets/"):
                return self.answer(FILES.get(path, harness.page), path)
            return super().do_GET()

        def answer(self, text: str, path: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(path) if path in FILES else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(DOCS)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    harness.address = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield harness
    finally:
        server.shutdown()
        server.server_close()


Stack = dict[str, Any]

# What readers type, and worse.
JUNK = [
    *(0, -1, -7, 0.5, 2.5, -0.25, 1e-5, 2**60, -(2**60), 2**70, 10**15, True, False, None),
    *(
        "",
        "a",
        "3x",
        "it's",
        'say "3"',
        "both ' and \"",
        "back\\slash",
        "三",
        [],
        [1],
        [1, 2],
        [0, -1],
        [1, "a"],
        [1, 2, 3],
    ),
]


def whole_layer(rng: random.Random) -> Stack:
    """Make up a layer of whole numbers, which may or may not fit."""
    kind = rng.choice(["conv", "conv", "pool", "transposed", "upsample"])
    layer: Stack = {"type": kind}
    if kind == "upsample":
        return {**layer, "stride": rng.randint(1, 4)}
    layer["kernel_size"] = rng.choice([1, 2, 3, 3, 3, 4, 5, 7])
    layer["stride"] = rng.choice([1, 1, 1, 2, 2, 3])
    layer["dilation"] = rng.choice([1, 1, 1, 2, 3])
    layer["padding"] = rng.choice([0, 1, 1, 2, 3])
    if kind == "conv" and rng.random() < 0.1:
        layer["padding"] = [rng.randint(0, 3), rng.randint(0, 3)]
    if kind == "pool":
        layer["ceil_mode"] = rng.random() < 0.4
        if rng.random() < 0.9:
            layer["padding"] = rng.randint(0, layer["kernel_size"] // 2)
    if kind == "transposed" and rng.random() < 0.5:
        layer["output_padding"] = rng.randint(0, 2)
    return layer


def random_stack(rng: random.Random) -> Stack:
    """Make up a stack: half of them whole numbers throughout, the others with something wrong in it."""
    stack: Stack = {"inputSize": rng.choice([1, 2, 5, 8, 17, 32, 64, 64, 224]), "layers": []}
    stack["layers"] = [whole_layer(rng) for _ in range(rng.randint(0, 12))]
    if rng.random() < 0.5 and stack["layers"]:
        layer = rng.choice(stack["layers"])
        names = {*layer, "padding", "dilation", "output_padding", "kernel_size"} - {"type"}
        layer[rng.choice(sorted(names))] = rng.choice(JUNK)
    elif rng.random() < 0.05:
        stack["inputSize"] = rng.choice(JUNK)
    return stack
