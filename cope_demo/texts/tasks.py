"""The five LaMP/LongLaMP tasks and free writing: record fields in, instruction and answer out.

A prompt built from a record has exactly the wording of that data set's queries, so that a fit and a query meet. The
wording, faults included ("who has a given an overall rating of"), is part of the data format.
"""

import re
from dataclasses import dataclass

from cope_demo.errors import CopeError, quote


@dataclass(frozen=True)
class Sample:
    """One text of a person with the instruction it answers. An empty prompt has yet to be made from the text."""

    prompt: str
    response: str


def make_title_prompt(title: str) -> str:
    """Free writing: the instruction for a text with a title."""
    return f'Write a post titled "{_replace_quotes(title)}".'


def make_topic_prompt(phrases: list[str]) -> str:
    """Free writing: the instruction for a text with these key phrases (one or more)."""
    return f"Write a post about {' and '.join(filter(None, [', '.join(phrases[:-1]), phrases[-1]]))}."


def make_opening_prompt(words: str) -> str:
    """Free writing: the instruction for a text known by nothing but its first words."""
    return f'Write a post that begins with "{_replace_quotes(words)}".'


def _replace_quotes(text: str) -> str:
    return " ".join(text.replace('"', "'").split())


def read_field(record: dict, name: str) -> str:
    """A record's field as stripped text; numbers are written out (5.0 as 5), anything else that is no text is ""."""
    value = record.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True)
class Task:
    """One kind of writing.

    name: as in file and option names; label: as people read it; instruction: a hint for the prompt box;
    example_prompt: something to try; repetition_penalty, max_new_tokens: the decoding's defaults for it.
    prefix: how its instructions begin, up to the input. inputs: the record's fields that the instruction is made of.
    target: the field that is the person's own text. block: how a pasted text is read, in words.
    """

    name: str
    label: str
    instruction: str
    example_prompt: str
    repetition_penalty: float
    max_new_tokens: int
    prefix: str
    inputs: tuple[str, ...]
    target: str
    block: str

    @property
    def required(self) -> tuple[str, ...]:
        """The inputs that a record cannot do without."""
        return self.inputs

    def accepts(self, names) -> bool:
        """Whether records with these field names can be read: the task's own fields, or prompt and response."""
        return {*self.required, self.target} <= set(names) or {"prompt", "response"} <= set(names)

    def needs(self) -> str:
        """The fields that a record must have, in words."""
        own = [*self.required, self.target]
        listed = f"{', '.join(own[:-1])} and {own[-1]}" if len(own) > 1 else own[0]
        return f"{listed}, or prompt and response"

    def record(self, text: str) -> dict:
        """A pasted text as a record: its first line is the short field, the lines after it the long one.

        Raises CopeError for a text of one line.
        """
        first, _, rest = text.strip().partition("\n")
        if not rest.strip():
            raise CopeError(f"of one line only: {self.block}")
        return {self._short_field(): first.strip(), self._long_field(): rest.strip()}

    def _short_field(self) -> str:
        return self.target if self.target == "title" else self.inputs[0]

    def _long_field(self) -> str:
        return self.inputs[0] if self.target == "title" else self.target

    def sample(self, record: dict) -> Sample:
        """A record as instruction and answer. Raises CopeError when a field is missing or empty."""
        response = read_field(record, self.target)
        if {"prompt", "response"} <= record.keys() and not response:
            given, response = read_field(record, "prompt"), read_field(record, "response")
            if not given:
                raise CopeError("without a prompt")
            prompt = self.prompt(given)
        else:
            for name in self.required:
                if not read_field(record, name):
                    raise CopeError(f"without {name}")
            prompt = self._from_fields(record)
        if not response:
            raise CopeError(f"without {self.target if self.target in record else 'response'}")
        return Sample(prompt, response)

    def _from_fields(self, record: dict) -> str:
        return self.prefix + read_field(record, self.inputs[0])

    def prompt(self, text: str) -> str:
        """The instruction for a visitor's or a query's input; one that already begins as the task's do stays.

        Raises CopeError when the input is empty.
        """
        text = text.strip()
        if not text:
            raise CopeError(f"The prompt is empty: {self.instruction[0].lower()}{self.instruction[1:]}")
        return text if text.startswith(self.prefix.rstrip()) else self._from_input(text)

    def _from_input(self, text: str) -> str:
        return self.prefix + text


class _FreeWriting(Task):
    """Texts of any kind. A record is a text with or without a title, or an instruction and its answer."""

    def record(self, text: str) -> dict:
        return {"text": text}

    def sample(self, record: dict) -> Sample:
        text, title = read_field(record, "text"), read_field(record, "title")
        if "response" in record and not text:
            text = read_field(record, "response")
        if not text:
            raise CopeError("without text")
        return Sample(read_field(record, "prompt") or (make_title_prompt(title[:200]) if title else ""), text)


_LABEL = re.compile(r"\s*(rating|overall|stars|product|description|summary|title|review)\s*[:=]\s*(.*)", re.IGNORECASE)
_FIELDS = dict(rating="overall", stars="overall", product="description", title="summary", review="reviewText")
_STARS = re.compile(r"([1-5])(?:\.0)?\s*(?:/\s*5|out of 5|stars?)?\s*", re.IGNORECASE)


