"""How often the verdict of "Does this sound like me?" is right, on texts that no fit has seen.

    python benchmarks/verdicts.py [--json] [--quick]

For every held-out text of the sample users: against base's answer to the same instruction (two texts); alone, where the
own text should come out above 0 and base's below (one text); and, among the three who write freely, against a held-out
text of the next person, each under its own instruction (another person's). "sure" is the share whose 95 % interval
leaves out 0, "right" the share with the right sign, "right if sure" that among the sure ones.
Quick: one text of each.
"""

from collections.abc import Iterator
from pathlib import Path

from common import table

from cope_demo.decode.verdict import Estimate, difference, preference
from cope_demo.service.service import Service

FREE = ("ines", "juno", "walter")


def row(what: str, found: list[tuple[Estimate, int]]) -> dict:
    """A row of the table from estimates and the sign that each should have."""
    right = [estimate.mean * sign > 0 for estimate, sign in found]
    sure = [hit for hit, (estimate, _) in zip(right, found, strict=True) if estimate.sure]
    return {
        "verdict": what,
        "n": len(found),
        "right": f"{sum(right) / len(right):.0%}",
        "sure": f"{len(sure) / len(found):.0%}",
        "right if sure": f"{sum(sure) / len(sure):.0%}" if sure else "-",
    }


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    service = Service()

    def tokens(user: str, pair: dict, name: str) -> list:
        return service.score(user, pair["prompt"], pair[name]).columns[0].tokens[:-1]

    held = {
        card.id: [pair for pair in service.fit_details(card.id)["pairs"] if pair["part"] == "held_out"][
            : 1 if quick else None
        ]
        for card in service.store.samples()
    }
    two, one, others = [], [], []
    for user, pairs in held.items():
        for pair in pairs:
            own, base = tokens(user, pair, "chosen"), tokens(user, pair, "rejected")
            two.append((difference(own, base), 1))
            one += [(preference(own), 1), (preference(base), -1)]
    yield from (row("own against base's", two), row("one text", one))
    for user, other in zip(FREE, (*FREE[1:], FREE[0]), strict=True):
        for mine, theirs in zip(held[user], held[other], strict=True):
            others.append((difference(tokens(user, mine, "chosen"), tokens(user, theirs, "chosen")), 1))
    yield row("own against another person's", others)


if __name__ == "__main__":
    table("Verdicts on held-out texts", measure)
