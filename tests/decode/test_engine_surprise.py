"""How surprising a given text is to base, and that nobody's stream waits for it."""

import math

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode import shared_pass
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS
from cope_demo.model.adapters import TAM, Lora
from tests import tiny
from tests.decode.together import Ask, make_person, make_prompt, run, watch_steps

TEXT = "the ferry was late, and the soup — was cold…"


@pytest.fixture(scope="module")
def made():
    return tiny.make_base()


@pytest.mark.parametrize("general", [False, True])
def test_the_bits_are_those_of_base_and_the_pieces_join_to_the_text(made, general):
    base, twin = made
    engine = Engine(base)
    if general:
        engine.shared = None
    prompt, text = make_prompt(20), base.text_ids(TEXT)
    found = engine.surprise(prompt, text)
    assert "".join(piece for piece, _ in found) == TEXT
    with torch.no_grad():
        logps = twin(torch.tensor([prompt + text])).logits[0].log_softmax(-1)
    for number, (token, (_, bits)) in enumerate(zip(text, found, strict=True)):
        assert bits == pytest.approx(-float(logps[len(prompt) + number - 1, token]) / math.log(2), abs=0.01)


def test_a_task_adapter_is_part_of_base(made):
    base, _ = made
    engine, prompt, text = Engine(base), make_prompt(8), base.text_ids(TEXT)
    bank = make_person(base, 1, tam=True)
    none = type(bank)({TAM: Lora({}, 0)}, base.dtype, base.device)
    bare, adapted = engine.surprise(prompt, text, none), engine.surprise(prompt, text, bank)
    assert bare == engine.surprise(prompt, text) and adapted != bare


def test_while_others_write_it_reads_little_at_a_time(made, monkeypatch):
    base, _ = made
    engine, asked = Engine(base), []
    monkeypatch.setattr(engine.shared, "_piece", shared_pass.PIECE)
    monkeypatch.setattr(engine.shared, "_learn", lambda *spent: None)

    def ask(number):
        if number == 2:
            text = make_prompt(200, 1)
            outbox = shared_pass.Outbox()
            work = shared_pass.Scoring(
                make_prompt(8),
                text,
                [()],
                make_person(base, 0),
                outbox,
                lambda logits: logits.argmax(-1).tolist(),
                True,
            )
            asked.append(outbox)
            engine.shared.submit([work])

    seen = watch_steps(monkeypatch, engine, ask)
    config = DecodeConfig(max_new_tokens=20)
    columns = run(engine, Ask(make_prompt(8), COLUMNS, make_person(base, 0), config))
    assert all(len(column.tokens) == 20 or column.stopped == "eos" for column in columns.values())
    assert asked and max(step.rows for step in seen[3:20]) <= 6 + shared_pass.LEAST
    assert max(step.rows for step in seen[3:6]) > 6  # and yet it reads
