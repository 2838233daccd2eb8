"""The reference code's data files: users with their histories and queries, and other people's texts of the same task.

    user_top_100_history.json   [{"user_id", "profile": [records], "query": [{"id", "input", "gold"}]}]
    user_others.json            the same shape; its users train the task adapter

Source of the format: the paper's code (github.com/cleverscent/CoPe), after LaMP and LongLaMP.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cope_demo.errors import CopeError

from .tasks import Sample, Task

USERS, OTHERS = "user_top_100_history.json", "user_others.json"


@dataclass(frozen=True)
class Query:
    """One thing to write: its id, the instruction as the data set words it, and what the person wrote."""

    id: str
    input: str
    gold: str


@dataclass(frozen=True)
class Author:
    """A person of the data: history records as they stand, oldest first, and queries. skipped: malformed entries."""

    id: str
    profile: list[dict]
    queries: list[Query]
    skipped: int = 0

    def samples(self, task: Task) -> list[Sample]:
        """The history as samples; a record without the task's fields is left out."""
        found = []
        for record in self.profile:
            try:
                found.append(task.sample(record))
            except CopeError:
                continue
        return found

    def query_samples(self, task: Task) -> list[Sample]:
        """The queries as samples: instruction and gold."""
        return [Sample(task.prompt(query.input), query.gold) for query in self.queries]


def read_authors(folder: Path, name: str) -> list[Author]:
    """Reads USERS or OTHERS below `folder`. Raises CopeError when the file is missing or of another shape."""
    path = Path(folder) / name
    try:
        rows = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CopeError(f"There is no {name} in {folder}: name a folder of the reference code's data.") from error
    except (OSError, ValueError) as error:
        raise CopeError(f"{path} cannot be read as JSON ({error}); it must be a list of users.") from error
    if not isinstance(rows, list) or not rows:
        raise CopeError(f"{path} must be a JSON list of users, each with user_id, profile and query.")
    return [_make_author(row, number) for number, row in enumerate(rows)]


def _make_author(row, number: int) -> Author:
    row = row if isinstance(row, dict) else {}
    profile, queries, skipped = [], [], 0
    for record in row.get("profile") or []:
        if isinstance(record, dict):
            profile.append(record)
        else:
            skipped += 1
    for query in row.get("query") or []:
        texts = [query.get(key) if isinstance(query, dict) else None for key in ("id", "input", "gold")]
        if all(isinstance(text, str) and text.strip() for text in texts[1:]):
            queries.append(Query(str(texts[0]), texts[1], texts[2]))
        else:
            skipped += 1
    return Author(str(row.get("user_id", number)), profile, queries, skipped)
