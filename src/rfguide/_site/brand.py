"""Logo, favicon, social cards and README picture, in the plots' own colours: `python -m rfguide._site.brand`.

Everything it writes is under the licence of the site's text and pictures (docs/LICENSE).
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from rfguide._site.labels import chinese, svg_in_chinese
from rfguide.networks import NET
from rfguide.plot import LIGHT, plot_stack, svg

IMAGES = Path(__file__).parents[3] / "docs" / "assets" / "images"

# Side, corner radius and colour of three fields, each inside the next, on a sheet of 32×32.
SQUARES = ((30, 6, LIGHT["accent"]), (20, 3.5, LIGHT["used"]), (8, 1.5, LIGHT["background"]))

# The cards are kept in the repository, so only who redraws them needs this font (Debian: fonts-noto-cjk).
FONT = "Noto Sans CJK SC"
WORDS = {
    "en": (
        "Feature maps and\nreceptive fields",
        "Every number computed,\nchecked against torch,\nor the build breaks.",
    ),
    "zh": ("特征图\n与感受野", "每个数字都由程序算出、\n用 torch 核对过，\n错了就发布不出来。"),
}


def logo() -> str:
    """Return the mark as SVG: a unit, its field, and the field of what it reads.

    Examples:
        >>> from rfguide._site.brand import logo
        >>> logo().count("<rect")
        3
    """
    squares = "".join(
        '<rect x="{0:g}" y="{0:g}" width="{1}" height="{1}" rx="{2}" fill="{3}"/>'.format(
            (32 - side) / 2, side, r, fill
        )
        for side, r, fill in SQUARES
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>rfguide</title>{squares}</svg>\n'


def _draw_mark(ax: Axes) -> None:
    ax.set(xlim=(0, 32), ylim=(0, 32), aspect="equal")
    ax.set_axis_off()
    for side, radius, fill in SQUARES:
        corner = (32 - side) / 2
        style = f"round,pad=0,rounding_size={radius}"
        ax.add_patch(FancyBboxPatch((corner, corner), side, side, boxstyle=style, fc=fill, ec="none"))


def social(language: str) -> Path:
    """Draw the card of a language, 1200×630 pixels, and return its path."""
    title, promise = WORDS[language]
    with mpl.rc_context({"font.family": [FONT]}):
        figure = plt.figure(figsize=(6, 3.15), dpi=200, facecolor=LIGHT["background"])
        mark = figure.add_axes((0.05, 0.79, 0.0735, 0.14))
        _draw_mark(mark)
        figure.text(0.135, 0.86, "rfguide", size=15, weight="bold", color=LIGHT["text"], va="center")
        figure.text(0.05, 0.70, title, size=20, weight="bold", color=LIGHT["text"], va="top", linespacing=1.25)
        figure.text(0.05, 0.35, promise, size=10.5, color=LIGHT["muted"], va="top", linespacing=1.5)
        ax = figure.add_axes((0.50, 0.06, 0.47, 0.88))
        plot_stack(NET, 16, 1, ax=ax)
        for words in ax.texts:
            words.set_fontfamily([FONT])
            if language == "zh":
                words.set_text(chinese(words.get_text()))
        path = IMAGES / f"social-{language}.png"
        figure.savefig(path, dpi=200, metadata={"Software": None})
        plt.close(figure)
    return path


def favicon() -> Path:
    """Draw the mark as a PNG of 180×180 pixels, for home screens, and return its path."""
    figure = plt.figure(figsize=(1.8, 1.8), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    _draw_mark(ax)
    path = IMAGES / "touch-icon.png"
    figure.savefig(path, transparent=True, metadata={"Software": None})
    plt.close(figure)
    return path


def readme() -> dict[str, str]:
    """Return the picture of the README by file name, for both languages, light and dark.

    Examples:
        >>> from rfguide._site.brand import readme
        >>> sorted(readme())
        ['readme-en-dark.svg', 'readme-en.svg', 'readme-zh-dark.svg', 'readme-zh.svg']
    """
    ax = plot_stack(NET, 32)
    pictures = {"": svg(ax), "-dark": svg(ax, dark=True)}
    plt.close(ax.get_figure(root=True))
    english = {f"readme-en{theme}.svg": picture for theme, picture in pictures.items()}
    return english | {f"readme-zh{theme}.svg": svg_in_chinese(picture) for theme, picture in pictures.items()}


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in ("logo.svg", "favicon.svg"):
        (IMAGES / name).write_text(logo(), encoding="utf-8")
    for name, picture in readme().items():
        (IMAGES / name).write_text(picture, encoding="utf-8")
    for language in WORDS:
        social(language)
    favicon()


if __name__ == "__main__":
    main()
