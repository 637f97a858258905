"""The explorer in Chromium: an edit of its largest stack until painted, the first interaction, and its weight."""

import sys
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from chromium import FLAGS, found  # noqa: E402  the tests' own browser and page
from explorer_harness import served  # noqa: E402

LARGEST = {"inputSize": 64, "layers": [{"type": "conv", "kernel_size": 3, "padding": 1}] * 12}
EDITS = 200
KEYS = 60
# Each edit begins with a frame, so that none waits for its turn on the screen; the message comes when the main thread
# has done with the frame: script, style, layout, painting and handing over. Both are marks on the browser's own
# timeline. Beside this, other threads turn what is painted into pixels.
EDIT = """async (edits) => {
  const { port1, port2 } = new MessageChannel();
  const fields = document.querySelector("rf-explorer").shadowRoot.querySelectorAll("[name=dilation]");
  for (let i = 0; i < edits; i++) {
    const field = fields[i % fields.length];
    await new Promise((done) => requestAnimationFrame(() => {
      performance.mark(`edit ${i}`);
      field.value = field.value == "1" ? "2" : "1";
      field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
      port1.onmessage = () => done(performance.measure("edit", `edit ${i}`));
      port2.postMessage(null);
    }));
  }
  return performance.getEntriesByName("edit", "measure").map((entry) => entry.duration);
}"""
# From a key to the frame on which the screen shows what it did, other threads and the wait for the screen's turn (60 a
# second) included. The browser tells it in steps of 8 ms, and nothing of keys that took less than 16.
WATCH = """() => {
  window.keys = [];
  const watch = (list) => {
    for (const { name, duration } of list.getEntries()) if (name == "input") keys.push(duration);
  };
  new PerformanceObserver(watch).observe({ type: "event", durationThreshold: 16 });
}"""
# From the arrival of the last module to the element that answers.
READY = """async () => {
  await customElements.whenDefined("rf-explorer");
  const element = document.querySelector("rf-explorer");
  while (!element.shadowRoot.querySelector(".map div")?.clientWidth) await new Promise(requestAnimationFrame);
  const press = new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true });
  element.shadowRoot.querySelector(".map div").dispatchEvent(press);
  const scripts = performance.getEntriesByType("resource").filter((entry) => /explorer.*js$/.test(entry.name));
  return performance.now() - Math.max(...scripts.map((entry) => entry.responseEnd));
}"""


def edits(page: Page) -> list[float]:
    """Return how long each edit took until painted, in ms."""
    page.evaluate("(stack) => { document.querySelector('rf-explorer').stack = stack; }", LARGEST)
    page.evaluate(EDIT, 20)  # the first ones are compiled on the way
    page.evaluate("performance.clearMeasures()")
    return page.evaluate(EDIT, EDITS)


def keys(page: Page) -> list[float]:
    """Return how long each key took until the screen showed what it did, in ms."""
    page.evaluate(WATCH)
    fields = page.locator("[name=dilation]")
    for i in range(KEYS):
        field = fields.nth(i % 12)
        field.select_text()
        page.keyboard.press("1" if field.input_value() == "2" else "2")
    page.wait_for_timeout(100)
    told = page.evaluate("keys")
    return [*told, *[8.0] * (KEYS - len(told))]


def measure() -> dict[str, str]:
    """Return the explorer's figures by name."""
    with sync_playwright() as playwright, served() as harness:
        browser = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        first = []
        for _ in range(5):
            page.goto(harness.address)
            first.append(page.evaluate(READY))
        times = edits(page)
        shown = keys(page)
        browser.close()
    return {
        "edit of 12 layers on 64×64 until painted, median": f"{median(times):.1f} ms",
        "edit of 12 layers on 64×64 until painted, 95th percentile": f"{quantiles(times, n=20)[-1]:.1f} ms",
        "from a key to the frame that shows it, median of steps of 8 ms": f"{median(shown):.0f} ms",
        "first interaction after the script's arrival": f"{median(first):.0f} ms",
        "scripts and style, each file gzipped by itself": f"{harness.weight() / 1000:.1f} kB",
    }
