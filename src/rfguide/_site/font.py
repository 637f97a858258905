"""The font of the formulas: STIX Two Math, cut down to the glyphs that formulas here may use.

`python -m rfguide._site font stix-two-math-latin-400-normal.woff2` writes `docs/assets/fonts/` anew; the source is
in the npm package @fontsource/stix-two-math 5.3.0 (SIL Open Font License 1.1). A test holds every character
of every page's formulas against the font.
"""

from pathlib import Path

FONT = Path("docs/assets/fonts/stix-two-math-rfguide.woff2")

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
GREEK = "αβγδελμρστωΔΣ"
SIGNS = " 0123456789+−-=<>≤≥≠≈±·×/%()[]{}|⌊⌋⌈⌉∑∏√′″,.;:…⋯∈∪∩→⇒∞∣⋅"


def italic(letter: str) -> str:
    """Return the mathematical italic that a browser shows for `<mi>` with one letter.

    Examples:
        >>> from rfguide._site.font import italic
        >>> italic("k"), italic("h")
        ('𝑘', 'ℎ')
    """
    if letter == "h":
        return "\u210e"
    if letter in LETTERS:
        return chr(0x1D434 + LETTERS.index(letter))
    if "α" <= letter <= "ω":
        return chr(0x1D6FC + ord(letter) - ord("α"))
    if "Α" <= letter <= "Ω":
        return chr(0x1D6E2 + ord(letter) - ord("Α"))
    return letter


def characters() -> set[str]:
    """Return every character that formulas may use."""
    upright = set(LETTERS + GREEK + SIGNS)
    return upright | {italic(letter) for letter in upright}


def cut(source: Path, target: Path = FONT) -> None:
    """Write the part of the font that holds `characters()`, with the glyphs that stretch and its MATH table."""
    from fontTools import subset

    options = subset.Options(flavor="woff2", layout_features=["*"], hinting=False, desubroutinize=True)
    font = subset.load_font(str(source), options)
    worker = subset.Subsetter(options)
    worker.populate(unicodes=[ord(character) for character in characters()])
    worker.subset(font)
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(target), options)
