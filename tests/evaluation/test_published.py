"""What is published of evaluations: numbers from runs, tables, figures, examples; and docs/ agrees with itself."""

import contextlib
import importlib
import io
import json
import random
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.methods import list_evaluated
from cope_demo.errors import CopeError
from cope_demo.evaluation import published
from cope_demo.evaluation.evaluate import Plan
from cope_demo.evaluation.metrics import METRICS
from cope_demo.evaluation.results import summarize_rows, write_results
from cope_demo.evaluation.significance import Bootstrap, Pooled
from cope_demo.paths import ROOT
from cope_demo.system.files import sha256_file
from cope_demo.texts.lamp import USERS

DOCS = ROOT / "docs"
HOSTILE = "<img src=x onerror=alert(1)> | **loud** [a](javascript:b) ${1}\n# `x` https://x.y"
NEWS, REVIEWS = "news_headline", "review_writing"
GOLD = " ".join(f"word{n}" for n in range(30))


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The scripts of docs/ can be imported."""
    sys.path.insert(0, str(DOCS))
    yield
    sys.path.remove(str(DOCS))


def script(name: str):
    return importlib.import_module(name)


def texts(data, task: str, users: int) -> None:
    """A task's data with golds."""
    (data / task).mkdir(parents=True)
    query = [{"id": f"q{n}", "input": "Write.", "gold": GOLD} for n in range(3)]
    rows = [{"user_id": f"u{user}", "profile": [], "query": query} for user in range(users)]
    (data / task / USERS).write_text(json.dumps(rows))


def run(root, name: str, task: str, methods, *, users=4, alpha=0.1, tau=0.1, skipped=(), values=None, **plan) -> dict:
    """A run's folder as evaluate leaves it. values: (method, user, query) -> ROUGE-L; what is missing is random."""
    rng, rows = random.Random(0), []
    for user in range(users):
        for query in range(3):
            for method in methods:
                score = (values or {}).get((method, user, query), round(rng.uniform(0.1, 0.3) + alpha / 10, 4))
                row = {"user": f"u{user}", "query": f"q{query}", "method": method, "text": f"{method} {HOSTILE}"}
                bits = round(3 + rng.random(), 4) if method in ("base", "tam", "oppu") else None
                scores = {"rouge1": score + 0.1, "rougeL": score, "meteor": score}
                rows.append({**row, **scores, "bits": bits, "seconds": 0.5})
    out = root / name
    out.mkdir(parents=True)
    sha256 = sha256_file(root / "data" / task / USERS) if (root / "data" / task).exists() else "0" * 64
    decode = asdict(DecodeConfig(alpha=alpha, tau=tau))
    given = dict(decode=decode, fit=asdict(FitConfig()), model="tiny@0", task_adapter=None, users=None)
    whole = asdict(Plan(task, tuple(methods), sha256, **given)) | plan
    (out / "plan.json").write_text(json.dumps(whole))
    (out / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept = [row for row in rows if row["user"] not in skipped]
    result = {
        "task": task,
        **summarize_rows(kept, methods, METRICS),
        "skipped": dict.fromkeys(skipped, "why"),
        "plan": whole,
    }
    write_results(out, result)
    return result


def test_one_run_gives_the_numbers_that_evaluate_gave(tmp_path):
    result = run(tmp_path, "news", NEWS, ("base", "tam", "oppu", "cope"), skipped=("u2",))
    runs, unfinished = published.read_runs(tmp_path)
    task = published.gather(runs)["tasks"][NEWS]
    for key in ("users", "queries", "methods", "ci95", "relative_gain", "relative_gain_ci95"):
        assert task[key] == json.loads(json.dumps(result[key])), key
    assert task["users"] == 3 and task["skipped"] == 1 and task["sweep"] is None and unfinished == []
    assert published.gather(runs)["pooled"] is None


def test_methods_of_several_runs_are_compared_on_the_same_queries(tmp_path):
    run(tmp_path, "a", NEWS, ("base", "tam"), users=6)
    run(tmp_path, "deep/b", NEWS, ("cope", "oppu"), users=4)
    task = published.gather(published.read_runs(tmp_path)[0])["tasks"][NEWS]
    assert list(task["methods"]) == ["base", "tam", "oppu", "cope"] and (task["users"], task["queries"]) == (4, 12)


def test_the_sweep_stands_beside_the_main_run_on_its_own_queries(tmp_path):
    run(tmp_path, "main", NEWS, ("tam", "oppu", "oppu+cd", "cope"), users=5)
    run(tmp_path, "strong", NEWS, ("oppu+cd", "cope"), users=3, alpha=0.5)
    run(tmp_path, "narrow", NEWS, ("cope",), users=3, tau=0.3)
    task = published.gather(published.read_runs(tmp_path)[0])["tasks"][NEWS]
    sweep = task["sweep"]
    assert (task["alpha"], task["users"]) == (0.1, 5) and (sweep["users"], sweep["queries"]) == (3, 9)
    found = {(one["method"], one["alpha"], one["tau"]) for one in sweep["points"]}
    own = {(m, alpha, 0.1) for m in ("cope", "oppu+cd") for alpha in (0.1, 0.5)}
    assert found == own | {("cope", 0.1, 0.3)} and list(sweep["against"]) == ["tam", "oppu"]
    strong = next(one for one in sweep["points"] if one["alpha"] == 0.5 and one["method"] == "cope")
    low, high = strong["ci95"]
    assert low < strong["rougeL"] < high
    gain = strong["rougeL"] / sweep["against"]["oppu"]["rougeL"] - 1
    assert strong["over_oppu"] == pytest.approx(gain, abs=1e-3)


def test_the_mean_of_tasks_counts_each_task_once_and_draws_authors_within_it():
    few = {"a": {"u0": [0.2], "u1": [0.4]}, "b": {"u0": [0.3], "u1": [0.5]}}
    many = {m: {f"u{n}": [0.1 + shift] * 5 for n in range(10)} for m, shift in (("a", 0.0), ("b", 0.2))}
    pooled = Pooled([few, many])
    assert pooled.mean("a") == pytest.approx(0.2) and pooled.gain("b", "a") == pytest.approx(0.75)
    low, high = pooled.interval("a")
    assert (low, high) == pytest.approx((0.15, 0.25))  # of two authors the same one twice, half the weight
    alike = Pooled([few, few]).interval("a")
    drawn_together = Bootstrap({"a": few["a"]}).interval("a")
    assert alike[0] >= drawn_together[0] and len(set(Pooled([few, few])._means("a").round(4))) > 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "other@1"}, "differ in model"),
        ({"data_sha256": "1" * 64}, "differ in data_sha256"),
        ({"fit": {**asdict(FitConfig()), "beta": 0.5}}, "differ in beta"),
        ({"decode": {**asdict(DecodeConfig()), "repetition_penalty": 1.0}}, "differ in repetition_penalty"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, change, sentence):
    run(tmp_path, "a", NEWS, ("base",))
    run(tmp_path, "b", NEWS, ("tam",), **change)
    with pytest.raises(CopeError, match=sentence):
        published.read_runs(tmp_path)


