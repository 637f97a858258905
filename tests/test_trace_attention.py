"""Attention of which a query, a key or a value depends on no input: decoders with queries of their own, pooling."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import rfguide

SIZE = (1, 8, 3, 4)


class Fn(nn.Module):
    """A function as a model; patches become tokens first."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x.flatten(2).mT, *self.parts)


def constant(*shape):
    return torch.linspace(-1, 1, 400)[: torch.Size(shape).numel()].reshape(shape)


def heads(x):
    return x.unflatten(2, (2, 4)).transpose(1, 2)


def decoder():
    return nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)


SDPA = F.scaled_dot_product_attention
EVERY, OWN = ((0, 2), (0, 3)), ((1, 1), (2, 2))
CASES = {  # the function, its modules, units of the result, what the last of them sees where it is not everything
    "queries": (lambda x: SDPA(constant(1, 2, 5, 4), heads(x), heads(x)), (), 5),
    "queries by name": (lambda x: SDPA(query=constant(1, 2, 5, 4), key=heads(x), value=heads(x)), (), 5),
    "queries on the input's device": (lambda x: SDPA(constant(1, 2, 5, 4).to(x.device), heads(x), heads(x)), (), 5),
    "keys": (lambda x: SDPA(heads(x), constant(1, 2, 12, 4), heads(x)), (), 12),
    "values": (lambda x: SDPA(heads(x), heads(x), constant(1, 2, 12, 4)), (), 12),
    "a module, weights asked for": (lambda x, m: m(constant(1, 5, 8), x, x)[0], "attention", 5),
    "a module": (lambda x, m: m(constant(1, 5, 8), x, x, need_weights=False)[0], "attention", 5),
    "DETR": (lambda x, m: m(torch.zeros(1, 5, 8) + constant(5, 8), x), "decoder", 5),
    "DETR on the input's device": (lambda x, m: m(torch.zeros(1, 5, 8, device=x.device), x), "decoder", 5),
}
MODULES = {"attention": lambda: nn.MultiheadAttention(8, 2, batch_first=True), "decoder": decoder}


@pytest.mark.parametrize("case", CASES)
def test_what_depends_on_no_input_may_ask_and_be_asked(case):
    function, kind, count = CASES[case]
    torch.manual_seed(0)
    model = Fn(function, *([MODULES[kind]()] if kind else [])).eval()
    t = rfguide.trace(model, SIZE)
    assert t.output.units == (count,)
    assert t.output.visible(count - 1) == EVERY
    assert rfguide.check(model, SIZE, samples=12).agrees


@pytest.mark.parametrize("module", [False, True])
def test_tokens_that_ask_a_constant_see_themselves(module):
    def ask(x, *attention):
        memory = constant(1, 6, 8)
        return attention[0](x, memory, memory)[0] if module else SDPA(heads(x), heads(memory), heads(memory))

    t = rfguide.trace(Fn(ask, *([MODULES["attention"]()] if module else [])).eval(), SIZE)
    assert t.output.units == (12,)
    assert t.output.visible(6) == OWN


def test_a_mask_keeps_its_values_beside_queries_without():
    mask = torch.ones(3, 12, dtype=torch.bool).tril()
    t = rfguide.trace(Fn(lambda x: SDPA(constant(1, 2, 3, 4), heads(x), heads(x), attn_mask=mask)), SIZE)
    assert [t.output.visible(i) for i in range(3)] == [((0, 0), (0, i)) for i in range(3)]


class LooksForPadding(nn.Module):
    """Asks whether there is padding among the tokens unless a mask says so, as language models do."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, input_ids, attention_mask=None):
        if attention_mask is None and 0 in input_ids[:, [-1, 0]]:
            raise ValueError
        return self.table(input_ids)


def test_the_refusal_of_a_look_for_padding_names_the_mask():
    ids = torch.ones(1, 6, dtype=torch.long)
    with pytest.raises(rfguide.TraceError, match="attention_mask"):
        rfguide.trace(LooksForPadding(), {"input_ids": ids})
    t = rfguide.trace(LooksForPadding(), {"input_ids": ids, "attention_mask": ids})
    assert t.output.visible(3) == ((3, 3),)
