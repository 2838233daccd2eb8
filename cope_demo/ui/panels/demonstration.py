"""The first thing on the page: one prompt, answered by base and by CoPe from what was saved, at whichever alpha.

demonstration.json is made by `make demonstration`. It holds base's text and, of CoPe's texts at all alphas of the
slider, one tree: texts that begin alike share their steps, and each step has the candidates that matter with both
models' numbers. From these it follows which candidate wins at an alpha, and so the whole text (`write_text`); the
page's script does the same (demonstration_texts.js). Nothing of it needs the model, or Gradio.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cope_demo.decode.winner import contrast_winner
from cope_demo.ui.component import ASSETS, BUNDLES, say

FILE = Path(__file__).with_suffix(".json")
CSS = Path(__file__).with_suffix(".css")
ENDED, CUT = -1, -2
"""In the place of a following step: the text ended by itself, or reached the length limit."""
TEXT, LOGP_USER, LOGP_BASE, EXPERT, THEN = range(5)
"""A candidate's fields. EXPERT: its log-probability for the person after the repetition penalty. THEN: the step that
follows when it wins, or ENDED, or CUT; None where it wins at no alpha of the slider."""


@dataclass(frozen=True)
class Demonstration:
    """What was saved.

    prompt, user, tau and so on: of the comparison. who, occupation: of the sample user. alphas: {"most", "step",
    "first"} of the slider. base: the tokens of base's text. steps: lists of candidates, the first one the beginning of
    every text.
    """

    prompt: str
    user: str
    who: str
    occupation: str
    tau: float
    repetition_penalty: float
    max_new_tokens: int
    alphas: dict[str, float]
    base: list[str]
    steps: list[list[list]]

    def list_alphas(self) -> list[float]:
        """All places of the slider."""
        count = round(self.alphas["most"] / self.alphas["step"])
        return [round(place * self.alphas["step"], 4) for place in range(count + 1)]

    def write_text(self, alpha: float) -> list[tuple[list[list], int]]:
        """CoPe's text at an alpha: each step's candidates, and which of them wins.

        Raises KeyError where the tree does not go on.
        """
        written, at = [], 0
        while at >= 0:
            candidates = self.steps[at]
            experts, bases = ([one[field] for one in candidates] for field in (EXPERT, LOGP_BASE))
            wins = contrast_winner(experts, bases, alpha, self.tau)
            written.append((candidates, wins))
            at = candidates[wins][THEN]
            if at is None:
                raise KeyError(f"at alpha {alpha}, {candidates[wins][TEXT]!r} leads nowhere")
        return written


@cache
def read_demonstration() -> Demonstration:
    """What was saved."""
    return Demonstration(**json.loads(FILE.read_text("utf-8")))


def describe_demonstration() -> str:
    """The component's value."""
    return say(json.loads(FILE.read_text("utf-8")))


@cache
def render_opening() -> tuple[str, str]:
    """The page's beginning: what belongs into its head, and what its body begins with, before anything of Gradio's."""
    style = "\n".join(path.read_text("utf-8") for path in (ASSETS / "tokens.css", CSS))
    header, doors = ((ASSETS / f"{name}.html").read_text("utf-8") for name in ("header", "doors"))
    seen = f'<div class="opening">{header}<div class="cope cope-demonstration"></div>{doors}</div>'
    data = f'<script type="application/json" id="opening-data">{describe_demonstration()}</script>'
    script = f"<script>{(BUNDLES / 'opening.js').read_text('utf-8')}</script>"
    return f"<style>{style}</style>", f"{seen}{data}{script}"