def test_a_refusal_names_the_run_that_differs_and_the_one_that_it_differs_from(tmp_path):
    run(tmp_path, "one/run", NEWS, ("base",))
    run(tmp_path, "two/run", REVIEWS, ("base",), model="other@1")  # the first of its task
    with pytest.raises(CopeError, match="^two/run and one/run differ in model,"):
        published.read_runs(tmp_path)


def test_a_folder_without_a_finished_run_is_refused(tmp_path, capsys):
    with pytest.raises(CopeError, match="no finished run"):
        published.read_runs(tmp_path)
    assert script("make_results").main([str(tmp_path), "--docs", str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


@dataclass(frozen=True)
class Written:
    """What make_results leaves: its folder, RESULTS.md, results.json, and what it printed."""

    docs: Path
    text: str
    found: dict
    printed: str


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    """The results of two tasks, one with a sweep, beside a run that was cut off, in a page with words of one's own."""
    root = tmp_path_factory.mktemp("written")
    data, docs = root / "data", root / "docs"
    docs.mkdir()
    for task in (NEWS, REVIEWS):
        texts(data, task, 4)
    run(root, "runs/news", NEWS, list_evaluated())
    run(root, "runs/news-0.5", NEWS, ("oppu+cd", "cope"), alpha=0.5)
    run(root, "runs/reviews", REVIEWS, ("tam", "oppu", "cope"))
    (root / "runs" / "cut").mkdir()
    (root / "runs" / "cut" / "plan.json").write_text("{}")
    page = (DOCS / "RESULTS.md").read_text("utf-8").replace("## Cost", "## Cost\n\nMy own words, $1 \\1.")
    (docs / "RESULTS.md").write_text(page)
    arguments = [str(root / "runs"), "--data", str(data), "--docs", str(docs)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert script("make_results").main(arguments) == 0
    text, found = (docs / "RESULTS.md").read_text("utf-8"), json.loads((docs / "results.json").read_text("utf-8"))
    return Written(docs, text, found, printed.getvalue())


def test_a_run_that_has_not_ended_is_left_out_and_named(written):
    assert "Left out, as it has not ended: cut" in written.printed


def test_prose_between_the_numbers_is_kept(written):
    assert "My own words, $1 \\1." in written.text and "<!-- made: main -->" in written.text


def test_all_tasks_and_their_mean_are_written_and_what_was_not_measured_is_said(written):
    tasks, pooled = written.found["tasks"], written.found["pooled"]
    assert list(tasks) == [NEWS, REVIEWS] and list(pooled["methods"]) == ["tam", "oppu", "cope"]
    said = "Not measured: base, rag, pag, oppu+cd and oppu+dpo for product reviews; the tasks Titles of papers"
    assert said in written.text


def test_a_number_stands_with_its_interval(written):
    news = written.found["tasks"][NEWS]
    value = news["methods"]["cope"]["rougeL"]
    low, high = news["ci95"]["cope"]["rougeL"]
    assert f"{value:.3f} [{low:.3f}, {high:.3f}]" in written.text
    change, low, high = news["methods"]["oppu"]["bits_over_tam"]
    assert low <= change <= high
    assert f"\n| News headlines | {change:+.1%} [{low:+.1%}, {high:+.1%}] | –" in written.text


def test_every_table_is_one(written):
    for line in written.text.split("\n"):
        if line.startswith("|"):
            assert line.endswith("|")


def test_figures_are_drawn_and_shown(written):
    for name in ("results-methods.svg", "results-sweeps.svg"):
        assert (written.docs / "images" / name).read_text().startswith("<?xml") and f"(images/{name})" in written.text


def test_examples_are_short_and_name_no_author(written):
    median, worst = written.found["tasks"][REVIEWS]["examples"]
    assert len(median["gold"].split()) == len(worst["gold"].split()) == 20 and median["cut"]
    assert "u" + "0" not in median["author"] and "of 4" in median["author"]
    assert written.found["tasks"][NEWS]["examples"][0]["gold"] == GOLD


def test_hostile_examples_are_text_in_the_page(written):
    assert "\\<img src\\=x onerror\\=alert(1)\\> \\|" in written.text
    assert not re.search(r"(?<!\\)<img|(?<!\\)\]\(javascript|https://x", written.text)


def test_the_same_numbers_make_the_same_files(written):
    drawn = (written.docs / "images" / "results-methods.svg").read_bytes()
    again = script("make_results").publish(written.found, written.docs)
    assert (written.docs / "RESULTS.md").read_text("utf-8") == written.text and len(again) == 2
    assert (written.docs / "images" / "results-methods.svg").read_bytes() == drawn


def test_other_data_is_not_quoted(tmp_path):
    run(tmp_path, "runs/news", NEWS, ("tam", "oppu", "cope"))
    texts(tmp_path / "data", NEWS, 4)
    with pytest.raises(CopeError, match="not the file that the runs have read"):
        script("results_examples").examples(published.read_runs(tmp_path / "runs")[0], tmp_path / "data" / NEWS)


def test_the_median_example_is_the_rule_s():
    rule = script("results_examples")

    def rows(values):
        return {(user, f"q{n}"): {"rougeL": v} for user, many in values.items() for n, v in enumerate(many)}

    tam = rows({user: [0.0] * 3 for user in "abcd"})
    cope = rows({"a": [0.9, 0.9, 0.9], "d": [0.1, 0.3, 0.2], "c": [0.0, 0.5, 0.1], "b": [-0.5, 0.0, 0.0]})
    assert rule.median_query(cope, tam) == ("c", "q2")  # means .9, .2, .2, -.17: the lower middle; a tie, the first id
    assert rule.worst_query(cope, tam) == ("b", "q0")


def test_quotes_are_nothing_but_text():
    quoted = script("results_text").quoted
    assert quoted(HOSTILE).count("\n") == 0 and not re.search(r"(?<!\\)[<>|*\[\]`$]", quoted(HOSTILE))
    assert quoted("a\u202eb\x00 www.x.y 1. no") == "ab www\\.x.y 1. no" and quoted("1. a") == "1\\. a"


def test_published_methods_stand_in_the_order_of_the_table():
    tasks = published.read_published()["tasks"]
    assert tasks
    for task in tasks.values():
        assert list(task["methods"]) == [name for name in list_evaluated() if name in task["methods"]]


def test_the_published_page_is_what_the_published_numbers_make():
    data = published.read_published()
    page = (DOCS / "RESULTS.md").read_text("utf-8")
    assert script("results_text").filled(page, data) == page
