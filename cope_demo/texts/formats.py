"""A history's file formats: pasted text, Markdown, JSON, JSON lines and CSV, each as a list of entries."""

import csv
import io
import json
import re
from itertools import islice

from cope_demo.errors import CopeError

from .cleaning import clean, shorten
from .tasks import TASKS, Task

Entry = str | dict
"""A pasted text, or a record of fields."""

MAX_ENTRIES = 300_000
"""Texts of a history: far more than 5 MB of anybody's writing hold, and few enough to be looked through at once."""
MAX_HEADER, MAX_COLUMNS = 10_000, 1000
"""Characters of a CSV's first line that say what separates its columns, and columns that are looked at."""
TEXT, JSON, CSV = (".txt", ".md", ".markdown", ".text"), (".json", ".jsonl", ".ndjson"), (".csv", ".tsv")
_SEPARATOR = re.compile(r"^[ \t]*(?:-{3,}|—[-–—]+)[ \t]*$", re.MULTILINE)
"""A line of `---`; phones turn it into dashes while one types."""
_HEADING = re.compile(r"#{1,6}[ \t]+\S.*")
_COLUMNS = {
    name.lower(): name
    for name in ["prompt", "response", "title", *(f for task in TASKS.values() for f in (*task.inputs, task.target))]
}


def read_entries(text: str, suffix: str | None, task: Task) -> tuple[list[Entry], list[str]]:
    """The entries of a history in their order, and warnings.

    suffix: the file name's, in lower case; None for pasted text and names without one, where JSON is recognised by
    itself. Raises CopeError when the content is not what the suffix says, holds none of the task's fields, or has more
    than MAX_ENTRIES entries.
    """
    entries, warnings = _read_entries(text, suffix, task)
    if len(entries) > MAX_ENTRIES:
        raise CopeError(
            f"The history holds more than {MAX_ENTRIES:,} texts, and no more can be read. Only the newest ones would "
            "be used anyway, so give those."
        )
    return entries, warnings


def _read_entries(text: str, suffix: str | None, task: Task) -> tuple[list[Entry], list[str]]:
    if suffix in CSV:
        return _read_csv(text, task), []
    if suffix in JSON:
        return _read_json(_parse_json(text), task)
    if suffix not in (None, *TEXT):
        raise CopeError(
            f"{shorten(suffix)} files cannot be read; give .txt, .md, .json, .jsonl or .csv, or paste the text."
        )
    if suffix is None and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        try:
            value = _parse_json(text)
        except CopeError:
            value = None  # a text that happens to begin with a bracket
        if any(isinstance(item, dict) for item in (value if isinstance(value, list) else [value])):
            return _read_json(value, task)
    return list(split_blocks(text)), []


def split_blocks(text: str) -> list[str]:
    """Pasted text as single texts.

    If any line of `---` exists, only such lines separate, so that a text may hold paragraphs; else every blank line
    does. Without `---` a Markdown heading alone in its block belongs to the block after it, as that text's title.
    """
    text = clean(text)
    if _SEPARATOR.search(text):
        return [part for part in map(str.strip, _SEPARATOR.split(text)) if part]
    found: list[str] = []
    heading = ""
    for part in filter(None, map(str.strip, text.split("\n\n"))):
        if _HEADING.fullmatch(part):
            found += [heading] if heading else []
            heading = part
        else:
            found.append(f"{heading}\n{part}" if heading else part)
            heading = ""
    return found + ([heading] if heading else [])


def _parse_json(text: str):
    """A JSON value, or the list of a JSON-lines file's values."""
    text = text.lstrip("\ufeff")
    if not text.strip():
        return []
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise CopeError("The JSON is nested too deeply; give a list of records.") from None
    except ValueError as error:
        whole = error
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(values) > MAX_ENTRIES:  # read_entries says so
            break
        try:
            values.append(json.loads(line, strict=False))
        except (ValueError, RecursionError):
            if not values:
                reason = getattr(whole, "msg", "a number is too long")
                where = f"line {whole.lineno}: " if hasattr(whole, "lineno") else ""
                raise CopeError(
                    f"This is not JSON ({where}{reason}); give a list of records or one record a line, "
                    'for example {"prompt": "…", "response": "…"}.'
                ) from None
            raise CopeError(
                f"Line {number} is not JSON ({shorten(line, 40)}); each line must hold one whole record."
            ) from None
    return values


