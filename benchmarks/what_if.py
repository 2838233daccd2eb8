"""How often the alternatives that are sent show which token would win at another alpha and tau.

    python benchmarks/what_if.py [--json]

Three sample users answer a prompt of their card. At each step of the CoPe column the true winner (over the whole
vocabulary) is compared with the one recomputed from the step's alternatives, as the page does it, at 16 alphas from 0
to 1.5 for each tau. The share is over steps and alphas; scores within 0.001 count as a tie.
"""

import math
from pathlib import Path

from common import table

from cope_demo.config import DecodeConfig
from cope_demo.decode import engine
from cope_demo.reward import cope_scores
from cope_demo.service.service import Service

USERS = ("ines", "juno", "walter")
ALPHAS = tuple(number / 10 for number in range(16))
TAUS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.0)


def measure(folder: Path) -> list[dict]:
    """The table's rows."""
    service = Service()
    cards = {card.id: card for card in service.store.samples()}
    hits: dict[float, list[bool]] = {tau: [] for tau in TAUS}
    original = engine.trace_token

    def trace_and_compare(base, token, text, logp_user, logp_base, expert, score, config):
        traced = original(base, token, text, logp_user, logp_base, expert, score, config)
        own = {other.id: float(expert[other.id]) for other in traced.alternatives}
        for tau in TAUS:
            head = [number for number, value in own.items() if value >= max(own.values()) + math.log(tau) - 1e-4]
            for alpha in ALPHAS:
                winner = max(head, key=lambda number: own[number] - alpha * float(logp_base[number]))
                truth = cope_scores(expert, logp_base, alpha, tau).max()
                hits[tau].append(abs(float(own[winner] - alpha * logp_base[winner] - truth)) < 1e-3)
        return traced

    engine.trace_token = trace_and_compare
    try:
        for user in USERS:
            list(service.compare(user, cards[user].prompts[0], DecodeConfig(max_new_tokens=40), methods=("cope",)))
    finally:
        engine.trace_token = original
    every = [hit for values in hits.values() for hit in values]
    rows = [{"tau": tau, "told": f"{sum(values) / len(values):.1%}", "n": len(values)} for tau, values in hits.items()]
    return [*rows, {"tau": "all", "told": f"{sum(every) / len(every):.1%}", "n": len(every)}]


if __name__ == "__main__":
    table("Winners told by ten alternatives", measure)
