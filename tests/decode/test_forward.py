"""The own forward against transformers' modules in float32, token by token, for every family that it serves."""

import numpy as np
import pytest
import torch

from cope_demo.decode.attention import TorchPool
from cope_demo.decode.forward import FAMILIES, ROTARY, Forward
from cope_demo.decode.sequences import Piece, Sequence, assemble
from cope_demo.model.products import HeadProduct, Nf4Product
from tests import tiny

CPU = torch.device("cpu")
LENGTH = 40
TOLERANCE = {"numba": 0.01, "torch": 5e-4}
"""Nats, by pool: one keeps keys and values in 16 bits, the other in float32."""
LLAMA3 = dict(factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(factor=4.0, original_max_position_embeddings=16)
BUILT = {
    "llama": ("llama", {}),
    "llama with biases": ("llama", dict(attention_bias=True, mlp_bias=True)),
    "llama, a head of its own for each query": ("llama", dict(num_key_value_heads=4)),
    "llama, a head that is the embeddings": ("llama", dict(tie_word_embeddings=True)),
    "linear": ("llama", dict(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0))),
    "llama3": ("llama", dict(rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, **LLAMA3))),
    "yarn": ("qwen2", dict(rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, **YARN))),
    "mistral": ("mistral", dict(sliding_window=None)),
    "mistral with a window": ("mistral", dict(sliding_window=12)),
    "qwen2": ("qwen2", {}),
    "qwen2 with a window in its second layer": (
        "qwen2", dict(use_sliding_window=True, sliding_window=12, max_window_layers=1)
    ),
    "qwen3": ("qwen3", {}),
    "gemma": ("gemma", dict(tie_word_embeddings=True, hidden_activation="gelu_pytorch_tanh")),
}  # fmt: skip
READINGS = {"whole": [LENGTH], "in pieces": [5, 1, 17, 2, LENGTH - 25], "by token": [1] * LENGTH}


@pytest.fixture(scope="module")
def built():
    """kind -> the model's forward, its float32 twin and the twin's log-probabilities (LENGTH, V) of TEXT."""
    made = {}

    def make(kind):
        if kind not in made:
            family, settings = BUILT[kind]
            base, twin = tiny.make_base(family, **settings)
            made[kind] = Forward(base.model, torch.float32), twin, read_exactly(twin, TEXT)
        return made[kind]

    return make


TEXT = torch.randint(10, 300, (LENGTH,), generator=torch.Generator().manual_seed(3)).tolist()


@torch.no_grad()
def read_exactly(twin, text):
    return twin(torch.tensor([text])).logits[0].log_softmax(-1)


def make_pool(forward, kind, places=4 * LENGTH):
    if kind == "numba":
        return forward.make_pool(places)
    return TorchPool(len(forward.layers), places, forward.layers[0].heads, CPU, torch.float32)


def make_sequences(count, worn=()):
    """Their places are scattered over the pool."""
    places = np.random.default_rng(0).permutation(4 * LENGTH)[: count * LENGTH].astype(np.int32).reshape(count, -1)
    return [Sequence(worn, mine) for mine in places]


def read(forward, pool, texts, counts, worn=((),)):
    """Log-probabilities of each text's tokens, read side by side in pieces of `counts`."""
    sequences, found = make_sequences(len(texts)), [[] for _ in texts]
    for sequence, text, own in zip(sequences, texts, worn * len(texts), strict=False):
        sequence.pending, sequence.worn = list(text), own
    for count in counts:
        pieces = [Piece(one, min(count, len(one.pending)), min(count, len(one.pending))) for one in sequences]
        pieces = [piece for piece in pieces if piece.count]
        step = assemble(pieces, CPU)
        logits = forward.run(step.ids, step.worn, step.layout, pool, step.wanted)
        for piece, part in zip(pieces, logits.split([piece.wanted for piece in pieces]), strict=True):
            found[sequences.index(piece.sequence)].append(part.log_softmax(-1))
    return [torch.cat(parts) for parts in found]


