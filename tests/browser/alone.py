"""The token view on a page of its own, without Gradio or a server, fed by the test: fast, and any data goes."""

import json
import math
from contextlib import contextmanager

from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import Alternative, TokenEvent, Trace, TraceToken
from cope_demo.ui.component import say
from cope_demo.ui.token_view import wire
from cope_demo.ui.token_view.standalone import empty_page as template
from tests.browser.conftest import DESKTOP, PHONE

ALPHA, TAU = 0.1, 0.1
CALL = "{ value: data.messages }, () => {}, null, {}"
HOOKS = """(window.given = { value: data.messages }), (name, read) => { window.grown = read; },
  (name, said) => (window.raised ||= []).push([name, said]),
  {
    alive: async () => 'here', empty_page: async () => window.template,
    likeness: async (run, texts) => window.likeness?.(run, texts),
  }"""


def step(*options, written: int = 0, method: str = "cope", penalty: dict | None = None, **settings) -> TraceToken:
    """A token. options: (text, probability for the person, probability for base); `written` is the one taken.

    penalty: what the repetition penalty takes from the log-probability of an option, by its number.
    """
    alpha, tau = settings.get("alpha", ALPHA), settings.get("tau", TAU)
    experts = [math.log(user) - (penalty or {}).get(number, 0) for number, (_, user, _) in enumerate(options)]
    others = []
    for number, (text, user, base) in enumerate(options):
        logp_user, logp_base = math.log(user), math.log(base)
        score = {"greedy": logp_base, "oppu": experts[number], "score": logp_user - alpha * logp_base}.get(
            method, experts[number] - alpha * logp_base
        )
        inside = experts[number] >= max(experts) + math.log(tau) if tau else True
        token_id = settings.get("first_id", 100) + number
        reward = logp_user - alpha * logp_base
        others.append(Alternative(token_id, text, logp_user, logp_base, reward, score, inside))
    it = others[written]
    size = sum(other.in_head for other in others)
    numbers = (it.logp_user, it.logp_base, it.reward, it.score, it.in_head)
    ordered = (it, *(other for other in others if other is not it))
    return TraceToken(it.id, settings.get("text", it.text), *numbers, size, ordered)


def value(columns: dict[str, list[TraceToken]], penalty: float = 1.0, done: bool = True, **start) -> str:
    """The view's value: these columns, ended. start: further fields of the first message."""
    header = Trace("tiny", "ada", "free_writing", "Write of seams.", ALPHA, TAU, penalty, [1, 2], [])
    first = json.loads(wire.start("run1", "Ada", header, tuple(columns)))
    first |= {"decoding": {"max_new_tokens": 40, "temperature": 0.0, "seed": 0}} | start
    text = say(first) + "\n"
    for method, tokens in columns.items():
        text += wire.tokens(0, [TokenEvent(method, index, token) for index, token in enumerate(tokens)])
        text += wire.line("end", method=method, stopped="eos") if done else ""
    return text + (wire.line("done", seconds=2.0) if done else "")


def plain(words: list[str], method: str = "cope") -> list[TraceToken]:
    """Tokens that differ in nothing but their text."""
    return [step((word, 0.5, 0.2), (" the", 0.2, 0.5), method=method, first_id=10 * n) for n, word in enumerate(words)]


def three(words: list[str]) -> dict[str, list[TraceToken]]:
    """The three columns with the same words."""
    return {method: plain(words, method) for method in COLUMNS}


@contextmanager
def view(chromium, text: str, size=DESKTOP, dark: bool = False, **context):
    """A page with the view on it. Script errors, dialogs, requests and anything that ran fail the test."""
    phone = size is PHONE
    scheme = "dark" if dark else "light"
    browser = chromium.new_context(viewport=size, color_scheme=scheme, has_touch=phone, is_mobile=phone, **context)
    page = browser.new_page()
    page.set_default_timeout(20_000)
    trouble: list[str] = []
    page.on("dialog", lambda dialog: (trouble.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: trouble.append(f"script error {error}"))
    page.on("request", lambda request: request.url.startswith("blob:") or trouble.append(f"request to {request.url}"))
    html = template()
    assert CALL in html
    whole = html.replace('"@data@"', say({"messages": text}), 1).replace(CALL, HOOKS)
    page.set_content(whole.replace("<body>", '<body class="gradio-container">'))
    page.evaluate("(html) => { window.template = html; }", html)
    page.wait_for_selector(".cope-heatmap .column")
    yield page
    hit = page.evaluate("window.hit")
    browser.close()
    assert trouble == [] and hit is None


def send(page, text: str) -> None:
    """Gives the view a new value."""
    page.evaluate("(value) => { window.given.value = value; window.grown(); }", text)
