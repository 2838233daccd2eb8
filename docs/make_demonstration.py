"""Makes what the page opens with from the embedded model and a sample user: make demonstration

Writes cope_demo/ui/panels/demonstration.json: base's text, and CoPe's texts at every alpha of the slider as one tree.
An alpha whose text the tree has already is not decoded again.
"""

import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.config import DecodeConfig  # noqa: E402
from cope_demo.decode.trace import Column  # noqa: E402
from cope_demo.decode.winner import contrast_winner  # noqa: E402
from cope_demo.service.service import Service  # noqa: E402
from cope_demo.system.files import write_whole  # noqa: E402
from cope_demo.ui.figures import round_logp  # noqa: E402
from cope_demo.ui.panels.demonstration import CUT, ENDED, EXPERT, FILE, LOGP_BASE, TEXT, THEN, Demonstration  # noqa: E402

USER, PROMPT = "ines", "Write a post about the night bus."
ALPHAS = {"most": 0.5, "step": 0.01, "first": 0.1}
LENGTH, PENALTY, CANDIDATES = 40, 1.1, 50
"""Tokens of a text, repetition penalty, and alternatives that are asked for at a step."""


def set_config(alpha: float) -> DecodeConfig:
    """The decoding at an alpha."""
    return DecodeConfig(alpha=alpha, repetition_penalty=PENALTY, max_new_tokens=LENGTH, alternatives=CANDIDATES)


def list_candidates(token, alpha: float, alphas: list[float]) -> list[list]:
    """A step's candidates that matter (fields of panels/demonstration.py), the likeliest for the person first.

    These are whoever wins at one of the slider's alphas, by what the decoder tells of its alternatives, and the
    favourites of the person and of base.
    """
    rows = [
        [o.text, *map(round_logp, (o.logp_user, o.logp_base, o.score + alpha * o.logp_base)), None]
        for o in token.alternatives
    ]
    experts, bases = ([row[field] for row in rows] for field in (EXPERT, LOGP_BASE))
    kept = {contrast_winner(experts, bases, other, DecodeConfig.tau) for other in alphas}
    kept |= {experts.index(max(experts)), bases.index(max(bases))}
    return sorted((rows[place] for place in kept), key=lambda row: -row[EXPERT])


def add_text(found: Demonstration, column: Column, alpha: float) -> None:
    """Adds a decoded text to the tree."""
    at, last = 0, len(column.tokens) - 1
    for place, token in enumerate(column.tokens):
        if at == len(found.steps):
            found.steps.append(list_candidates(token, alpha, found.list_alphas()))
        text = next(other.text for other in token.alternatives if other.id == token.id)
        candidate = min(
            (row for row in found.steps[at] if row[TEXT] == text),
            key=lambda row: abs(row[LOGP_BASE] - token.logp_base),
            default=None,
        )
        if candidate is None or not math.isclose(candidate[LOGP_BASE], token.logp_base, abs_tol=0.01):
            sys.exit(f"At alpha {alpha} the decoder took {text!r}, which is no candidate of its step.")
        if place == last:
            candidate[THEN] = ENDED if column.stopped == "eos" else CUT
        elif candidate[THEN] is None:
            candidate[THEN] = len(found.steps)
        at = candidate[THEN]


def main() -> None:
    service = Service()
    card = next(card for card in service.store.samples() if card.id == USER)
    who = card.name.split()[0]
    settings = {"tau": DecodeConfig.tau, "repetition_penalty": PENALTY, "max_new_tokens": LENGTH}
    found = Demonstration(PROMPT, USER, who, card.occupation.lower(), **settings, alphas=ALPHAS, base=[], steps=[])
    for alpha in found.list_alphas():
        try:
            if found.steps:
                found.write_text(alpha)
                continue
        except KeyError:
            pass
        methods = ("cope",) if found.steps else ("greedy", "cope")
        *_, trace = service.compare(USER, PROMPT, set_config(alpha), methods)
        if not found.steps:
            found.base.extend(token.text for token in trace.columns[0].tokens)
        add_text(found, trace.columns[-1], alpha)
        try:
            found.write_text(alpha)
        except KeyError as fault:
            sys.exit(f"The numbers lead elsewhere than the decoder, {fault.args[0]}: a near tie; choose another step.")
        print(f"alpha {alpha}: {trace.columns[-1].text!r}", flush=True)
    text = json.dumps(vars(found), ensure_ascii=False, separators=(",", ":")) + "\n"
    write_whole(FILE, text)
    print(f"{len(found.steps)} steps, {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
