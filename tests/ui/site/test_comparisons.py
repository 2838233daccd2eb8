"""The saved comparisons: whole, decided by their own numbers, and what the decoder says today, up to near ties."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.winner import TOLERANCE, contrast_winner
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from cope_demo.texts.tasks import find_task
from cope_demo.ui.site import comparisons
from tests.scripted import messages

CARDS = Store().samples()
NAMES = [name for card in CARDS for name in comparisons.list_names(card)]


def read_columns(name: str) -> dict[str, list[list]]:
    """The rows of each column of a saved comparison (wire.py)."""
    sent = messages(comparisons.read_comparison(name).lines)
    rows = [row for message in sent if message["t"] == "tokens" for row in message["rows"]]
    return {method: [row for row in rows if row[0] == method] for method in COLUMNS}


def test_there_is_one_for_every_prompt_and_none_besides():
    assert sorted(path.stem for path in comparisons.FOLDER.iterdir()) == sorted(NAMES)
    sizes = [path.stat().st_size for path in comparisons.FOLDER.iterdir()]
    assert max(sizes) < 100_000 and sum(sizes) < 1_000_000
    for card in CARDS:
        task = find_task(card.task)
        for name, prompt in zip(comparisons.list_names(card), card.prompts, strict=True):
            saved = comparisons.read_comparison(name)
            header = saved.header
            assert (header["user"], header["task"], header["prompt"]) == (card.id, card.task, prompt)
            assert header["repetition_penalty"] == task.repetition_penalty and saved.methods == COLUMNS
            assert (header["alpha"], header["tau"]) == (DecodeConfig.alpha, DecodeConfig.tau)
            columns = read_columns(name)
            assert all(5 < len(rows) <= saved.decoding["max_new_tokens"] for rows in columns.values())
            assert len({"".join(row[3] for row in rows) for rows in columns.values()}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_every_token_is_what_its_own_numbers_choose(name):
    header = comparisons.read_comparison(name).header
    for method, rows in read_columns(name).items():
        alpha = header["alpha"] if METHODS[method].contrasts else 0.0
        tau = header["tau"] if METHODS[method].contrasts else 0.0
        for number, (_, index, token, _, _, _, score, *_, others) in enumerate(rows):
            assert index == number
            # What the driver thinks of each alternative after the repetition penalty, from the score that decided.
            drivers = [other[4] + alpha * other[3] for other in others]
            written = [other[0] for other in others].index(token)
            bases = [other[3] for other in others]
            assert contrast_winner(drivers, bases, alpha, tau, written) == written, (method, index)
            assert others[written][4] == pytest.approx(score, abs=TOLERANCE)


def test_a_comparison_comes_back_as_it_was_saved(service, tmp_path, monkeypatch):
    config = DecodeConfig(max_new_tokens=8)
    *_, trace = service.compare("ada", "Why ${1} \u2028 </script>?", config)
    text = comparisons.format_comparison(trace, config)
    assert text.isascii() and "<" not in text
    monkeypatch.setattr(comparisons, "FOLDER", tmp_path)
    (tmp_path / "ada-1.jsonl").write_text(text)
    saved = comparisons.read_comparison("ada-1")
    first, *rest = messages(saved.render("Ada"))
    assert (first["t"], first["who"], first["prompt"]) == ("start", "Ada", trace.prompt)
    assert first["decoding"] == {"max_new_tokens": 8, "temperature": 0.0, "seed": 0} and len(first["table"]) == 3
    assert [m["method"] for m in rest if m["t"] == "end"] == list(COLUMNS) and rest[-1]["t"] == "done"
    written = [row for message in rest if message["t"] == "tokens" for row in message["rows"]]
    assert [row[3] for row in written] == [t.text for column in trace.columns for t in column.tokens]


def test_todays_decoder_gives_the_saved_numbers():
    """One text of each user, scored in one pass: 4-bit weights in other arithmetic differ by hundredths of a nat."""
    service = Service()
    for card in CARDS:
        name = comparisons.list_names(card)[0]
        saved, rows = comparisons.read_comparison(name), read_columns(name)["cope"]
        trace = service.score(card.id, saved.header["prompt"], "".join(row[3] for row in rows))
        pairs = list(zip(rows, trace.columns[0].tokens, strict=False))  # without the end token, which is no text
        assert trace.prompt_ids == saved.header["prompt_ids"] and len(pairs) >= len(rows) - 1
        assert all(row[2] == token.id for row, token in pairs)
        apart = [abs(row[at] - new) for row, t in pairs for at, new in ((4, t.logp_user), (5, t.logp_base))]
        assert sum(apart) / len(apart) < 0.12 and max(apart) < 1.0, name
