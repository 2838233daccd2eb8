"""What the page opens with: whole at every place of the slider, and decided by its own numbers."""

import json
import math

from cope_demo.paths import SAMPLE_USERS
from cope_demo.ui.panels import demonstration
from cope_demo.ui.panels.demonstration import ENDED, EXPERT, LOGP_BASE, LOGP_USER, TEXT, THEN, read_demonstration
from cope_demo.ui.panels.lessons import format_percent
from cope_demo.ui.site.comparisons import read_comparison
from tests.scripted import messages
from tests.ui.test_component_bundles import UI, run_node

SCRIPT = f"""
import {{ readFileSync }} from 'node:fs';
import {{ writeText, findOverruled }} from '{(UI / "panels" / "demonstration_texts.js").as_uri()}';
import {{ explainOverruled }} from '{(UI / "token_view" / "why.js").as_uri()}';
const saved = JSON.parse(readFileSync('{demonstration.FILE}', 'utf8'));
const told = (alpha) => {{
  const {{ words, whole }} = writeText(saved, alpha);
  const found = words.map((word) => findOverruled(word));
  return {{
    text: words.map((word) => word.text).join(''), whole,
    sentences: found.map((one, at) => one && explainOverruled(words[at], one, {{ who: saved.who, amateur: 'base' }})),
  }};
}};
console.log(JSON.stringify(JSON.parse(process.argv.at(-1)).map(told)));
"""


def write(alpha: float) -> tuple[str, bool]:
    """The text at an alpha without its end token, and whether it ended by itself."""
    written = read_demonstration().write_text(alpha)
    whole = written[-1][0][written[-1][1]][THEN] == ENDED
    return "".join(rows[wins][TEXT] for rows, wins in written[: -1 if whole else None]), whole


def test_at_every_alpha_there_is_a_whole_text_and_a_step_has_what_decides():
    saved = read_demonstration()
    alphas = saved.list_alphas()
    assert saved.alphas["first"] in alphas and len(alphas) > 20
    texts = [write(alpha)[0] for alpha in alphas]
    assert len(set(texts)) >= 5 and "".join(saved.base) not in texts
    assert demonstration.FILE.stat().st_size < 150_000
    reached = {id(rows) for alpha in alphas for rows, _ in saved.write_text(alpha)}
    assert reached == {id(rows) for rows in saved.steps}  # nothing is kept that cannot be seen
    for rows in saved.steps:
        assert rows == sorted(rows, key=lambda row: -row[EXPERT]) and len({row[TEXT] for row in rows}) == len(rows)
        assert all(max(row[LOGP_USER], row[LOGP_BASE]) <= 0 for row in rows)
    card = json.loads((SAMPLE_USERS / saved.user / "card.json").read_text())
    assert card["name"].split()[0] == saved.who and saved.prompt in card["prompts"]


def test_it_is_what_the_saved_comparison_of_this_prompt_says():
    saved, alpha = read_demonstration(), read_demonstration().alphas["first"]
    comparison = read_comparison(f"{saved.user}-1")
    header = comparison.header
    settings = (saved.prompt, alpha, saved.tau, saved.repetition_penalty)
    assert settings == tuple(header[name] for name in ("prompt", "alpha", "tau", "repetition_penalty"))
    rows = [row for sent in messages(comparison.lines) if sent["t"] == "tokens" for row in sent["rows"]]
    assert write(alpha)[0] == "".join(row[3] for row in rows if row[0] == "cope")
    assert "".join(saved.base) == "".join([row[3] for row in rows if row[0] == "greedy"][: len(saved.base)])


def test_the_page_writes_the_same_and_its_sentences_follow_from_the_numbers():
    saved = read_demonstration()
    alphas = saved.list_alphas()
    done = run_node("--input-type=module", "-e", SCRIPT, "--", json.dumps(alphas))
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [(one["text"], one["whole"]) for one in shown] == [write(alpha) for alpha in alphas]
    for alpha, one in zip(alphas, shown, strict=True):
        for (rows, wins), sentence in zip(saved.write_text(alpha), one["sentences"], strict=False):
            assert (sentence is None) == (wins == 0)
            if sentence:
                first, taken = rows[0], rows[wins]
                told = (taken[EXPERT], first[EXPERT], taken[LOGP_BASE], first[LOGP_BASE])
                places = [sentence.index(format_percent(math.exp(logp))) for logp in told]
                assert saved.who in sentence and places[0] <= places[1] and "so contrast chose it" in sentence
                assert taken[LOGP_BASE] < first[LOGP_BASE]
    at = alphas.index(saved.alphas["first"])
    assert 2 <= sum(sentence is not None for sentence in shown[at]["sentences"]) <= 8
    assert not any(shown[0]["sentences"])  # at alpha 0 nothing is subtracted


def test_the_opening_stands_in_the_page_whole():
    head, body = demonstration.render_opening()
    assert head.startswith("<style>") and head.endswith("</style>") and body.count("<script") == 2
    assert "</script" not in demonstration.describe_demonstration() and "<h1>" in body and 'data-door="person"' in body
