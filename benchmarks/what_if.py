"""How often the alternatives that are sent show which token would win at another alpha and tau.

    python benchmarks/what_if.py [--json] [--quick]

Three sample users answer a prompt of their card. At each step of the CoPe column the true winner (over the whole
vocabulary) is compared with the one recomputed from the step's alternatives, as the page does it, at 16 alphas from 0
to 1.5 for each tau. The share is over steps and alphas; scores within 0.001 count as a tie.
Quick: one user, ten steps.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from common import table

from cope_demo.config import DecodeConfig
from cope_demo.decode import advancing
from cope_demo.decode.trace import TraceToken
from cope_demo.decode.tracing import TracedStep
from cope_demo.reward import cope_scores, penalize_repetition
from cope_demo.service.service import Service

USERS = ("ines", "juno", "walter")
ALPHAS = tuple(number / 10 for number in range(16))
TAUS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.0)


class ComparedStep(TracedStep):
    """A step that also notes for every tau and alpha whether its alternatives tell the true winner."""

    hits: dict[float, list[bool]] = {}

    def describe(self, tokens: Sequence[int], texts: Sequence[str]) -> list[TraceToken]:
        """See TracedStep; afterwards `hits` has more entries."""
        traced = super().describe(tokens, texts)
        for number, (column, token) in enumerate(zip(self.columns, traced, strict=True)):
            seen = torch.tensor(list(dict.fromkeys(column.ids[:-1])), dtype=torch.long)
            penalty = self.configs[number].repetition_penalty
            expert = penalize_repetition(self.user[number], seen, penalty).log_softmax(-1)
            logp_base = self.amateur[number].log_softmax(-1)
            own = {other.id: float(expert[other.id]) for other in token.alternatives}
            for tau in TAUS:
                head = [number for number, value in own.items() if value >= max(own.values()) + math.log(tau) - 1e-4]
                for alpha in ALPHAS:
                    winner = max(head, key=lambda number: own[number] - alpha * float(logp_base[number]))
                    truth = cope_scores(expert, logp_base, alpha, tau).max()
                    told = abs(float(own[winner] - alpha * logp_base[winner] - truth)) < 1e-3
                    self.hits.setdefault(tau, []).append(told)
        return traced


def describe_hits(name: object, values: list[bool]) -> dict:
    """A row of the table."""
    return {"tau": name, "told": f"{sum(values) / len(values):.1%}", "n": len(values)}


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows: the first user's alone, then all by tau."""
    service = Service()
    cards = {card.id: card for card in service.store.samples()}
    advancing.TracedStep, ComparedStep.hits = ComparedStep, {}
    config = DecodeConfig(max_new_tokens=10 if quick else 40)
    for user in USERS[: 1 if quick else None]:
        list(service.compare(user, cards[user].prompts[0], config, methods=("cope",)))
        every = [hit for values in ComparedStep.hits.values() for hit in values]
        yield describe_hits(f"all, up to {user}", every)
    for tau, values in ComparedStep.hits.items():
        yield describe_hits(tau, values)


if __name__ == "__main__":
    table("Winners told by ten alternatives", measure)
