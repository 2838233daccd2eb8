"""How alpha and the repetition penalty change free writing: the table behind the defaults of that task.

    python benchmarks/decode_defaults.py [--json] [--quick]

For each setting the three sample users of free writing answer six prompts (two of each card), so each also writes on
the others' subjects. Of the CoPe column's texts the table says
  own      share whose character trigrams are nearest to the right person's history, of the three (chance 0.33)
  loops    share of word 4-grams that the same text already had
  words    mean words a sentence (the histories': last row)
  ended    share that ended by itself within the length
  fluency  mean log-probability of a token under base, in nats: how ordinary the text is
Intervals are 95 %, by bootstrap over the texts. Quick: the first two prompts, texts of 16 tokens.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import table
from runs_compared import loops
from scipy.spatial.distance import cosine

from cope_demo.config import DecodeConfig
from cope_demo.service.service import Service

USERS = ("ines", "juno", "walter")
ALPHAS = (0.1, 0.3)
PENALTIES = (1.0, 1.1, 1.2)
LENGTH, QUICK_LENGTH = 60, 16


def trigrams(text: str) -> Counter:
    """Character trigrams, upper case and line ends kept: they are style too."""
    return Counter(text[i : i + 3] for i in range(len(text) - 2))


def nearest(text: str, histories: dict[str, Counter]) -> str:
    """The person whose history's trigram profile is nearest to the text's by cosine."""
    own = trigrams(text)

    def distance(name):
        keys = list(own)
        return cosine([own[k] for k in keys], [histories[name][k] / histories[name].total() for k in keys])

    return min(histories, key=distance)


def sentence_length(text: str) -> float:
    """Mean words a sentence."""
    parts = [part.split() for part in re.split(r"[.!?\n]+", text) if part.strip()]
    return sum(map(len, parts)) / max(1, len(parts))


def interval(values: list[float]) -> str:
    """Mean and 95 % bootstrap interval."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{np.mean(values):.2f} [{low:.2f}, {high:.2f}]"


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    service = Service()
    cards = {card.id: card for card in service.store.samples()}
    texts = {name: [sample.response for sample in service.store.open(name).history()] for name in USERS}
    histories = {name: trigrams("\n".join(own)) for name, own in texts.items()}
    prompts = [prompt for name in USERS for prompt in cards[name].prompts[:2]][: 2 if quick else None]
    length = QUICK_LENGTH if quick else LENGTH
    for penalty in PENALTIES:
        for alpha in ALPHAS:
            found: dict[str, list[float]] = {key: [] for key in ("own", "loops", "words", "ended", "fluency")}
            config = DecodeConfig(alpha=alpha, repetition_penalty=penalty, max_new_tokens=length, alternatives=0)
            for name in USERS:
                for prompt in prompts:
                    *_, trace = service.compare(name, prompt, config, methods=("cope",))
                    column = trace.column("cope")
                    found["own"].append(float(nearest(column.text, histories) == name))
                    found["loops"].append(loops(column.text))
                    found["words"].append(sentence_length(column.text))
                    found["ended"].append(float(column.stopped == "eos"))
                    found["fluency"].append(sum(t.logp_base for t in column.tokens) / len(column.tokens))
            yield {"penalty": penalty, "alpha": alpha} | {key: interval(own) for key, own in found.items()}
    every = [text for own in texts.values() for text in own]
    yield {"histories": len(every), "words": interval([sentence_length(text) for text in every])}


if __name__ == "__main__":
    table("CoPe's free writing by alpha and repetition penalty", measure)
