"""The measured parts of docs/RESULTS.md: tables and examples as Markdown, made from what docs/results.json holds."""

import re
import unicodedata
from collections.abc import Sequence

from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.evaluation.published import AGAINST, MEASURED, list_contrasting
from cope_demo.texts.tasks import TASKS

METRICS = {"rouge1": "ROUGE-1", "rougeL": "ROUGE-L", "meteor": "METEOR"}
PERSONAL = tuple(name for name in list_evaluated(paper=True) if METHODS[name].personal)
NOTHING = "Not measured yet."
ABSENT = "–"
RULES = {
    "median": "The author whose mean difference of CoPe and TAM in ROUGE-L is the median of all authors, and of theirs "
    "the query that is nearest to their own median",
    "worst": "The query at which CoPe does worst against OPPU in ROUGE-L",
}


def parts(data: dict) -> dict[str, str]:
    """Marker name -> Markdown, from docs/results.json."""
    makers = {
        "measured": _measured,
        "main": _main,
        "ablation": _ablation,
        "gains": _gains,
        "sweeps": _sweeps,
        "seconds": lambda data: _by_method(data, "seconds", ".2f", "Seconds a query"),
        "bits": _bits,
        "examples": _examples,
    }
    return {name: make(data) if data["tasks"] else NOTHING for name, make in makers.items()}


def filled(text: str, data: dict) -> str:
    """The page with what stands between `<!-- made: NAME -->` and `<!-- end: NAME -->` made anew; the rest is kept."""
    for name, made in parts(data).items():
        begin, end = f"<!-- made: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"docs/RESULTS.md needs {begin} and, after it, {end}, each once.")
        text = text[: text.index(begin) + len(begin)] + f"\n\n{made}\n\n" + text[text.index(end) :]
    return text


