"""Lighthouse's four scores on a phone, for the pages that readers land on. Needs node; run `make site` first."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from serving import served

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "home": "",
    "chapter 1": "learn/feature-maps/",
    "chapter 1 in Chinese": "zh/learn/feature-maps/",
    "chapter 6": "learn/branches/",
    "claims": "article/claims/",
    "lab 1": "labs/feature-maps/",
}
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
        return {name: 100 * part["score"] for name, part in json.loads(report.read_text())["categories"].items()}


def measure() -> dict[str, str]:
    """Return the four scores of each page."""
    if not (ROOT / "node_modules/.bin/lighthouse").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    with served(ROOT / "site") as address:
        return {
            name: "  ".join(f"{part} {score:.0f}" for part, score in scores(address + path).items())
            for name, path in PAGES.items()
        }
