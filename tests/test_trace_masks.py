"""Attention under masks of every make: each token sees exactly what real values show."""

import pytest
import torch
import torch.nn.functional as F

import rfguide
from op_cases import Fn
from random_ops import sample, wrongs

N = 5
CAUSAL = torch.ones(N, N).tril().bool()
HOLE = CAUSAL & (torch.arange(N) != 2)[:, None]  # row 2 is masked as a whole
LEAST = torch.finfo(torch.float32).min


def attend(change, after=lambda w: w):
    def forward(x):
        t = x.mT
        return after(change(t @ t.mT).softmax(-1)) @ t

    return Fn(forward)


def half(s):
    least = torch.zeros(N, N, dtype=torch.half).masked_fill(~CAUSAL, torch.finfo(torch.half).min)
    return (s.half() + least).float()


def bias(mask, fill):
    return torch.zeros(N, N).masked_fill(~mask, fill)


def put(s):
    s = s.clone()
    s[..., ~CAUSAL] = -1e9
    return s


EXACT = {
    "filled": attend(lambda s: s.masked_fill(~CAUSAL, LEAST)),
    "a row filled as a whole": attend(lambda s: s.masked_fill(~HOLE, LEAST)),
    "a row filled as a whole with infinity": attend(lambda s: s.masked_fill(~HOLE, -torch.inf)),
    "a row added to as a whole": attend(lambda s: s + bias(HOLE, -1e9)),
    "half precision": attend(half),
    "subtracted": attend(lambda s: s - bias(CAUSAL, 1e9)),
    "added negatively": attend(lambda s: torch.add(s, bias(CAUSAL, 1e9), alpha=-1)),
    "added, in place": attend(lambda s: s.add_(bias(CAUSAL, 1e9), alpha=-1)),
    "raised": attend(lambda s: torch.maximum(s + bias(CAUSAL, LEAST), torch.tensor(LEAST))),
    "clamped low": attend(lambda s: (s + bias(CAUSAL, -torch.inf)).clamp(min=LEAST)),
    "put": attend(put),
    "two masks": attend(lambda s: s.masked_fill(~CAUSAL, -torch.inf) + bias(torch.arange(N) > 0, -1e9)),
    "scaled afterwards": attend(lambda s: (s + bias(CAUSAL, -1e9)) / 8),
    "chosen, then a bias": attend(lambda s: torch.where(CAUSAL, s, LEAST).add_(torch.ones(N, N))),
    "clamped": attend(lambda s: s.masked_fill(~CAUSAL, -1e9).clamp_(-9, 9)),
    "negated": attend(lambda s: (s + bias(CAUSAL, -1e9)).neg_()),
    "set to 0": attend(lambda s: s.masked_fill(~CAUSAL, -1e9).mul_(0)),
    "rectified": attend(lambda s: (s + bias(CAUSAL, -1e9)).relu_() + s),
    "weights moved": attend(lambda s: s.masked_fill(~CAUSAL, -1e9), lambda w: w.add_(0.1)),
    "weights inverted": attend(lambda s: s.masked_fill(~CAUSAL, -1e9), lambda w: 1 / (w + 1)),
    "weights filled": attend(lambda s: s.masked_fill(~CAUSAL, LEAST), lambda w: w.masked_fill(~HOLE, 0.0)),
    "weights of the others": attend(lambda s: s.masked_fill(~CAUSAL, LEAST), lambda w: w.masked_fill(CAUSAL, 1.0)),
    "matrices alone": Fn(lambda x: ((x[0].mT @ x[0] + bias(CAUSAL, -1e9)).softmax(-1) @ x[0].mT)[None]),
}


@pytest.mark.parametrize("case", EXACT)
def test_each_token_sees_what_its_mask_leaves(case):
    x = sample((1, 2, N))
    narrow, wide = wrongs(EXACT[case], x, rfguide.trace(EXACT[case], x), (-3.7, 0.3, 11.0))
    assert narrow == []
    # What is 0 times a number, or clamped, is still what it was computed from.
    assert wide == [] or case in ("a row added to as a whole", "clamped", "negated", "set to 0", "rectified")


def test_a_write_through_a_view_ends_what_was_noted_of_its_base():
    def zeroed(s):
        s = s.masked_fill(~CAUSAL, -1e9)
        s.view(-1).zero_()
        return s

    m = rfguide.trace(attend(zeroed), (1, 2, N)).output
    assert m.visible(0 if len(m.units) == 1 else (0, 0)) == ((0, N - 1),)


LONG = 1100
LONG_MASKS = {
    "is_causal": Fn(lambda x: F.scaled_dot_product_attention(*[x.mT[:, None]] * 3, is_causal=True)),
    "added": Fn(
        lambda x: F.scaled_dot_product_attention(
            *[x.mT[:, None]] * 3, attn_mask=torch.full((LONG, LONG), -torch.inf).triu(1)
        )
    ),
    "compared": Fn(
        lambda x: F.scaled_dot_product_attention(
            *[x.mT[:, None]] * 3, attn_mask=torch.arange(LONG) <= torch.arange(LONG)[:, None]
        )
    ),
    "inverted": Fn(
        lambda x: F.scaled_dot_product_attention(
            *[x.mT[:, None]] * 3, attn_mask=(1 - torch.ones(LONG, LONG).tril()) * -1e9
        )
    ),
}


@pytest.mark.parametrize("case", LONG_MASKS)
def test_a_mask_for_many_tokens_keeps_its_values(case):
    m = rfguide.trace(LONG_MASKS[case], (1, 2, LONG)).output
    for unit in (0, 1, 500, LONG - 1):
        assert m.visible((0, unit)) == ((0, unit),)
