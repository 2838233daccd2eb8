"""A person's texts: this package takes pasted text or files and gives Samples (instruction and answer), without torch.

This file reads a whole history and reports what was kept, cut and dropped, and why: any input gives a History, or a
CopeError that says what is wrong and what to do. tasks.py defines the Sample and the wording of each task's
instructions, formats.py the file formats, cleaning.py encodings and clean text, lamp.py the reference code's data.
key_phrases.py finds the topics for the instructions of free writing and likeness.py measures how near a text is to a
history; both read sentence embeddings (embedding.py).
"""

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cope_demo.errors import CopeError

from .cleaning import check_printable, clean, count_words, cut, decode, shorten
from .formats import Entry, read_entries
from .tasks import Sample, Task, find_task, make_opening_prompt, make_title_prompt, make_topic_prompt

MAX_BYTES = 5_000_000
"""A history of this size or more is refused before it is parsed."""
MAX_TEXTS = 200
"""The newest (last) texts kept."""
MAX_LOOKED_AT = 2000
"""Texts looked at, from the last one back, to find those."""
MAX_RESPONSE = 2000
"""Characters of a text: about 500 tokens, more than a fit uses."""
MAX_PROMPT = 4000
"""Characters of an article, abstract or instruction."""
MAX_CLEANED = 50_000
"""Characters of a text that are cleaned, before it is cut to the lengths above."""
MIN_WORDS = 3
"""Words of a text in free writing."""
MIN_TEXTS = 5
FEW_TEXTS = 15
ADVICE = "In pasted text a blank line, or better a line of ---, stands between two texts."

_TITLE_WORDS = range(2, 11)
_NO_TITLE = re.compile(
    r"(?:[-*•>]|\d+[.)])\s|(?:dear|hi|hello|hey)\b|.*(?<!\bmr)(?<!\bmrs)(?<!\bdr)(?<!\bst)(?<!\bno)[.!?…][\"'”’)]*\s",
    re.IGNORECASE,
)
"""Lines that are a list's item, a greeting, or hold the end of a sentence."""
_TITLE_END = re.compile(r"[.!?…:;,\-–—。！？][\"'”’)*_]*$")
_HEADING = re.compile(r"#{1,6}[ \t]+(.*?)[ \t#]*")


@dataclass(frozen=True)
class Note:
    """What happened to one text, number `number` of the history counted from 1.

    action: "cut" or "dropped". reason: why, the same words for all texts with the same fate. excerpt: its beginning.
    count: how many texts in a row the note speaks of, from `number` on.
    """

    number: int
    action: str
    reason: str
    excerpt: str
    count: int = 1


@dataclass
class History:
    """The usable texts of a person, in the order given.

    samples: as instruction and answer; task: the name of their task; found: texts in the input, usable or not;
    notes: what was cut and dropped, in order; warnings: sentences that concern the whole.
    """

    samples: list[Sample]
    task: str
    found: int
    notes: list[Note] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """What became of the texts, such as "12 texts found, 10 kept. 2 dropped: 2 shorter than 3 words."."""
        if not self.found:
            return "No text found."
        parts = [f"{_count_texts(self.found)} found, {len(self.samples)} kept."]
        for action in ("cut", "dropped"):
            reasons: Counter = Counter()
            for note in self.notes:
                if note.action == action:
                    reasons[note.reason] += note.count
            if reasons:
                listed = "; ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
                parts.append(f"{reasons.total():,} {action}: {listed}.")
        return " ".join(parts)

    def to_json(self) -> dict:
        """The history and its report as plain dicts and lists."""
        return {**asdict(self), "kept": len(self.samples), "summary": self.summary()}


def _count_texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count:,} texts"


def _load(source: str | bytes | Path, filename: str | None) -> tuple[str, str | None, list[str]]:
    """The input as text, its file name's suffix (None for pasted text), and warnings."""
    if isinstance(source, Path):
        filename = filename or source.name
        try:
            if not source.is_file():
                raise CopeError(f"There is no file {str(source)!r}; check the path of the history.")
            if source.stat().st_size >= MAX_BYTES:
                raise _too_large_error(source.stat().st_size)
            source = source.read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL
            reason = getattr(error, "strerror", None) or error
            raise CopeError(f"The history {str(source)!r} cannot be read: {reason}.") from error
    size = len(source)
    if isinstance(source, str) and size < MAX_BYTES:
        size = len(source.encode(errors="replace"))
    if size >= MAX_BYTES:
        raise _too_large_error(size)
    text, warning = decode(source) if isinstance(source, bytes) else (check_printable(source), None)
    suffix = Path(filename).suffix.lower() if filename else ""
    return text, suffix or None, [warning] if warning else []


