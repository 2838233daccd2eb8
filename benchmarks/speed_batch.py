"""Many comparisons in shared steps (service/batch.py) against the same ones one after the other.

    python benchmarks/speed_batch.py [--json] [--quick]

50 prompts, three sample users and three alphas, 60 tokens in each of three columns; the texts run to their full length.
One after the other only every tenth prompt is written, as all would take ten times as long as they do. The page of a
batch is made of its traces, and its size is told. Quick: 4 prompts of 30 tokens, each of them also one after the other.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from common import table

USERS, ALPHAS = ("ines", "walter", "juno"), (0.1, 0.3, 0.5)
SUBJECTS = "the kettle|the bus|the rain|a late train|the shed|a lost glove|the market|the goose|the lamp|soup".split(
    "|"
)
TIMES = ("in the morning", "at night", "last week", "in March", "on a Sunday")
BAR = 3


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    from cope_demo.config import DecodeConfig
    from cope_demo.decode.methods import COLUMNS
    from cope_demo.service.batch import TRACES, Plan, run_batch
    from cope_demo.service.service import Service
    from cope_demo.system.files import read_json
    from cope_demo.ui.batch.page import write_page

    prompts = tuple(f"Write a post about {subject} {when}." for when in TIMES for subject in SUBJECTS)
    prompts = prompts[:4] if quick else prompts
    config = DecodeConfig(repetition_penalty=1.1, max_new_tokens=30 if quick else 60)
    service = Service()
    service.engine().base.__dict__["end_ids"] = frozenset()  # every text is as long as the others
    for user in USERS:  # the adapters are read, and what is compiled is compiled
        list(service.compare(user, prompts[0], replace(config, max_new_tokens=4)))
    alone = [(user, prompt, alpha) for prompt in prompts[:: 1 if quick else 10] for user in USERS for alpha in ALPHAS]
    started = time.perf_counter()
    for user, prompt, alpha in alone:
        list(service.compare(user, prompt, replace(config, alpha=alpha)))
    each = (time.perf_counter() - started) / len(alone)
    yield {"what": f"one after the other, s a comparison ({len(alone)} of them)", "measured": round(each, 2)}
    started = time.perf_counter()
    run_batch(service, Plan(USERS, prompts, ALPHAS, COLUMNS, config), folder, lambda done, of: None)
    count = len(list((folder / TRACES).iterdir()))
    shared = (time.perf_counter() - started) / count
    written = sum(len(c["tokens"]) for path in (folder / TRACES).iterdir() for c in read_json(path)["columns"])
    yield {"what": f"in a batch, s a comparison ({count} of them)", "measured": round(shared, 2)}
    yield {"what": "tokens a column there", "measured": written / count / len(COLUMNS)}
    yield {"what": "as many in the same time", "measured": round(each / shared, 1), "bar": BAR}
    started = time.perf_counter()
    write_page(folder, folder / "index.html")
    yield {"what": "its page is made in, s", "measured": round(time.perf_counter() - started, 1)}
    yield {"what": "its size, MB", "measured": round((folder / "index.html").stat().st_size / 1e6, 1)}


if __name__ == "__main__":
    table("Many comparisons at once", measure)