@pytest.mark.parametrize("pool", TOLERANCE)
@pytest.mark.parametrize("kind", BUILT)
def test_it_equals_the_model_s_own_modules(built, kind, pool):
    forward, _, exact = built(kind)
    assert type(forward.layers[0].qkv) is Nf4Product and type(forward.head) is HeadProduct
    for counts in READINGS.values():
        (logps,) = read(forward, make_pool(forward, pool), [TEXT], counts)
        assert (logps - exact).abs().max() < TOLERANCE[pool]


def test_every_family_and_every_kind_of_positions_is_among_them():
    assert {family for family, _ in BUILT.values()} == set(FAMILIES)
    kinds = {settings.get("rope_parameters", {}).get("rope_type", "default") for _, settings in BUILT.values()}
    assert kinds == set(ROTARY)


@pytest.mark.parametrize(
    "other", ["llama3", "yarn", "linear", "mistral with a window", "qwen2 with a window in its second layer"]
)
def test_the_kinds_differ_by_far_more_than_the_tolerance(built, other):
    """Or the comparison would not notice a forward that does not know them."""
    family, settings = BUILT[other]
    left_out = {"rope_parameters", "use_sliding_window", "sliding_window"}
    plain = {name: value for name, value in settings.items() if name not in left_out}
    _, twin = (
        tiny.make_base(family, sliding_window=None, **plain) if family != "llama" else tiny.make_base(family, **plain)
    )
    assert (read_exactly(twin, TEXT) - built(other)[2]).abs().max() > 20 * TOLERANCE["numba"]


@pytest.mark.parametrize("pool", TOLERANCE)
def test_texts_of_any_length_and_adapters_stand_side_by_side(built, pool):
    """Three texts in one batch, of three people, one of whom wears two adapters."""
    forward, twin, _ = built("llama with biases")
    one, two = tiny.make_lora(forward.model, 1), tiny.make_lora(forward.model, 2, rank=11, names="q_proj,down_proj")
    find = forward.adapters.find
    texts, worn = [TEXT, TEXT[7:30], TEXT[:3]], ((*find(one), *find(two)), (), find(two))
    exact = [
        read_exactly(tiny.add_to(twin, *own), text) for own, text in zip(([one, two], [], [two]), texts, strict=True)
    ]
    assert (exact[0] - read_exactly(twin, TEXT)).abs().max() > 1
    for counts in READINGS.values():
        for logps, own in zip(read(forward, make_pool(forward, pool), texts, counts, worn), exact, strict=True):
            assert (logps - own).abs().max() < 2 * TOLERANCE[pool]


def test_only_the_wanted_rows_get_logits(built):
    forward, _, exact = built("llama")
    (sequence,) = make_sequences(1)
    sequence.pending = list(TEXT)
    step = assemble([Piece(sequence, LENGTH, 2)], CPU)
    logits = forward.run(step.ids, step.worn, step.layout, make_pool(forward, "numba"), step.wanted)
    assert logits.dtype == torch.float32
    assert (logits.log_softmax(-1) - exact[-2:]).abs().max() < TOLERANCE["numba"]


OTHERWISE = {
    "phi": ({}, "its family is phi"),
    "gpt_neox": ({}, "its family is gpt_neox"),
    "llama": (dict(rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)), "of the kind dynamic"),
}


@pytest.mark.parametrize("family", OTHERWISE)
def test_what_is_built_otherwise_is_refused(family):
    settings, why = OTHERWISE[family]
    base, _ = tiny.make_base(family, **settings)
    with pytest.raises(ValueError, match=why):
        Forward(base.model, torch.float32)


@pytest.mark.parametrize("where", ["", "model", "model.layers.1", "model.layers.0.self_attn", "model.layers.0.mlp"])
def test_a_part_that_it_does_not_know_is_refused(where):
    base, _ = tiny.make_base()
    base.model.get_submodule(where).add_module("gate", torch.nn.Identity())
    with pytest.raises(ValueError, match=f"it has gate in {where or 'the model'}"):
        Forward(base.model, torch.float32)
