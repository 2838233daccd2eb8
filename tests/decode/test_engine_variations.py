"""What the paper's decoding is compared with: a scaled adapter, and an amateur with a prompt of its own."""

from dataclasses import replace

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS
from cope_demo.errors import CopeError
from tests import tiny
from tests.decode.naive import CONFIG, PROMPT, check_against_naive, check_same_up_to_ties, ids, run
from tests.decode.together import Ask, check_same, make_person, make_prompt, run_together
from tests.decode.together import run as run_ask

SHORT, LONG = "Hi", "The ferry was late. The swan ate the soup.\n\n" + PROMPT


def test_a_scaled_adapter_is_oppu_at_one_and_base_at_zero(loaded):
    """At another scale it writes what the naive way writes, which follows the default at each alpha."""
    for scale, method in ((1.0, "oppu"), (0.0, "greedy")):
        columns = run(loaded, ("oppu-scaled", method), replace(CONFIG, scale=scale))
        assert ids(columns["oppu-scaled"]) == ids(columns[method])
    config = replace(CONFIG, alpha=0.6)
    assert config.lora_scale == pytest.approx(2.5)
    columns = run(loaded, ("oppu", "oppu-scaled"), config)
    check_against_naive(loaded, "oppu-scaled", config, columns["oppu-scaled"].tokens)
    assert ids(columns["oppu"]) != ids(columns["oppu-scaled"])
    assert ids(run(loaded, ("oppu-scaled",))["oppu-scaled"]) != ids(columns["oppu-scaled"])  # at alpha 0.3


@pytest.mark.parametrize(
    ("change", "said"), [({"alpha": 1.0}, "name the scale, or an alpha below 1"), ({"scale": -1.0}, "scale")]
)
def test_a_scale_that_is_none_is_refused(loaded, change, said):
    with pytest.raises(CopeError, match=said):
        run(loaded, ("oppu-scaled",), replace(CONFIG, **change))


@pytest.mark.parametrize(("prompt", "amateur"), [(LONG, SHORT), (SHORT, LONG)])
def test_an_amateur_with_another_prompt_is_as_in_the_naive_way(loaded, prompt, amateur):
    """Whichever is longer; the first tokens may be given, and without a trace the same is written."""
    methods = ("cope+retrieval", "cope", "greedy")
    columns = run(loaded, methods, CONFIG, prompt, amateur=amateur)
    for method, column in columns.items():
        check_against_naive(loaded, method, CONFIG, column.tokens, prompt, amateur_prompt=amateur)
    check_same_up_to_ties(columns["cope+retrieval"], columns["cope"])
    assert ids(columns["cope"]) != ids(run(loaded, ("cope",), CONFIG, prompt)["cope"])
    written = ids(columns["cope"])[:3]
    rest = run(loaded, ("cope",), CONFIG, prompt, written, amateur)["cope"]
    assert written[:-1] + ids(rest) == ids(columns["cope"])
    own, other = ([loaded.base.prompt_ids(text)] for text in (prompt, amateur))
    (text,) = loaded.engine.write(own, "cope", loaded.bank, CONFIG, amateur_prompts=other)
    assert text == ids(columns["cope"])


@pytest.mark.parametrize("lengths", [(30, 9), (9, 30), (1, 20), (20, 1)])
def test_prompts_of_any_lengths_are_decoded_alike_by_both_decoders(monkeypatch, lengths):
    base, _ = tiny.make_base("qwen3")
    base.__dict__["end_ids"] = frozenset()
    engine, person = Engine(base), make_person(base, 1, tam=True)
    own, other = (make_prompt(length, length) for length in lengths)
    ask = Ask(own, COLUMNS, person, DecodeConfig(alpha=0.4, max_new_tokens=6), amateur=other)
    shared = run_ask(engine, ask)
    assert engine.shared.free_places() == engine.shared.places
    prompts = [own, other], [other, own]
    written = engine.write(prompts[0], "cope", person, ask.config, amateur_prompts=prompts[1])
    monkeypatch.setattr(engine, "shared", None)
    check_same(run_ask(engine, ask), shared, ask.config)
    assert engine.write(prompts[0], "cope", person, ask.config, amateur_prompts=prompts[1]) == written


def test_prompts_of_different_lengths_are_read_in_pieces_while_others_write():
    base, _ = tiny.make_base()
    base.__dict__["end_ids"] = frozenset()
    engine, person = Engine(base), make_person(base, 0)
    config = DecodeConfig(max_new_tokens=8)
    asks = [Ask(make_prompt(150, n), ("cope",), person, config, amateur=make_prompt(40, 9 + n)) for n in range(3)]
    asks += [replace(ask, prompt=ask.amateur, amateur=ask.prompt) for ask in asks] + [
        Ask(make_prompt(5), COLUMNS, person)
    ]
    alone = [run_ask(engine, ask) for ask in asks]
    engine.shared._piece = 32
    together = run_together(engine, [lambda ask=ask: run_ask(engine, ask) for ask in asks])
    for ask, one, other in zip(asks, alone, together, strict=True):
        check_same(one, other, ask.config)


def test_an_amateurs_prompt_beyond_the_context_is_refused(loaded):
    with pytest.raises(CopeError, match="too long"):
        run(loaded, ("cope",), amateur="the ferry " * 400)