def _is_user(value) -> bool:
    return isinstance(value, dict) and isinstance(value.get("profile"), list)


def _read_json(value, task: Task) -> tuple[list[Entry], list[str]]:
    """JSON as entries: a list of records or strings, one record, or one user with a profile."""
    if isinstance(value, list) and value and all(map(_is_user, value)):
        if len(value) > 1:
            names = ", ".join(shorten(str(user.get("user_name") or user.get("user_id")), 30) for user in value[:3])
            raise CopeError(
                f"The file holds {len(value)} users ({names}{', …' if len(value) > 3 else ''}); "
                'pick one and give only that user\'s {"profile": […]} object.'
            )
        value = value[0]
    from_profile = _is_user(value)
    if from_profile:
        value = value["profile"]
    records = [value] if isinstance(value, dict) else value
    if not isinstance(records, list) or not all(isinstance(record, (str, dict)) for record in records):
        raise CopeError(
            'The JSON must be a list of records such as {"prompt": "…", "response": "…"}, {"text": "…"} or a '
            f"LaMP profile's, with {task.needs()}."
        )
    fields = [record for record in records if isinstance(record, dict)]
    if fields and len(fields) == len(records) and not any(map(task.accepts, fields)):
        names = dict.fromkeys(name for record in fields for name in record)
        raise _wrong_fields_error("The JSON's records have the fields", names, task)
    warnings = []
    if from_profile and task.name == "free_writing" and all("title" in record for record in fields):
        warnings.append(
            "A LaMP profile with titles was read as free writing: each text is learned as this person's own. If the "
            f"person wrote only the titles, choose the task {TASKS['news_headline'].label} instead."
        )
    return records, warnings


def _wrong_fields_error(what: str, names, task: Task) -> CopeError:
    """The error for records or columns that are not the task's; it names the task that they would suit."""
    listed = ", ".join(shorten(str(name), 30) for name in list(names)[:8]) or "none"
    special_first = sorted(TASKS.values(), key=lambda other: other.name == "free_writing")
    other = next((t for t in special_first if t.accepts(names)), None)
    remedy = f"choose the task {other.label}, or rename them" if other else "rename them"
    return CopeError(f"{what} {listed}, but {task.label} needs {task.needs()}; {remedy}.")


def _order_delimiters(header: str) -> list[str]:
    """What may separate the columns: first what the header's line has most of. (csv.Sniffer takes seconds where quotes
    do not match.)
    """
    return sorted(",;\t|", key=lambda character: -header.count(character))


def _read_csv(text: str, task: Task) -> list[dict]:
    """A CSV's rows as records. The columns' names are matched without regard to case; others are left out."""
    text = text.lstrip("\ufeff").replace("\x00", "")
    if not text.strip():
        return []
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\s*", first):  # Excel's own hint
        text = rest
    names: list[str] = []
    try:
        for delimiter in _order_delimiters(text[:MAX_HEADER].partition("\n")[0]):
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            header = [_COLUMNS.get(name.strip().lower(), name.strip()) for name in next(rows, [])[:MAX_COLUMNS]]
            if task.accepts(header):
                rows = (row[:MAX_COLUMNS] for row in islice(rows, MAX_ENTRIES + 1))
                return [dict(zip(header, row, strict=False)) for row in rows if any(cell.strip() for cell in row)]
            names = max(names, header, key=len)
    except csv.Error as error:
        raise CopeError(
            f"The CSV cannot be read ({error}); most often a quotation mark is not closed. Save it anew from the "
            "spreadsheet, or give .txt or .jsonl."
        ) from None
    raise _wrong_fields_error("The CSV's first row names the columns", names, task)
