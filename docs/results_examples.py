"""Examples by rules that were stated before anything was measured, so that nobody picks them.

The median example: the author whose queries' mean difference (cope less tam, ROUGE-L) is the median of all authors of
the run, and of that author the query whose difference is nearest to that author's median. The worst example: the query
with the smallest difference (cope less oppu). Of an even number the lower middle one is the median author; ties go to
the first id. Texts whose licence does not allow more are quoted with their first words only.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from cope_demo.errors import CopeError
from cope_demo.evaluation.published import Run, select_main_rows
from cope_demo.texts.lamp import USERS, read_authors

WORDS = 20
"""Words of a text that are quoted where its licence is unclear or for research only."""
SOURCES = {
    # task: (source and licence, whether its texts may be quoted whole and with their author's name)
    "news_headline": ("HuffPost News Category dataset (R. Misra), CC BY 4.0", True),
    "scholarly_title": ("ACL Anthology, CC BY (from 2016) or CC BY-NC-SA (before)", True),
    "abstract_generation": ("ACL Anthology, CC BY (from 2016) or CC BY-NC-SA (before)", True),
    "review_writing": (f"Amazon Digital Music 5-core (J. McAuley), research use; its first {WORDS} words", False),
    "topic_writing": (f"Senate press releases (J. Grimmer); its first {WORDS} words", False),
}
NEEDED = ("tam", "oppu", "cope")


def examples(runs: Sequence[Run], data: Path) -> list[dict]:
    """A task's two examples: [{"rule", "author", "source", "gold", "cut", method: {"text", "rougeL"}}].

    runs: of one task. Empty where NEEDED was not measured. Raises CopeError when `data` is not what the runs read.
    """
    rows, task = select_main_rows(runs), runs[0].plan["task"]
    if not set(NEEDED) <= set(rows):
        return []
    golds = _golds(data, runs[0].plan["data_sha256"])
    users = sorted({user for user, _ in rows["cope"]})
    chosen = {"median": median_query(rows["cope"], rows["tam"]), "worst": worst_query(rows["cope"], rows["oppu"])}
    source, free = SOURCES[task]
    found = []
    for rule, (user, query) in chosen.items():
        words = golds[user, query].split()
        shown = golds[user, query] if free else " ".join(words[:WORDS])
        author = user if free else f"author {users.index(user) + 1} of {len(users)}"
        texts = {m: {"text": rows[m][user, query]["text"], "rougeL": rows[m][user, query]["rougeL"]} for m in NEEDED}
        cut = not free and len(words) > WORDS
        found.append({"rule": rule, "author": author, "source": source, "gold": shown, "cut": cut, **texts})
    return found


def median_query(cope: dict, tam: dict) -> tuple[str, str]:
    """(user, query) of the median author's most ordinary query. cope, tam: (user, query) -> row."""
    differences = _differences(cope, tam)
    by_user: dict[str, list[float]] = {}
    for (user, _), value in differences.items():
        by_user.setdefault(user, []).append(value)
    means = {user: round(mean(values), 9) for user, values in by_user.items()}
    middle = sorted(means.values())[(len(means) - 1) // 2]
    user = min(user for user, value in means.items() if value == middle)
    usual = median(by_user[user])
    own = {key: round(abs(value - usual), 9) for key, value in differences.items() if key[0] == user}
    return min(own, key=lambda key: (own[key], key))


def worst_query(cope: dict, oppu: dict) -> tuple[str, str]:
    """(user, query) at which cope loses most against oppu."""
    differences = _differences(cope, oppu)
    return min(differences, key=lambda key: (differences[key], key))


def _differences(one: dict, other: dict) -> dict[tuple[str, str], float]:
    return {key: round(row["rougeL"] - other[key]["rougeL"], 9) for key, row in one.items()}


def _golds(data: Path, sha256: str) -> dict[tuple[str, str], str]:
    from cope_demo.system.files import sha256_file

    authors = read_authors(data, USERS)
    if sha256_file(data / USERS) != sha256:
        raise CopeError(f"{data / USERS} is not the file that the runs have read: name the folder of their data.")
    return {(author.id, query.id): query.gold for author in authors for query in author.queries}
