"""The page "Other tools": its rows, its counts, and our column, which the page computes, all right."""

import re
from pathlib import Path

import pytest

from peer_nets import PEERS
from rfguide._site.grammar import COMMENT, read

DOCS = Path(__file__).parents[1] / "docs"
MARKS = re.compile(r"✓|!|–|✗&nbsp;.+")


@pytest.fixture(params=["en", "zh"])
def page(request):
    return read(DOCS / request.param / "guides" / "other-tools.md")


def rows(page) -> list[list[str]]:
    """Return the cells of the big table, its head first."""
    lines = [line for line in page.text.splitlines() if line.startswith("| ") and line.count("|") == 11]
    return [
        [cell.strip() for cell in COMMENT.sub("", line).strip("|").split("|")] for line in lines if "---" not in line
    ]


def test_every_net_has_the_right_value_and_ours_and_seven_answers(page):
    for _, right, ours, *others in rows(page)[1:-1]:
        assert ours == right
        assert all(MARKS.fullmatch(answer) for answer in others)


def test_its_nets_are_those_that_the_tests_build_with_the_same_right_values(page):
    found = [re.findall(r"\d+|all", right) for _, right, *_ in rows(page)[1:-1]]
    assert len(found) == len(PEERS) == 22
    for numbers, peer in zip(found, PEERS, strict=True):
        right = {"all"} if peer.right == "whole" else set(map(str, peer.right))
        assert right <= set(numbers), peer.title


def test_our_column_is_computed_by_the_page(page):
    expressions = [number.expression for number in page.numbers if number.expression.startswith("found[")]
    assert len(set(expressions)) == len(expressions) == 22


def test_the_last_row_counts_the_right_answers_of_each_column(page):
    _, *nets, counts = rows(page)
    for column, count in enumerate(counts[3:], 3):
        assert int(count.strip("*")) == sum(net[column] == "✓" for net in nets)
    assert counts[2] == f"**{len(nets)}**"


def test_the_probe_agrees_on_every_net(page):
    (output,) = (block.output.text for block in page.blocks if "found[name] =" in block.code.text)
    assert output.count("agrees, measured") == 22
    assert "DIFFERS" not in output
