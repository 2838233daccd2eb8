"""What a script publishes: numbers as JSON, which the page shows, and parts of a Markdown page made of them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path


def publish(docs: Path, name: str, data: dict, fill: Callable[[str, dict], str]) -> None:
    """Writes the data into NAME.json and fills NAME.md with it. fill: takes the page as it was, and the data."""
    (docs / f"{name}.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    page = docs / f"{name}.md"
    page.write_text(fill(page.read_text("utf-8"), data), "utf-8")


def fill_parts(text: str, parts: Mapping[str, str], page: str) -> str:
    """The page's text with what stands between `<!-- made: NAME -->` and `<!-- end: NAME -->` made anew; the rest is
    kept. parts: by these names. Raises ValueError, with the page's name, where a marker is not there once.
    """
    for name, part in parts.items():
        begin, end = f"<!-- made: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"{page} needs {begin} and, after it, {end}, each once.")
        text = text[: text.index(begin) + len(begin)] + f"\n\n{part}\n\n" + text[text.index(end) :]
    return text