def _too_large_error(size: int) -> CopeError:
    return CopeError(
        f"The history is too large: {size / 1e6:.1f} MB, while less than {MAX_BYTES / 1e6:.0f} MB can be read. "
        f"Only the newest {MAX_TEXTS} texts would be used anyway, so give those."
    )


def split_title(text: str) -> tuple[str, str]:
    """A clean text as its title ("" if it has none) and its body.

    A title is a Markdown heading, or a first line of 2 to 10 words without a sentence end that stands above running
    text: not a greeting, not a list's first item or the line that announces it, not the first line of a poem or list
    (whose lines are all short), and not the beginning of a sentence that was wrapped onto the next line.
    """
    first, _, rest = text.partition("\n")
    body = rest.strip()
    if not body:
        return "", text
    heading = _HEADING.fullmatch(first) if len(first) <= 200 else None
    if heading and heading[1].strip("*_ "):
        return heading[1].strip("*_ "), body
    wrapped = not rest.startswith("\n") and body[0].islower()
    if wrapped or count_words(first) not in _TITLE_WORDS or len(first) > 100 or _NO_TITLE.match(first):
        return "", text
    longest = max(body.split("\n"), key=len)
    running = count_words(longest) > _TITLE_WORDS[-1] and (rest.startswith("\n") or len(longest) >= 2 * len(first))
    if not running or _TITLE_END.search(first):
        return "", text
    return first.strip("*_ "), body


def _clean_record(record: dict, task: Task) -> tuple[dict, str]:
    """A record with its texts clean and no longer than allowed, and where its own text was cut ("" if it was not)."""
    result, where = {}, ""
    answer = "response" if "response" in record and not record.get(task.target) else task.target
    for name, value in record.items():
        if isinstance(value, str):
            value, cut_at = cut(clean(value[:MAX_CLEANED]), MAX_RESPONSE if name == answer else MAX_PROMPT)
            where = cut_at if name == answer else where
        result[name] = value
    return result, where


def _make_sample(entry: Entry, task: Task) -> tuple[Sample, str]:
    """An entry as a sample, and where its text was cut. Raises CopeError with the reason if it is not usable."""
    record = task.record(clean(entry[:MAX_CLEANED])) if isinstance(entry, str) else entry
    title = ""
    if task.name == "free_writing" and not record.get("title") and not record.get("prompt"):
        name = "text" if isinstance(record.get("text"), str) else "response"
        if isinstance(record.get(name), str):
            title, body = split_title(clean(record[name][:MAX_CLEANED]))
            record = {**record, name: body}
    record, where = _clean_record(record, task)
    sample = task.sample(record)
    if task.name == "free_writing" and count_words(sample.response) < MIN_WORDS:
        raise CopeError(f"shorter than {MIN_WORDS} words")
    return Sample(make_title_prompt(title), sample.response) if title else sample, where


