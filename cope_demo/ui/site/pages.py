"""The site's pages as HTML: every text of theirs is escaped, and what a component shows is JSON beside it.

Links lead from file to file in one folder, so that the pages work wherever the folder lies.
"""

import re
from dataclasses import dataclass
from html import escape

from cope_demo.evaluation.published import read_controls, read_families, read_published
from cope_demo.saved.store import Card
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.component import ASSETS, say
from cope_demo.ui.panels import lessons
from cope_demo.ui.panels.demonstration import describe_demonstration
from cope_demo.ui.panels.evidence import describe_evidence

from . import comparisons

GENERATOR = "CoPe, side by side"
EVIDENCE = "evidence.html"
RESULTS, CONTROLS, FAMILIES = (f"docs/{name}.html" for name in ("RESULTS", "controls", "families"))
_POLICY = "; ".join(f"{kind}-src 'none'" for kind in ("connect", "font", "frame", "media", "object", "worker"))
_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}; base-uri 'none'; form-action 'none'">
<meta name="generator" content="{generator}">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="assets/favicon.png">
<link rel="stylesheet" href="assets/site.css">
</head>
<body>
<script src="assets/site.js"></script>
<div class="site">
<nav class="ways" aria-label="Site">
<a href="index.html">CoPe, side by side</a>
<a href="index.html#lessons">Lessons</a>
<a href="index.html#people">Sample users</a>
<a href="{evidence}">Does it work?</a>
</nav>
<main>
{body}
</main>
{footer}</div>{mount}
</body>
</html>
"""
_MOUNT = """
<script type="application/json" id="data">{data}</script>
<script src="assets/{bundle}.js"></script>"""
_VIEW = '<div id="view"><div class="cope cope-{name}"></div></div>'


@dataclass(frozen=True)
class Page:
    """A page: its title and body, and, where it has a component, the component's bundle and value."""

    title: str
    body: str
    bundle: str = ""
    value: str = ""

    def render(self) -> str:
        """The whole HTML file."""
        mount = _MOUNT.format(data=say({"value": self.value}), bundle=self.bundle) if self.bundle else ""
        known = {"policy": _POLICY, "generator": GENERATOR, "evidence": EVIDENCE, "body": self.body, "mount": mount}
        footer = (ASSETS / "footer.html").read_text("utf-8")
        return _SHELL.format(title=escape(self.title), footer=footer, **known)


def make_pages(cards: list[Card]) -> dict[str, Page]:
    """All pages by file name. cards: the sample users."""
    pages = {"index.html": make_index(cards), EVIDENCE: make_evidence()}
    pages |= {name_lesson(name): make_lesson(name) for name in lessons.ORDER}
    for card in cards:
        pages |= {f"{name}.html": make_comparison(card, name) for name in comparisons.list_names(card)}
    return pages


def name_lesson(name: str) -> str:
    """A lesson's file."""
    return f"lesson-{name}.html"


def make_index(cards: list[Card]) -> Page:
    """The page that the others are found from."""
    header = (ASSETS / "header.html").read_text("utf-8")
    shown = "".join(
        f'<li><h3><span class="number" aria-hidden="true">{number}</span>'
        f'<a href="{name_lesson(one["id"])}">{_set_formulas(one["title"])}</a></h3><p>{escape(one["teaser"])}</p></li>'
        for number, one in enumerate(lessons.describe_cards(), 1)
    )
    people = "".join(_describe_person(card) for card in cards)
    body = f"""{header}
{_VIEW.format(name="demonstration")}
<section id="lessons"><h2>Short lessons</h2><ol class="cards">{shown}</ol></section>
<section id="people"><h2>The sample users’ comparisons</h2>
<p>One model answers three prompts for each of them: as it is (base), after training on the person’s texts (OPPU), and
in contrast of the two (CoPe). Point at a word to read why it was chosen; click it to see what else could have stood
there, and what other settings would have changed.</p>
<ul class="cards">{people}</ul></section>
<section><h2>Does it work?</h2>
<p>What was measured on texts of real authors, method by method, is on <a href="{EVIDENCE}">a page of its own</a>.</p>
</section>
<section><h2>Your own writing</h2>
<p>These pages are saved: no model runs behind them, nothing is sent, and they need no network. To fit your own texts,
to write on from another word and to ask your own prompts, run the app: <code>make run</code> in its repository.</p>
</section>"""
    return Page("CoPe, side by side", body, "demonstration", describe_demonstration())


