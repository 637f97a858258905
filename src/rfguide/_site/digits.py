"""Handwritten digits for under the explorer's grid: `python -m rfguide._site.digits` draws them anew.

They come with scikit-learn: of its handwritten 3s and 8s those that are most like the others, in the site's colours.
"""

from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image
from sklearn.datasets import load_digits

from rfguide.plot import LIGHT

FOLDER = Path(__file__).parents[3] / "docs" / "assets" / "explorer"
DIGITS = (3, 8)
SIDE = 64


def digit(number: int) -> Image.Image:
    """Return the digit that is nearest to the mean of its kind, ink on the colour of input cells."""
    digits = load_digits()
    kind = digits.images[digits.target == number]
    typical = kind[((kind - kind.mean(axis=0)) ** 2).sum(axis=(1, 2)).argmin()]
    ink = Image.fromarray(np.pad(typical / 16, 1)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    strength = np.asarray(ink).clip(0, 1)[..., None]
    colours = strength * to_rgb(LIGHT["text"]) + (1 - strength) * to_rgb(LIGHT["input"])
    return Image.fromarray((255 * colours).round().astype(np.uint8))


def main() -> None:
    for number in DIGITS:
        digit(number).save(FOLDER / f"digit{number}.webp", lossless=True)


if __name__ == "__main__":
    main()