def read_history(source: str | bytes | Path, filename: str | None = None, task: str = "free_writing") -> History:
    """Reads a history, quickly: nothing is loaded, and free writing without a title or prompt keeps the prompt "".

    source: pasted text or a file's text, a file's bytes, or a file's path. filename: its name, whose suffix says the
    format (.txt .md .json .jsonl .csv); without one it is pasted text, or JSON if it is a list of records. task: a name
    in TASKS. Too few texts are no error here. Raises CopeError when it is too large, not text, or not in the format.
    """
    kind = find_task(task)
    text, suffix, warnings = _load(source, filename)
    found, more = read_entries(text, suffix, kind)
    kept: list[Sample] = []
    notes: list[Note] = []
    seen = set()
    for number in range(len(found), 0, -1):
        entry = found[number - 1]
        if len(kept) == MAX_TEXTS or len(found) - number == MAX_LOOKED_AT:
            many = f"{MAX_TEXTS} usable" if len(kept) == MAX_TEXTS else f"{MAX_LOOKED_AT:,}"
            reason = f"older than the newest {many} (the last texts are kept)"
            notes.append(Note(1, "dropped", reason, _make_excerpt(found[0], kind), number))
            break
        excerpt = _make_excerpt(entry, kind)
        try:
            sample, where = _make_sample(entry, kind)
        except CopeError as reason:
            notes.append(Note(number, "dropped", str(reason).rstrip("."), excerpt))
            continue
        key = tuple("".join(part.split()).casefold() for part in (sample.prompt, sample.response))
        if key in seen:
            notes.append(Note(number, "dropped", "the same as a later text", excerpt))
            continue
        seen.add(key)
        kept.append(sample)
        if where:
            notes.append(Note(number, "cut", f"longer than {MAX_RESPONSE:,} characters (cut {where})", excerpt))
    return History(kept[::-1], kind.name, len(found), notes[::-1], warnings + more)


def _make_excerpt(entry: Entry, task: Task) -> str:
    """The beginning of an entry's own text, for a report."""
    if isinstance(entry, dict):
        names = (task.target, "response", "text", *entry)
        entry = next((value for value in map(entry.get, names) if isinstance(value, str) and value), "")
    return shorten(clean(entry[:300]))


def parse_history(source: str | bytes | Path, filename: str | None = None, task: str = "free_writing") -> History:
    """Reads a history for a fit: like `read_history`, with an instruction for every text and enough of them.

    Free writing without a title or prompt gets an instruction from its key phrases: 1 for a text of up to 30 words, 2
    up to 60, else 3, so that a visitor's "Write a post about …" is like the fit's, with one topic or several.
    Raises CopeError also when fewer than 5 texts are usable; up to 15 are taken with a warning.
    """
    history = read_history(source, filename, task)
    count = len(history.samples)
    if not history.found:
        raise CopeError(f"The history is empty: give at least {MIN_TEXTS} texts, better 20 to 40. {ADVICE}")
    if count < MIN_TEXTS:
        raise CopeError(
            f"{_count_texts(count) if count else 'No text'} of this history can be used, and a fit needs at least "
            f"{MIN_TEXTS}, better 20 to 40: add more. ({history.summary()}) {ADVICE}"
        )
    if count <= FEW_TEXTS:
        history.warnings.append(
            f"Only {count} texts: the model will pick up habits such as length, punctuation and favourite words, but "
            "hardly a style, and it may repeat whole phrases. With 20 to 40 texts it is much better."
        )
    _instruct(history)
    return history


def instruct_text(text: str) -> Sample:
    """A text of free writing as a fit would read it: with the instruction from its title or its key phrases.

    Raises CopeError when it is shorter than 3 words or longer than a history's texts may be.
    """
    try:
        sample, cut_at = _make_sample(text, find_task("free_writing"))
    except CopeError as reason:
        raise CopeError(f"The text is {str(reason).rstrip('.')}; give a longer one.") from reason
    if cut_at:
        raise CopeError(f"The text is longer than {MAX_RESPONSE:,} characters; shorten it.")
    history = History([sample], "free_writing", 1)
    _instruct(history)
    return history.samples[0]


def _instruct(history: History) -> None:
    """Makes the missing instructions of free writing, truthfully, from the texts themselves."""
    missing = [number for number, sample in enumerate(history.samples) if not sample.prompt]
    if not missing:
        return
    from .key_phrases import extract_key_phrases, extract_tfidf_phrases, is_past_form

    texts = [history.samples[number].response for number in missing]
    try:
        phrases = extract_key_phrases(texts)
    except CopeError as error:
        phrases = extract_tfidf_phrases(texts)
        history.warnings.append(f"Topics were taken from word counts alone. {error}")
    for number, text, found in zip(missing, texts, phrases, strict=True):
        words = count_words(text)
        if words <= 30:  # one topic, and "a post about walked" has none
            found = [phrase for phrase in found if not is_past_form(phrase)]
        about = found[: 1 if words <= 30 else 2 if words <= 60 else 3]
        prompt = make_topic_prompt(about) if about else make_opening_prompt(shorten(" ".join(text.split()[:4]), 30))
        history.samples[number] = Sample(prompt, text)
