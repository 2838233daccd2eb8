"""What a step of the decoder leaves behind: the token's text and numbers, and the tokens it was chosen from."""

import torch

from cope_demo.config import DecodeConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.reward import contrast_winners, implicit_reward, plausible_head

from .trace import Alternative, TraceToken

OTHER_ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
OTHER_TAUS = (0.01, 0.02, 0.03, 0.06, 0.18, 0.3)
"""The settings whose winners every step's alternatives hold: these alphas at these taus and at the run's own. They
take five of ten places on average, and tell the winner at 99 % of the settings between, too."""


class TokenText:
    """Turns a growing list of token ids into the text that each new token adds (bytes wait for their character)."""

    def __init__(self, tokenizer):
        self.tokenizer, self.ids, self.start, self.read = tokenizer, [], 0, 0

    def add(self, token: int, last: bool = False) -> str:
        """The text that `token` completes; "" while a character is unfinished, unless it is the last token."""
        self.ids.append(token)
        return self._unread(last)

    def rest(self) -> str:
        """What is left at the end: U+FFFD for a character that was never finished, else nothing."""
        return self._unread(last=True)

    def _unread(self, last: bool) -> str:
        before = self.tokenizer.decode(self.ids[self.start : self.read])
        now = self.tokenizer.decode(self.ids[self.start :])
        if now.endswith("\ufffd") and not last:
            return ""
        self.start, self.read = self.read, len(self.ids)
        return now[len(before) :]


def trace_token(
    base: BaseModel,
    token: int,
    text: str,
    logp_user: torch.Tensor,
    logp_base: torch.Tensor,
    expert: torch.Tensor,
    score: torch.Tensor,
    config: DecodeConfig,
) -> TraceToken:
    """The token's numbers, and those of its alternatives. All tensors are (V,).

    text: what it adds to the column. expert: the personal log-probabilities after the repetition penalty. score: what
    decides.
    """
    head = plausible_head(expert, config.tau)
    ids = [token]
    if config.alternatives > 1:
        ids = _select_alternatives(token, logp_user, logp_base, expert, config)
    where = torch.tensor(ids, device=logp_user.device)
    reward = implicit_reward(logp_user[where], logp_base[where], config.alpha)
    columns = (logp_user[where], logp_base[where], reward, score[where])
    numbers = zip(ids, *(column.tolist() for column in columns), head[where].tolist(), strict=True)
    alternatives = [Alternative(i, base.token_text(i), *rest) for i, *rest in numbers]
    own = alternatives[0]
    ranked = tuple(sorted(alternatives, key=lambda a: (not a.in_head, -a.score))) if config.alternatives else ()
    return TraceToken(
        own.id, text, own.logp_user, own.logp_base, own.reward, own.score, own.in_head, int(head.sum()), ranked
    )


def _select_alternatives(
    token: int, logp_user: torch.Tensor, logp_base: torch.Tensor, expert: torch.Tensor, config: DecodeConfig
) -> list[int]:
    """The ids of at most config.alternatives tokens worth showing beside `token`, which comes first.

    The expert's favourite and base's; then who would win by contrast at other settings, so that a reader of the trace
    can see what they would change; then both models' favourites in turn.
    """
    best_user = logp_user.topk(min(config.alternatives, logp_user.numel())).indices.tolist()
    best_base = logp_base.topk(min(config.alternatives, logp_base.numel())).indices.tolist()
    liked = [i for pair in zip(best_user, best_base, strict=True) for i in pair]
    winners = contrast_winners(expert, logp_base, OTHER_ALPHAS, (config.tau, *OTHER_TAUS))
    favourite = winners[0]  # without contrast
    ids = dict.fromkeys([token, favourite, best_base[0], *winners, *liked])
    return list(ids)[: config.alternatives]