def _describe_person(card: Card) -> str:
    prompts = zip(comparisons.list_names(card), card.prompts, strict=True)
    links = "".join(f'<li><a href="{name}.html">{escape(_shorten(prompt))}</a></li>' for name, prompt in prompts)
    role = escape(f"{card.occupation}. {TASKS[card.task].label}.")
    return f'<li><h3>{escape(card.name)}</h3><p class="soft">{role}</p><p>{escape(card.about)}</p><ul>{links}</ul></li>'


def make_lesson(name: str) -> Page:
    """A lesson on its saved comparison."""
    one, at = lessons.read_lesson(name), lessons.ORDER.index(name)
    titles = {name_lesson(card["id"]): card["title"] for card in lessons.describe_cards()}
    files = list(titles)
    names = {file: f"{number} {title}" for number, (file, title) in enumerate(titles.items(), 1)}
    body = f'<h1 class="heard">Lesson {at + 1}: {_set_formulas(one.title)}</h1>{_link_beside(names, files[at])}'
    body += f'<h2 class="heard">The lesson and its comparison</h2>{_VIEW.format(name="heatmap")}'
    if at + 1 < len(files):
        then = _set_formulas(titles[files[at + 1]])
        body += f'<p class="then">Next: <a href="{files[at + 1]}">lesson {at + 2}, {then}</a></p>'
    return Page(f"Lesson {at + 1}: {one.title}", body, "token_view", lessons.render_lesson(name))


def make_comparison(card: Card, name: str) -> Page:
    """A sample user's saved comparison."""
    saved, first = comparisons.read_comparison(name), card.name.split()[0]
    header = saved.header
    names = dict(zip((f"{one}.html" for one in comparisons.list_names(card)), map(_shorten, card.prompts), strict=True))
    settings = (
        f"A saved run of {header['model']} in 4 bit: alpha {header['alpha']:g}, tau {header['tau']:g}, repetition "
        f"penalty {header['repetition_penalty']:g}, temperature {saved.decoding['temperature']:g}, at most "
        f"{saved.decoding['max_new_tokens']} tokens. Nothing was changed in it."
    )
    body = f"""<h1>{escape(card.name)}, side by side</h1>
<p class="soft">{escape(card.about)}</p>{_link_beside(names, f"{name}.html")}
<h2 class="heard">The comparison</h2>
<p class="prompt">{escape(header["prompt"])}</p><p class="soft settings">{escape(settings)}</p>
{_VIEW.format(name="heatmap")}"""
    return Page(f"{card.name}: {_shorten(header['prompt'])}", body, "token_view", saved.render(first))


def make_evidence() -> Page:
    """What was measured, and the controls; all of both documents lies below it."""
    body = '<h1>Does it work? What was measured</h1><h2 class="heard">Results</h2><h3 class="heard">By task</h3>'
    body += _VIEW.format(name="evidence")
    shown = describe_evidence(read_published(), read_controls(), read_families())
    shown |= {"results": RESULTS, "every_control": CONTROLS, "every_family": FAMILIES}
    return Page("Does it work?", body, "evidence", say(shown))


def _link_beside(names: dict[str, str], here: str) -> str:
    """The pages of one kind, as a row of links. names: what each is called, by file."""
    current = {here: ' aria-current="page"'}
    links = (
        f'<li><a href="{file}"{current.get(file, "")}>{_set_formulas(name)}</a></li>' for file, name in names.items()
    )
    return f'<nav aria-label="Beside this page"><ul class="beside">{"".join(links)}</ul></nav>'


def _shorten(prompt: str) -> str:
    """A prompt on one line, of at most 60 characters."""
    line = " ".join(prompt.split())
    return line if len(line) <= 60 else f"{line[:57].rsplit(' ', 1)[0]}…"


def _set_formulas(text: str) -> str:
    """A text as HTML, with the paper's names set as in a formula (assets/dom.js does it on the page)."""
    return re.sub(r"(V|π)_(head|user|base)", r"<i>\1</i><sub>\2</sub>", escape(text))
