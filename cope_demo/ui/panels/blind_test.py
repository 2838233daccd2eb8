"""Who wrote it? One's own held-out text, base's and CoPe's to the same instruction, shuffled, to guess.

The held-out texts are those that the fit was checked on and never trained on. All three are cut to the same number of
words. The browser shuffles them; it can also make one file of the game, which needs no server and sends nothing.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent
from cope_demo.ui.component import ASSETS, mount_alone, panel, say
from cope_demo.ui.figures import shorten_text
from cope_demo.ui.settings import choose_task
from cope_demo.ui.streams import LOADING, wait_for_model
from cope_demo.ui.web.guard import explain_error

CSS = Path(__file__).with_name("blind_test.css")
NOTHING = say({"state": "none"})
DATA = "document.getElementById('data').textContent"
"""Where the saved file has what is shown."""
ROUNDS = 3
"""Texts to guess, at most; a fit holds out 4."""
WORDS = 32
"""Words of a text, at most."""
TOKENS_A_WORD = 2
"""Tokens that are written for each word to come."""

_PAGE = r"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Who wrote it?</title>
<style>
%(css)s
body { margin: 0; padding: clamp(16px, 4vw, 40px); background: var(--cope-paper); color: var(--cope-ink); font: 16px/1.55 var(--cope-sans); }
main { max-width: 860px; margin: 0 auto; }
</style>
</head>
<body>
<main id="view"><div class="cope cope-blind"></div></main>
<script type="application/json" id="data">%(data)s</script>
<script>
%(script)s
</script>
</body>
</html>
"""  # noqa: E501


def blind_panel() -> gr.HTML:
    """The panel; its event "begin" asks for `stream`."""
    return panel("blind", NOTHING, "blind_test", server_functions=[blind_page])


def offer(who: str) -> str:
    """The panel's value before the game. who: "you", or a first name."""
    return say({"state": "ready", "who": who, "run": secrets.token_hex(4)})


def blind_page(_: object = None) -> str:
    """The game as a page without data, which the browser puts in place of the JSON string "@data@"."""
    css = "\n".join(path.read_text("utf-8") for path in (ASSETS / "tokens.css", CSS))
    return _PAGE % {"css": css, "data": say("@data@"), "script": mount_alone("blind_test", DATA)}


def stream(service, user_id: str, who: str, run: str) -> Iterator[str]:
    """The panel's values while the game is written, one round after the other. It never raises.

    run: of the value that the game was asked for with; the browser draws no other.
    """
    facts, rounds = {"who": who, "run": run}, []
    try:
        for _ in wait_for_model(service):
            yield say({"state": "writing", "message": LOADING, "rounds": [], **facts})
        details = service.fit_details(user_id)
        pairs = [pair for pair in details["pairs"] if pair["part"] == "held_out"][:ROUNDS]
        for number, pair in enumerate(pairs, 1):
            said = f"Base and CoPe write round {number} of {len(pairs)}…"
            yield say({"state": "writing", "message": said, "rounds": rounds, **facts})
            rounds.append(_write_round(service, user_id, details["task"], pair))
        yield say({"state": "done", "rounds": rounds, **facts})
    except Exception as error:
        yield say({"state": "problem", "message": explain_error(error), "rounds": rounds, **facts})


def _write_round(service, user_id: str, task: str, pair: dict) -> dict:
    """{"prompt", "texts": {"own", "base", "cope"}}, the texts cut to equally many words."""
    own = pair["chosen"].split()[:WORDS]
    length = TOKENS_A_WORD * max(8, len(own))
    config = DecodeConfig(repetition_penalty=choose_task(task).repetition_penalty, max_new_tokens=length)
    columns = {"greedy": Column("greedy"), "cope": Column("cope")}
    for item in service.compare(user_id, pair["prompt"], config, tuple(columns)):
        if isinstance(item, (TokenEvent, ColumnEnd)):
            columns[item.method].record(item)
    texts = {"own": pair["chosen"], "base": columns["greedy"].text, "cope": columns["cope"].text}
    return {
        "prompt": shorten_text(pair["prompt"]),
        "texts": {by: cut_words(text, len(own)) for by, text in texts.items()},
    }


def cut_words(text: str, count: int) -> str:
    """A text's first words on one line: up to the last sentence that ends among them, else with an ellipsis."""
    words = text.split()
    ends = [number for number, word in enumerate(words[:count], 1) if word.endswith((".", "!", "?"))]
    if len(words) > count and not ends:
        return " ".join(words[:count]) + " …"
    return " ".join(words[: ends[-1] if len(words) > count else count])
