"""Makes the saved comparisons of the lessons from the embedded model and the sample users: make lessons [NAME ...]

Reads cope_demo/ui/panels/lesson_data/NAME.json and writes traces/NAME.json beside it. Run the tests afterwards: where a
comparison has changed, they name the sentences that it no longer bears out.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.config import DecodeConfig  # noqa: E402
from cope_demo.service.service import Service  # noqa: E402
from cope_demo.ui.panels.lessons import FOLDER, ORDER  # noqa: E402

DIGITS = 4
LIMIT = 300_000
"""Bytes of a saved comparison."""


def made(service: Service, lesson: dict) -> dict:
    """The lesson's trace: one run for each pair of alpha and tau, its columns put together."""
    first, columns = lesson["settings"], lesson["columns"]
    runs: dict[tuple, list[str]] = {}
    for key, own in columns.items():
        runs.setdefault((own.get("alpha", first["alpha"]), own.get("tau", first["tau"])), []).append(key)
    written, trace = {}, {}
    for (alpha, tau), keys in runs.items():
        config = DecodeConfig(**{**first, "alpha": alpha, "tau": tau})
        methods = tuple(columns[key].get("of", key) for key in keys)
        *_, last = service.compare(lesson["user"], lesson["prompt"], config, methods, against=lesson.get("against", ""))
        trace = last.to_json()
        written |= {key: {**column, "method": key} for key, column in zip(keys, trace["columns"], strict=True)}
    return {**trace, "alpha": first["alpha"], "tau": first["tau"], "columns": [written[key] for key in columns]}


def rounded(data):
    """The same with numbers of four digits after the point, which is more than the page shows."""
    if isinstance(data, float):
        return round(data, DIGITS)
    if isinstance(data, dict):
        return {key: rounded(value) for key, value in data.items()}
    return [rounded(value) for value in data] if isinstance(data, (list, tuple)) else data


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("name", nargs="*", help=f"of {', '.join(ORDER)} (default: all)")
    service = Service()
    (FOLDER / "traces").mkdir(exist_ok=True)
    for name in options.parse_args().name or ORDER:
        lesson = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        trace = rounded(made(service, lesson))
        text = json.dumps(trace, ensure_ascii=False, separators=(",", ":")) + "\n"
        size = len(text.encode())
        if size > LIMIT:
            sys.exit(f"{name} has {size:,} bytes, and {LIMIT:,} are allowed: lower max_new_tokens.")
        (FOLDER / "traces" / f"{name}.json").write_text(text, "utf-8")
        print(f"{name}: {size:,} bytes", *(f"  {c['method']}: {c['text']!r}" for c in trace["columns"]), sep="\n")


if __name__ == "__main__":
    main()