class _ReviewWriting(Task):
    """Product reviews: the instruction names the rating, the product and the review's summary, each if it is known."""

    def record(self, text: str) -> dict:
        labelled, rest = self._split_labels(text)
        if rest:
            labelled["reviewText"] = "\n".join(filter(None, [labelled.get("reviewText"), rest]))
        if "reviewText" not in labelled or "description" not in labelled:
            raise CopeError(f"without product or review: {self.block}")
        return labelled

    @staticmethod
    def _split_labels(text: str) -> tuple[dict[str, str], str]:
        """The lines "Rating: 4", "Product: …", "Summary: …", "Review: …" as fields, and all other lines."""
        found: dict[str, str] = {}
        rest = []
        for line in text.splitlines():
            match = _LABEL.fullmatch(line)
            name = _FIELDS.get(match[1].lower(), match[1].lower()) if match else ""
            # Once the review itself has begun, a line such as "Summary: it broke." belongs to it.
            if not match or name in found or "reviewText" in found:
                rest.append(line)
            elif match[2].strip():
                found[name] = match[2].strip()
        if stars := _STARS.fullmatch(found.get("overall", "")):
            found["overall"] = stars[1]
        return found, "\n".join(rest).strip()

    @property
    def required(self) -> tuple[str, ...]:
        return ("description",)

    def _from_fields(self, record: dict) -> str:
        rating, product, summary = (read_field(record, name) for name in ("overall", "description", "summary"))
        rated = f' who has a given an overall rating of "{rating}"' if rating else ""
        described = f' for a product with description "{product}"' if product else ""
        summed_up = f' The summary of the review text is "{summary}".' if summary else ""
        return f"{self.prefix}{rated}{described}.{summed_up}"

    def _from_input(self, text: str) -> str:
        labelled, rest = self._split_labels(text)
        described = [labelled.get("description"), labelled.pop("reviewText", None), rest]
        return self._from_fields({**labelled, "description": " ".join(" ".join(filter(None, described)).split())})


TASKS: dict[str, Task] = {
    task.name: task
    for task in [
        _FreeWriting(
            name="free_writing",
            label="Free writing",
            instruction='Say what to write, for example "Write a post about" and a topic.',
            example_prompt="Write a post about the first cold morning of the year.",
            repetition_penalty=1.1,
            max_new_tokens=80,
            prefix="",
            inputs=(),
            target="text",
            block="each text stands by itself.",
        ),
        Task(
            name="news_headline",
            label="News headlines",
            instruction="Give the article, or its first two or three sentences; you get its headline.",
            example_prompt=(
                "The night ferry to Saltholm was held at the pier for three hours on Saturday after a swan settled on "
                "the car ramp and could not be persuaded to leave. Passengers were given soup. The swan boarded at "
                "11.40pm and crossed with them."
            ),
            repetition_penalty=1.0,
            max_new_tokens=40,
            prefix="Generate a headline for the following article: ",
            inputs=("text",),
            target="title",
            block="its first line is read as the headline, the lines after it as the article.",
        ),
        Task(
            name="scholarly_title",
            label="Titles of papers",
            instruction="Give the abstract of a paper; you get its title.",
            example_prompt=(
                "Small language models are often adapted to one writer with a few dozen texts, yet it is unclear how "
                "many of them are needed. We fit low-rank adapters on 5 to 200 texts of 60 authors and measure how "
                "well each model tells its author's sentences from a neutral paraphrase. Most of the gain comes from "
                "the first 40 texts, and varied topics matter more than length."
            ),
            repetition_penalty=1.0,
            max_new_tokens=40,
            prefix="Generate a title for the following abstract of a paper: ",
            inputs=("abstract",),
            target="title",
            block="its first line is read as the title, the lines after it as the abstract.",
        ),
        Task(
            name="abstract_generation",
            label="Abstracts of papers",
            instruction="Give the title of a paper; you get its abstract.",
            example_prompt="How Many Texts Make a Voice? Adapting Small Language Models to Single Authors",
            repetition_penalty=1.1,
            max_new_tokens=160,
            prefix="Generate an abstract for the title ",
            inputs=("title",),
            target="abstract",
            block="its first line is read as the title, the lines after it as the abstract.",
        ),
        _ReviewWriting(
            name="review_writing",
            label="Product reviews",
            instruction='Describe the product, or give the lines "Rating: 4", "Product: …" and "Summary: …".',
            example_prompt=(
                "Rating: 4\n"
                "Product: Hand-cranked coffee grinder with ceramic burrs and a folding handle, 30 g\n"
                "Summary: Slow but honest"
            ),
            repetition_penalty=1.1,
            max_new_tokens=120,
            prefix="Generate the review text written by a reviewer",
            inputs=("overall", "description", "summary"),
            target="reviewText",
            block='it needs a line "Product: …", may have "Rating: 4" and "Summary: …", and then the review.',
        ),
        Task(
            name="topic_writing",
            label="Posts on a topic",
            instruction="Give the topic in one line, as the post's title would say it; you get the post.",
            example_prompt="Our street library was emptied overnight, and I know who did it",
            repetition_penalty=1.1,
            max_new_tokens=160,
            prefix="Generate the content for a reddit post ",
            inputs=("summary",),
            target="content",
            block="its first line is read as the topic, the lines after it as the post.",
        ),
    ]
}
"""Every task by its name, free writing first."""


def find_task(name: str) -> Task:
    """The task of that name. Raises CopeError that lists the names."""
    if name not in TASKS:
        raise CopeError(f"There is no task {quote(name)}; choose one of {', '.join(TASKS)}.")
    return TASKS[name]