def quoted(text: str) -> str:
    """Anybody's text as Markdown that can be nothing but text, on one line, also inside a table."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    text = re.sub(r"([\\`*_{}\[\]<>#+!|~$&@=^])", r"\\\1", " ".join(text.split()))
    text = text.replace("://", ":\\/\\/")  # no link is made of it
    text = re.sub(r"(?i)\b(www)\.", r"\1\\.", text)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^-", r"\\-", text))


def _label(task: str) -> str:
    return TASKS[task].label


def _table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def _listed(names) -> str:
    names = list(names)
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _missing(data: dict, methods: Sequence[str]) -> str:
    """What is not measured of these methods, in words, after a table."""
    tasks = [_label(name) for name in MEASURED if name not in data["tasks"]]
    lacking = {name: [m for m in methods if m not in task["methods"]] for name, task in data["tasks"].items()}
    notes = [f"{_listed(many)} for {_label(name).lower()}" for name, many in lacking.items() if many]
    if tasks:
        notes.append(f"the {'task' if len(tasks) == 1 else 'tasks'} {_listed(tasks)}")
    return f"\n\nNot measured: {'; '.join(notes)}." if notes else ""


def _measured(data: dict) -> str:
    rows = [
        [
            _label(name),
            str(task["users"]),
            str(task["queries"]),
            f"{task['alpha']:g}, {task['tau']:g}",
            f"{task['repetition_penalty']:g}",
            str(task["max_new_tokens"]),
            "yes" if task["task_adapter"] else "no",
            str(task["skipped"]),
        ]
        for name, task in data["tasks"].items()
    ]
    titles = ["task", "authors", "queries", "alpha, tau", "repetition penalty", "tokens at most", "task adapter"]
    fit = ", ".join(f"{name} {value}" for name, value in data["fit"].items())
    return "\n\n".join(
        [
            f"Base model: {data['model'].split('@')[0]} in 4 bit (NF4), identity `{data['model']}`.",
            _table([*titles, "authors left out"], rows) + _missing(data, ()),
            f"Settings of every fit: {fit}.",
        ]
    )


def _main(data: dict) -> str:
    tasks, pooled = data["tasks"], data["pooled"]
    titles = ["ROUGE-1 / ROUGE-L", *map(_label, tasks)] + (["mean of tasks"] if pooled else [])
    rows = []
    for method in (m for m in list_evaluated() if any(m in task["methods"] for task in tasks.values())):
        values = [task["methods"].get(method) for task in [*tasks.values(), *([pooled] if pooled else [])]]
        rows.append([method, *(f"{v['rouge1']:.3f} / {v['rougeL']:.3f}" if v else ABSENT for v in values)])
    figure = "![ROUGE-L of every method by task, with intervals](images/results-methods.svg)"
    whole = [figure, _table(titles, rows) + _missing(data, list_evaluated(paper=True))]
    for name, task in [*tasks.items(), *([("", pooled)] if pooled else [])]:
        size = f": {task['users']} authors, {task['queries']} queries" if name else ""
        head = f"**{_label(name) if name else 'Mean of tasks'}**{size}"
        measured = [m for m in list_evaluated() if m in task["methods"]]
        cells = [[method, *(_with_span(task, method, metric) for metric in METRICS)] for method in measured]
        whole.append(f"{head}\n\n{_table(['method', *METRICS.values()], cells)}")
    return "\n\n".join(whole)


def _with_span(task: dict, method: str, metric: str) -> str:
    low, high = task["ci95"][method][metric]
    return f"{task['methods'][method][metric]:.3f} [{low:.3f}, {high:.3f}]"


def _groups(data: dict) -> dict[str, dict]:
    """Label -> numbers of every task, and of their mean."""
    groups = {_label(name): task for name, task in data["tasks"].items()}
    return groups | ({"mean of tasks": data["pooled"]} if data["pooled"] else {})


def _ablation(data: dict) -> str:
    titles = ["ROUGE-L", "neither (oppu)", "contrast (oppu+cd)", "DPO (oppu+dpo)", "both (cope)"]
    rows = [
        [label, *(_with_span(group, m, "rougeL") if m in group["methods"] else ABSENT for m in PERSONAL)]
        for label, group in _groups(data).items()
    ]
    return _table(titles, rows) + _missing(data, PERSONAL)


def _gains(data: dict) -> str:
    rows = []
    for label, group in _groups(data).items():
        for method in (name for name in list_evaluated() if METHODS[name].personal):
            cells = [_gain(group, over, method, metric) for over in AGAINST for metric in METRICS]
            if any(cell != ABSENT for cell in cells):
                rows.append([label, method, *cells])
    titles = [f"{metric} over {over}" for over in AGAINST for metric in METRICS.values()]
    if not rows:
        return "Not measured: gains need the method tam or oppu."
    return _table(["", "method", *titles], rows) + "\n\nBold: the interval holds no 0."


def _gain(group: dict, over: str, method: str, metric: str) -> str:
    if method not in group["relative_gain"][over]:
        return ABSENT
    (low, high), value = group["relative_gain_ci95"][over][method][metric], group["relative_gain"][over][method][metric]
    text = f"{value:+.1%}"
    return f"{f'**{text}**' if low > 0 or high < 0 else text} [{low:+.1%}, {high:+.1%}]"


def _sweeps(data: dict) -> str:
    whole = []
    for name, task in data["tasks"].items():
        sweep = task["sweep"]
        if not sweep:
            continue
        by = {(one["alpha"], one["tau"], one["method"]): one for one in sweep["points"]}
        rows = []
        for alpha, tau in sorted({key[:2] for key in by}):
            cells = [_point(by.get((alpha, tau, method))) for method in list_contrasting()]
            gains = [_over(by.get((alpha, tau, method))) for method in list_contrasting()]
            rows.append([f"{alpha:g}", f"{tau:g}", *(cell for pair in zip(cells, gains, strict=True) for cell in pair)])
        against = ", ".join(f"{method} {_point(one)}" for method, one in sweep["against"].items())
        head = f"**{_label(name)}**, ROUGE-L on {sweep['users']} authors, {sweep['queries']} queries"
        contrasted = [title for method in list_contrasting() for title in (method, f"{method} over oppu")]
        titles = ["alpha", "tau", *contrasted]
        whole.append(f"{head}{f'; {against}' if against else ''}\n\n{_table(titles, rows)}")
    figure = "![ROUGE-L of contrasted decoding over alpha and over tau](images/results-sweeps.svg)"
    return "\n\n".join([figure, *whole]) if whole else NOTHING


def _point(one: dict | None) -> str:
    return f"{one['rougeL']:.3f} [{one['ci95'][0]:.3f}, {one['ci95'][1]:.3f}]" if one else ABSENT


def _over(one: dict | None) -> str:
    if not one or "over_oppu" not in one:
        return ABSENT
    low, high = one["over_oppu_ci95"]
    return f"{one['over_oppu']:+.1%} [{low:+.1%}, {high:+.1%}]"


def _by_method(data: dict, key: str, form: str, title: str) -> str:
    methods = [m for m in list_evaluated() if any(key in task["methods"].get(m, {}) for task in data["tasks"].values())]
    rows = []
    for name, task in data["tasks"].items():
        values = [task["methods"].get(m, {}).get(key) for m in methods]
        rows.append([_label(name), *(ABSENT if value is None else f"{value:{form}}" for value in values)])
    return _table([title, *methods], rows)


def _bits(data: dict) -> str:
    table = _by_method(data, "bits_per_token", ".3f", "Bits a token of what the author wrote")
    methods = ("oppu", "oppu+dpo")
    changes = []
    for name, task in data["tasks"].items():
        changes.append([_label(name), *(_change(task["methods"].get(m, {}).get("bits_over_tam")) for m in methods)])
    return f"{table}\n\n{_table(['Bits against tam', *methods], changes)}"


def _change(numbers: list[float] | None) -> str:
    return f"{numbers[0]:+.1%} [{numbers[1]:+.1%}, {numbers[2]:+.1%}]" if numbers else ABSENT


def _examples(data: dict) -> str:
    whole = []
    for name, task in data["tasks"].items():
        for one in task.get("examples", []):
            texts = {"what the author wrote": one["gold"] + (" […]" if one["cut"] else "")} | {
                method: one[method]["text"] for method in (*AGAINST, "cope")
            }
            rows = [
                [who, f"{one[who]['rougeL']:.3f}" if who in one else "", quoted(text) or "(nothing)"]
                for who, text in texts.items()
            ]
            head = f"**{_label(name)}.** {RULES[one['rule']]}: {quoted(one['author'])}. Source: {one['source']}."
            whole.append(f"{head}\n\n{_table(['', 'ROUGE-L', 'text'], rows)}")
    return "\n\n".join(whole) or "No examples have been made yet."
