"""Makes the sample users' saved comparisons from the embedded model: make comparisons

One for each of their example prompts, in cope_demo/ui/site/comparison_data; tests/ui/site/test_comparisons.py holds
them to what the decoder says today, up to near ties.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.config import DecodeConfig  # noqa: E402
from cope_demo.service.service import Service  # noqa: E402
from cope_demo.system.files import write_whole  # noqa: E402
from cope_demo.texts.tasks import find_task  # noqa: E402
from cope_demo.ui.site.comparisons import FOLDER, format_comparison, list_names  # noqa: E402

MOST_TOKENS = 50
"""Of a column. The differences between columns show by then, and a file stays under 100 kB."""


def main() -> None:
    service = Service()
    FOLDER.mkdir(exist_ok=True)
    for card in service.store.samples():
        task = find_task(card.task)
        length = min(task.max_new_tokens, MOST_TOKENS)
        config = DecodeConfig(repetition_penalty=task.repetition_penalty, max_new_tokens=length)
        for name, prompt in zip(list_names(card), card.prompts, strict=True):
            *_, trace = service.compare(card.id, prompt, config)
            text = format_comparison(trace, config)
            write_whole(FOLDER / f"{name}.jsonl", text)
            print(f"{name}: {len(text):,} bytes", *(f"  {c.method}: {c.text!r}" for c in trace.columns), sep="\n")


if __name__ == "__main__":
    main()
