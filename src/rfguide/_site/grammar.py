"""What a verified page may say: one grammar for the tests, the site and the author's tool.

`parse` reads Markdown into `Page`, whose parts carry the line they stand on. Whatever looks like
part of the grammar and is not, is an error that names the page and the line: a fence or a comment
that is silently passed over is a place where a page could lie.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """Something a page says that does not hold, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class PageError(Exception):
    """A page that says something that does not hold; one line a problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Part:
    """A stretch of the page's text, `text[start:end]`, that begins on `line`."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Fence(Part):
    """A fenced block: its info string, its text without the indent, why it is not run (if so)."""

    indent: str
    info: str
    text: str
    skip: str | None


@dataclass(frozen=True)
class Comment(Part):
    """A comment of the grammar: `<!-- kind: text -->`; `blocks` python fences are above it."""

    kind: str
    text: str
    indent: str
    blocks: int


@dataclass(frozen=True)
class Number(Part):
    """`shown<!--= expression -->`; the part is the comment, `shown` the text of its line before it."""

    shown: str
    expression: str
    blocks: int


@dataclass(frozen=True)
class Math(Part):
    """A formula between dollars; `call` is the function that it must equal, if it says so."""

    latex: str
    inline: bool
    indent: str
    call: str | None
    skip: str | None


@dataclass(frozen=True)
class Heading(Part):
    """A heading and its `{#id}`."""

    level: int
    title: str
    id: str | None


@dataclass(frozen=True)
class Link(Part):
    """The target of a link or picture."""

    target: str


@dataclass
class Block:
    """A python fence, the fence with what it prints, and the figures that it draws."""

    code: Fence
    output: Fence | None = None
    figures: list[Comment] = field(default_factory=list)


@dataclass
class Page:
    """A page, read."""

    path: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    maths: list[Math] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    root: Path = Path()  # the folder that `path` starts from

    @property
    def in_site(self) -> bool:
        """Whether it is a page of the site; a README has no heading ids."""
        return "docs" in Path(self.path).parts


OUTPUTS = ("text", "markdown")  # a markdown fence is what a block prints, shown as Markdown (a table, say)
KINDS = ("figure", "formula", "skip", "explorer")

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")
HEADING = re.compile(r"^(?P<marks>#{1,6})\s+(?P<title>.*?)(?:\s*\{\s*#(?P<id>[\w-]+)\s*\})?\s*$")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
COMMENT = re.compile(r"<!--(?P<body>.*?)-->")
DIRECTIVE = re.compile(rf"^\s*(?P<kind>{'|'.join(KINDS)}):\s*(?P<text>.*?)\s*$")
DISPLAY = re.compile(r"^(?P<indent>\s*)\$\$(?P<latex>.*)$")
# A dollar opens before a non-space, closes after one, and stands before no digit when it closes (a price does).
INLINE = re.compile(r"(?<![\\$])\$(?=[^\s$])(?P<latex>(?:[^$]*[^\s$\\])?)\$(?![$0-9])")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)[^)]*\)")
UNDERLINE = re.compile(r"^(=+|-+)\s*$")


def read(path: Path, root: Path | None = None) -> Page:
    """Read the page at `path`; problems call it by its path from `root`."""
    name = path.resolve().relative_to(root.resolve()) if root else path
    return parse(path.read_text(encoding="utf-8"), name.as_posix(), root or Path())


def parse(text: str, path: str, root: Path = Path()) -> Page:
    """Read a page's text; what breaks the grammar is in the page's `problems`."""
    page = Page(path, text, root=root)
    _Reader(page).read()
    return page


def _masked(line: str) -> str:
    """Return the line with its code spans blanked out, the other text in place."""
    return CODE_SPAN.sub(lambda span: " " * len(span[0]), line)


