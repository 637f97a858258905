"""Lighthouse's four scores on a phone, for the pages that readers land on. Needs node; run `make site` first.

What other processes do to the machine shows in the score for performance, so each is the median of three runs.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from serving import served

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "",
    "learn/three-rules/",
    "learn/feature-maps/",
    "learn/two-windows/",
    "learn/stride/",
    "learn/position/",
    "learn/border/",
    "learn/dilation/",
    "learn/branches/",
    "labs/feature-maps/",
    "explorer/",
    "article/claims/",
    "article/claims-rules/",
    "article/claims-sizes/",
    "article/relations/",
    "article/net/",
    "guides/your-model/",
    "questions/",
    "cheat-sheet/",
    "zh/",
    "zh/learn/feature-maps/",
    "zh/article/claims/",
    "zh/article/claims-sizes/",
    "zh/questions/",
)
CHROMIUM = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


def scores(address: str) -> dict[str, float]:
    """Return each category's score, 0 to 100, for one page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or ""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")  # not a pipe: node may end before a long report has gone through it
        command = [
            *(str(ROOT / "node_modules/.bin/lighthouse"), address),
            *("--output=json", f"--output-path={report}", "--quiet", f"--chrome-flags={CHROMIUM}"),
            "--only-categories=performance,accessibility,best-practices,seo",
        ]
        subprocess.run(command, capture_output=True, check=True, env={**os.environ, "CHROME_PATH": chromium})
        return {
            name: 100 * part["score"]
            for name, part in json.loads(report.read_text(encoding="utf-8"))["categories"].items()
        }


def median_scores(address: str) -> list[str]:
    """Return each category's median score of three runs, named."""
    runs = [scores(address) for _ in range(3)]
    return [f"{name} {median(run[name] for run in runs):.0f}" for name in runs[0]]


def measure() -> dict[str, str]:
    """Return the four scores of each page."""
    if not (ROOT / "node_modules/.bin/lighthouse").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    with served(ROOT / "site") as address:
        return {path or "home": "  ".join(median_scores(address + path)) for path in PAGES}
