"""What a step of the decoder leaves behind: each column's next token with its numbers, and those it was chosen from.

All columns of a step are computed at once, whoever they belong to: C columns with their own settings, V tokens.
"""

import math
from collections.abc import Sequence

import torch

from cope_demo.config import DecodeConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.reward import contrast_winners, penalize_repetition

from .choice import pick_token
from .request import RunningColumn
from .trace import Alternative, TraceToken

OTHER_ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
OTHER_TAUS = (0.01, 0.02, 0.03, 0.06, 0.18, 0.3)
"""The settings whose winners every step's alternatives hold: these alphas at these taus and at the run's own. They
take five of ten places on average, and tell the winner at 99 % of the settings between, too."""
NEAR = 64
"""The expert's likeliest tokens among which those winners are sought; where a head holds more, in all of it."""


class TracedStep:
    """A step of C columns: what each could take next, and what it is worth to whom.

    columns, configs: the columns and the settings of each. user, amateur: the logits (C, V) of both models, float32.
    """

    def __init__(
        self,
        base: BaseModel,
        columns: Sequence[RunningColumn],
        configs: Sequence[DecodeConfig],
        user: torch.Tensor,
        amateur: torch.Tensor,
    ):
        self.base, self.columns, self.configs = base, columns, configs
        self.logp_user, self.logp_base = user.log_softmax(-1), amateur.log_softmax(-1)
        seen, penalties = [column.seen for column in columns], [config.repetition_penalty for config in configs]
        drivers = [column.method.driver for column in columns]
        self.expert = self._penalize(user, self.logp_user, seen, penalties)
        driving = self.expert
        by_base = torch.tensor([driver == "base" for driver in drivers], device=user.device)
        if by_base.any():
            driving = self.expert.clone()
            chosen = [number for number, driver in enumerate(drivers) if driver == "base"]
            driving[chosen] = self._penalize(
                amateur[chosen], self.logp_base[chosen], [seen[n] for n in chosen], [penalties[n] for n in chosen]
            )
        alphas = [
            config.alpha if driver in ("contrast", "given") else 0.0
            for config, driver in zip(configs, drivers, strict=True)
        ]
        self.score = driving - self._column(alphas) * self.logp_base
        floors = self._column([math.log(config.tau) if config.tau else -math.inf for config in configs])
        self.head = self.expert >= self.expert.max(-1, keepdim=True).values + floors
        self.allowed = self.score.masked_fill(driving < driving.max(-1, keepdim=True).values + floors, -math.inf)

    def choose(self) -> list[int]:
        """The columns' next tokens: the best ones, or at a temperature samples."""
        best = self.allowed.argmax(-1).tolist()
        for number, (column, config) in enumerate(zip(self.columns, self.configs, strict=True)):
            if config.temperature:
                best[number] = pick_token(self.allowed[number], column.random, config)
        return best

    def describe(self, tokens: Sequence[int], texts: Sequence[str]) -> list[TraceToken]:
        """These tokens, one of each column, with their numbers and alternatives. texts: what each adds."""
        shown = self._select_alternatives(tokens)
        longest = max(map(len, shown))
        where = torch.tensor([[*ids, *[ids[0]] * (longest - len(ids))] for ids in shown], device=self.score.device)
        logp_user, logp_base = self.logp_user.gather(-1, where), self.logp_base.gather(-1, where)
        reward = logp_user - self._column([config.alpha for config in self.configs]) * logp_base
        columns = (logp_user, logp_base, reward, self.score.gather(-1, where), self.head.gather(-1, where))
        numbers = [column.tolist() for column in columns]
        sizes = self.head.sum(-1).tolist()
        made = []
        for place, (ids, text, config) in enumerate(zip(shown, texts, self.configs, strict=True)):
            rows = zip(ids, *(column[place][: len(ids)] for column in numbers), strict=True)
            alternatives = [Alternative(id, self.base.token_text(id), *rest) for id, *rest in rows]
            own = alternatives[0]
            ranked = sorted(alternatives, key=lambda a: (not a.in_head, -a.score)) if config.alternatives else ()
            values = (own.logp_user, own.logp_base, own.reward, own.score, own.in_head, sizes[place])
            made.append(TraceToken(own.id, text, *values, tuple(ranked)))
        return made

    def _select_alternatives(self, tokens: Sequence[int]) -> list[list[int]]:
        """Of each column the ids of at most config.alternatives tokens worth showing beside its own, which comes first.

        The expert's favourite and base's; then who would win by contrast at other settings, so that a reader of the
        trace can see what they would change; then both models' favourites in turn.
        """
        most = max(config.alternatives for config in self.configs)
        if most < 2:
            return [[token] for token in tokens]
        count = min(most, self.score.shape[-1])
        liked_user, liked_base = (logp.topk(count).indices.tolist() for logp in (self.logp_user, self.logp_base))
        selected = []
        for place, winners in enumerate(self._find_winners()):
            liked = [id for pair in zip(liked_user[place], liked_base[place], strict=True) for id in pair]
            ids = dict.fromkeys([tokens[place], winners[0], liked_base[place][0], *winners, *liked])
            selected.append(list(ids)[: max(1, self.configs[place].alternatives)])
        return selected

    def _find_winners(self) -> list[list[int]]:
        """Of each column who wins at OTHER_ALPHAS and the taus; without contrast first. See reward.contrast_winners."""
        taus = [(config.tau, *OTHER_TAUS) for config in self.configs]
        logs = torch.tensor([[math.log(tau) if tau else -math.inf for tau in many] for many in taus])
        near = self.expert.topk(min(NEAR, self.expert.shape[-1]))
        ids, order = near.indices.sort(-1)  # of equals the lower id wins
        user, amateur = near.values.gather(-1, order), self.logp_base.gather(-1, ids)
        floors = near.values[:, :1] + logs.to(user.device)
        alphas = torch.tensor(OTHER_ALPHAS, device=user.device)
        scores = user[:, None] - alphas[:, None] * amateur[:, None]  # (C, A, NEAR)
        inside = user[:, None] >= floors[..., None]  # (C, T, NEAR)
        best = scores[:, None].masked_fill(~inside[:, :, None], -math.inf).argmax(-1).flatten(1)  # (C, T * A)
        winners = ids.gather(-1, best).tolist()
        larger = (near.values[:, -1:] >= floors.min(-1, keepdim=True).values).squeeze(-1)
        if len(ids[0]) < self.expert.shape[-1]:
            for place in larger.nonzero().flatten().tolist():
                winners[place] = contrast_winners(self.expert[place], self.logp_base[place], OTHER_ALPHAS, taus[place])
        return winners

    def _penalize(self, logits, logps, seen, penalties) -> torch.Tensor:
        """Log-probabilities (C, V) after the repetition penalty; `logps` are those before it."""
        if not any(penalty > 1 and ids for penalty, ids in zip(penalties, seen, strict=True)):
            return logps
        rows = [
            penalize_repetition(row, torch.tensor(list(ids), device=row.device), penalty)
            for row, ids, penalty in zip(logits, seen, penalties, strict=True)
        ]
        return torch.stack(rows).log_softmax(-1)

    def _column(self, values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, device=self.logp_user.device, dtype=self.logp_user.dtype)[:, None]