class _Reader:
    """Walks over a page line by line; knows what the lines above have left open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines = page.text.splitlines(keepends=True)
        self.offsets = [0]
        for line in self.lines:
            self.offsets.append(self.offsets[-1] + len(line))
        self.skip: Comment | None = None  # a `skip: next` that waits for what it skips
        self.formula: Comment | None = None  # a `formula:` that waits for its $$
        self.expecting_output = False  # only blank lines since the last python fence

    def problem(self, index: int, message: str) -> None:
        self.page.problems.append(Problem(self.page.path, index + 1, message))

    def read(self) -> None:
        index = self._after_front_matter()
        while index < len(self.lines):
            line = self.lines[index].rstrip("\r\n")
            if opening := FENCE.match(line):
                index = self._fence(index, opening)
            elif (display := DISPLAY.match(_masked(line))) and not INLINE.match(line.strip()):
                index = self._display(index, display)
            else:
                self._prose(index, line)
                index += 1
        self._nothing_waits(index - 1)

    def _after_front_matter(self) -> int:
        if self.lines and self.lines[0].rstrip() == "---":
            for index, line in enumerate(self.lines[1:], 1):
                if line.rstrip() == "---":
                    return index + 1
        return 0

    def _nothing_waits(self, index: int) -> None:
        if self.skip:
            self.problem(self.skip.line - 1, "skip: next, but no fence and no formula follows")
            self.skip = None
        if self.formula:
            self.problem(self.formula.line - 1, "formula: but no $$ … $$ follows")
            self.formula = None

    def _take_skip(self) -> str | None:
        skip, self.skip = self.skip, None
        return skip.text if skip else None

    def _fence(self, index: int, opening: re.Match[str]) -> int:
        indent, ticks, info = opening["indent"], opening["ticks"], opening["info"].strip()
        if self.formula:
            self._nothing_waits(index)
        body: list[str] = []
        last = index + 1
        while last < len(self.lines):
            line = self.lines[last].rstrip("\r\n")
            closing = FENCE.match(line)
            if closing and closing["ticks"].startswith(ticks) and not closing["info"].strip():
                break
            body.append(line.removeprefix(indent) if line.startswith(indent) else line.lstrip())
            last += 1
        else:
            self.problem(index, f"the fence {ticks}{info} is never closed")
        end = min(last + 1, len(self.lines))
        text = "".join(f"{line}\n" for line in body)
        fence = Fence(index + 1, self.offsets[index], self.offsets[end], indent, info, text, self._take_skip())
        self.page.fences.append(fence)
        self._place(index, fence)
        return end

    def _place(self, index: int, fence: Fence) -> None:
        expected, self.expecting_output = self.expecting_output, False
        if fence.skip is not None:
            return
        if fence.info == "python":
            self.page.blocks.append(Block(fence))
            self.expecting_output = True
        elif fence.info in OUTPUTS and expected:
            self.page.blocks[-1].output = fence
        elif fence.info in OUTPUTS:
            self.problem(
                index,
                f"a ```{fence.info} fence stands right after the ```python fence that prints it; "
                "this one follows none (or write <!-- skip: next, reason --> above it)",
            )
        else:
            self.problem(
                index,
                f"the fence ```{fence.info} would not be run: the info string must be exactly python or text "
                "(or write <!-- skip: next, reason --> above it)",
            )

    def _display(self, index: int, opening: re.Match[str]) -> int:
        self.expecting_output = False
        lines = [self.lines[index].strip()[2:]]
        last = index
        while not lines[-1].rstrip().endswith("$$"):
            last += 1
            if last == len(self.lines) or not self.lines[last].strip():
                self.problem(index, "the formula $$ is never closed")
                break
            lines.append(self.lines[last])
        latex = "".join(lines).rstrip().removesuffix("$$").strip()
        formula, self.formula = self.formula, None
        skip = self._take_skip()
        end = min(last + 1, len(self.lines))
        if formula is None and skip is None and self.page.in_site:
            self.problem(
                index,
                "a displayed formula needs <!-- formula: name(symbols) --> above it (or <!-- skip: next, reason -->)",
            )
        self.page.maths.append(
            Math(
                index + 1,
                self.offsets[index],
                self.offsets[end],
                latex,
                False,
                opening["indent"],
                formula.text if formula else None,
                skip,
            )
        )
        return end

    def _prose(self, index: int, line: str) -> None:
        start = self.offsets[index]
        masked = _masked(line)
        if masked.strip():
            self.expecting_output = False
        comments = list(COMMENT.finditer(masked))
        if "<!--" in COMMENT.sub("", masked):
            self.problem(index, "a comment must end on the line it begins on")
        inline: dict[int, str] = {}  # where an inline formula ends -> the function it must equal
        for comment in comments:
            self._comment(index, line, comment, inline)
        if masked.strip() and not comments:
            self._nothing_waits(index)
        without = COMMENT.sub(lambda comment: " " * len(comment[0]), masked)
        for math in INLINE.finditer(without):
            call = inline.pop(math.end(), None)
            self.page.maths.append(
                Math(index + 1, start + math.start(), start + math.end(), math["latex"], True, "", call, None)
            )
        for end in inline:
            self.problem(index, f"formula: {inline[end]} must follow $…$ directly, or stand alone above $$ … $$")
        if re.search(r"(?<!\\)\$", INLINE.sub("", without)):
            self.problem(index, "a $ that opens or closes no formula (write \\$ for the sign itself)")
        for link in LINK.finditer(without):
            self.page.links.append(
                Link(index + 1, start + link.start("target"), start + link.end("target"), link["target"])
            )
        self._heading(index, line)

    def _comment(self, index: int, line: str, comment: re.Match[str], inline: dict[int, str]) -> None:
        line_start = self.offsets[index]
        body = line[comment.start("body") : comment.end("body")]
        start, end = line_start + comment.start(), line_start + comment.end()
        blocks = len(self.page.blocks)
        if body.startswith("="):
            shown = COMMENT.sub("", line[: comment.start()])
            self.page.numbers.append(Number(index + 1, start, end, shown, body[1:].strip(), blocks))
            return
        directive = DIRECTIVE.match(body)
        if not directive:
            self.problem(index, f"unknown comment <!--{body}-->; it may be {', '.join(KINDS)}: … or = expression")
            return
        kind, text = directive["kind"], directive["text"]
        alone = line.strip() == comment[0]
        indent = line[: len(line) - len(line.lstrip())]
        part = Comment(index + 1, start, end, kind, text, indent, blocks)
        self.page.comments.append(part)
        if kind == "formula" and not alone:
            inline[comment.start()] = text
        elif not alone:
            self.problem(index, f"<!-- {kind}: … --> must stand alone on its line")
        elif kind == "formula":
            self._nothing_waits(index)
            self.formula = part
        elif kind == "skip":
            word, _, reason = text.partition(",")
            if word.strip() != "next" or not reason.strip():
                self.problem(index, "write <!-- skip: next, reason -->, with the reason")
            self.skip = Comment(part.line, start, end, kind, reason.strip() or text, indent, blocks)
        elif kind == "figure":
            if not text:
                self.problem(index, "a figure needs an alt text: what does the picture show?")
            if self.page.blocks:
                self.page.blocks[-1].figures.append(part)
            else:
                self.problem(index, "figure: no block above draws it")

    def _heading(self, index: int, line: str) -> None:
        if heading := HEADING.match(line):
            start = self.offsets[index]
            part = Heading(index + 1, start, start + len(line), len(heading["marks"]), heading["title"], heading["id"])
            self.page.headings.append(part)
            if part.id is None and self.page.in_site:
                self.problem(index, f"the heading {part.title!r} needs an id of its own: ## {part.title} {{#id}}")
        elif UNDERLINE.match(line) and index and self.lines[index - 1].strip() and self.page.in_site:
            self.problem(index, "a heading is written with # marks and {#id}; a rule has a blank line above it")
