"""What a step of the decoder leaves behind: each column's next token with its numbers, and those it was chosen from.

All columns of a step are computed at once, whoever they belong to: C columns with their own settings, V tokens.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from cope_demo.model.base_model import BaseModel
from cope_demo.model.compiling import running_loops

from .choice import pick_token, score_next
from .ranking import LEAST, Settings, describe_tokens, pad_seen, rank_tokens
from .request import RunningColumn
from .trace import Alternative, TraceToken

OTHER_ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
OTHER_TAUS = (0.01, 0.02, 0.03, 0.06, 0.18, 0.3)
"""The settings whose winners every step's alternatives hold: these alphas at these taus and at the run's own. They
take five of ten places on average, and tell the winner at 99 % of the settings between, too."""


class TracedStep:
    """A step of C columns: what each could take next, and what it is worth to whom.

    user, amateur: the logits (C, V) of both models, float32.
    """

    def __init__(
        self,
        base: BaseModel,
        columns: Sequence[RunningColumn],
        user: torch.Tensor,
        amateur: torch.Tensor,
    ):
        self.base, self.columns = base, columns
        self._configs = configs = [column.config for column in columns]
        self.user, self.amateur = user.cpu(), amateur.cpu()
        self._settings = _read_settings(columns)
        self._count = max(1, min(max(config.alternatives for config in configs), user.shape[-1]))
        taus = np.array([[_log(tau) for tau in (config.tau, *OTHER_TAUS)] for config in configs], np.float32)
        with running_loops():
            self._ranking = rank_tokens(
                self.user.numpy(),
                self.amateur.numpy(),
                self._settings,
                np.array(OTHER_ALPHAS, np.float32),
                taus,
                self._count,
            )

    def choose(self) -> list[int]:
        """The columns' next tokens: the best ones, or at a temperature samples."""
        best = self._ranking.best.tolist()
        for number, column in enumerate(self.columns):
            if column.config.temperature:
                seen = torch.tensor(list(column.seen), dtype=torch.long)
                models = self.user[number], self.amateur[number]
                allowed = score_next(column.method.driver, *models, seen, column.config)
                best[number] = pick_token(allowed, column.random, column.config)
        return best

    def describe(self, tokens: Sequence[int], texts: Sequence[str]) -> list[TraceToken]:
        """These tokens, one of each column, with their numbers and alternatives. texts: what each adds."""
        shown = self._select_alternatives(tokens)
        longest = max(map(len, shown))
        ids = np.array([[*own, *[own[0]] * (longest - len(own))] for own in shown])
        columns = describe_tokens(self.user.numpy(), self.amateur.numpy(), self._settings, self._ranking, ids)
        numbers, sizes = [column.tolist() for column in columns], self._ranking.sizes.tolist()
        made = []
        for place, (own_ids, text, config) in enumerate(zip(shown, texts, self._configs, strict=True)):
            rows = zip(own_ids, *(column[place][: len(own_ids)] for column in numbers), strict=True)
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
        if self._count < 2:
            return [[token] for token in tokens]
        found = (self._ranking.winners, self._ranking.liked_user, self._ranking.liked_base)
        selected = []
        columns = zip(tokens, self._configs, *(part.tolist() for part in found), strict=True)
        for token, config, winners, user, base in columns:
            liked = [id for pair in zip(user, base, strict=True) for id in pair]
            ids = dict.fromkeys([token, winners[0], base[0], *winners, *liked])
            selected.append(list(ids)[: max(1, config.alternatives)])
        return selected


def _read_settings(columns: Sequence[RunningColumn]) -> Settings:
    configs = [column.config for column in columns]
    drivers = [column.method.driver for column in columns]
    contrasted = [driver in ("contrast", "given") for driver in drivers]
    alphas = _make_row(config.alpha for config in configs)
    return Settings(
        np.array([driver == "base" for driver in drivers]),
        alphas,
        np.where(contrasted, alphas, np.float32(0)),
        _make_row(config.repetition_penalty for config in configs),
        np.array([config.penalizes_both for config in configs]),
        _make_row(_log(config.tau) for config in configs),
        *pad_seen([column.seen for column in columns]),
    )


def _make_row(values: Iterable[float]) -> np.ndarray:
    return np.fromiter(values, np.float32)


def _log(tau: float) -> float:
    return math.log(tau) if tau else float(LEAST)
