"""What base finds surprising in texts that are not fitted yet."""

import pytest

from cope_demo.decode.engine import Engine
from cope_demo.service import surprise
from cope_demo.texts.tasks import Sample
from tests import tiny


@pytest.fixture(scope="module")
def engine():
    return Engine(tiny.make_base()[0])


def test_texts_come_one_by_one_bounded_and_with_an_instruction_that_gives_nothing_away(engine, monkeypatch):
    monkeypatch.setattr(surprise, "MAX_TOKENS", 12)
    asked, read = [], engine.surprise
    monkeypatch.setattr(engine, "surprise", lambda prompt, *rest: asked.append(prompt) or read(prompt, *rest))
    samples = [Sample("", "soup"), Sample("Write a title.", "rain " * 40), *[Sample("", f"tea {n}") for n in range(20)]]
    texts = surprise.measure_surprise(engine, samples, "free_writing")
    first = next(texts)
    assert len(asked) == 1 and "".join(piece for piece, _ in first.tokens) == "soup" and not first.cut
    assert all(bits >= 0 for _, bits in first.tokens)
    long = next(texts)
    assert long.cut and len(long.tokens) == 12
    assert len(list(texts)) == surprise.MAX_TEXTS - 2
    prompts = [engine.base.prompt_ids(text) for text in (surprise.INSTRUCTION, "Write a title.")]
    assert asked[:3] == [prompts[0], prompts[1], prompts[0]]
