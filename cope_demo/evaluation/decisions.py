"""Which token a way of deciding takes at every step of a given text: nothing is written, so ways can be compared.

Reading what the author wrote, two ways meet the same beginnings, and a step at which they differ is a difference of the
ways and of nothing else. T steps of the text, V tokens of the vocabulary.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from cope_demo.fit.examples import Example
from cope_demo.model.adapters import LoraBank, name_mean
from cope_demo.reward import implicit_reward, penalize_repetition, plausible_head

from .reading import Model, Reader

PLACEMENTS = ("expert", "both", "score")
"""What a repetition penalty acts on: the expert's logits, as here everywhere; those of both models; or the contrasted
score, log pi_user - alpha log pi_base, with the prompt's tokens counted as seen, as in the authors' scripts."""


@dataclass(frozen=True)
class Rule:
    """A way of deciding.

    adapter: the adapter that decides, "" for base. scale: what its LoRA is multiplied with. alpha: None: no contrast.
    penalty, placement: the repetition penalty and what it acts on. others: whether the amateur is base with the mean of
    the other authors' adapters of that name, and not base alone.
    """

    name: str
    adapter: str
    scale: float = 1.0
    alpha: float | None = None
    penalty: float = 1.0
    placement: str = "expert"
    others: bool = False

    @property
    def amateur(self) -> str:
        """The name of the adapter that the amateur wears, "" for none."""
        return name_mean(self.adapter) if self.others else ""


@dataclass(frozen=True)
class Decisions:
    """What was read and decided of given texts.

    logps: by adapter, "" for base, log pi of every token of each text, float32 (T,). chosen: by rule the token that it
    takes at every step of each text, int64 (T,).
    """

    logps: dict[str, list[torch.Tensor]]
    chosen: dict[str, list[torch.Tensor]]


def apply_rules(
    reader: Reader, examples: Sequence[Example], rules: Collection[Rule], bank: LoraBank, tau: float
) -> Decisions:
    """What these rules take on the texts, each text read once by every model that has a part in them."""
    amateurs = [Model(rule.amateur) for rule in rules if rule.alpha is not None]
    models = dict.fromkeys([*amateurs, *(Model(rule.adapter, rule.scale) for rule in rules)])
    logps: dict[str, list[torch.Tensor]] = {model.adapter: [] for model in models if model.scale == 1}
    chosen: dict[str, list[torch.Tensor]] = {rule.name: [] for rule in rules}
    seen: dict[str, torch.Tensor] = {}  # of the text at hand, whose amateurs are read first
    for number, model, logits in reader.read(examples, list(models), bank):
        example, logits = examples[number], logits.float()
        if model.scale == 1:
            ids = torch.tensor(example.response_ids, device=logits.device)[:, None]
            logps[model.adapter].append(logits.log_softmax(-1).gather(-1, ids)[:, 0])
        if model in amateurs:
            seen[model.adapter] = logits
        for rule in (one for one in rules if (one.adapter, one.scale) == (model.adapter, model.scale)):
            amateur = None if rule.alpha is None else seen[rule.amateur]
            given = example.response_ids, example.prompt_ids
            chosen[rule.name].append(choose_tokens(logits, amateur, rule, tau, *given))
    return Decisions(logps, chosen)


def choose_tokens(
    user: torch.Tensor,
    amateur: torch.Tensor | None,
    rule: Rule,
    tau: float,
    given: Sequence[int] = (),
    prompt: Sequence[int] = (),
) -> torch.Tensor:
    """The token that the rule takes at every step: int64 (T,).

    user, amateur: the logits (T, V) of both models, the second where the rule contrasts, after the prompt and the first
    0, 1, ... T - 1 tokens of `given`. At penalty 1 it is the token that decode/choice.py takes; with one, `given` and
    `prompt` are what was seen.
    """
    plain = rule.penalty == 1
    expert = user if plain or rule.placement == "score" else _penalize_steps(user, rule.penalty, given)
    expert = expert.log_softmax(-1)
    if rule.alpha is None:
        return expert.argmax(-1)
    base = amateur if plain or rule.placement != "both" else _penalize_steps(amateur, rule.penalty, given)
    score = implicit_reward(expert, base.log_softmax(-1), rule.alpha)
    if not plain and rule.placement == "score":
        score = _penalize_steps(score, rule.penalty, given, prompt)
    return score.masked_fill(~plausible_head(expert, tau), float("-inf")).argmax(-1)


def _penalize_steps(
    values: torch.Tensor, penalty: float, given: Sequence[int], prompt: Sequence[int] = ()
) -> torch.Tensor:
    """The values (T, V) of every step with those of the tokens before it made less likely."""
    steps = []
    for step, row in enumerate(values):
        seen = sorted({*prompt, *given[:step]})
        steps.append(penalize_repetition(row, torch.tensor(seen, dtype=torch.long, device=row.device), penalty))
    return torch.stack(steps)
