"""What the next token is: the best by the method's score within V_head, or at a temperature a sample from it."""

import torch

from cope_demo.config import DecodeConfig
from cope_demo.reward import implicit_reward, penalize_repetition, plausible_head


def score_next(
    driver: str, user: torch.Tensor | None, amateur: torch.Tensor | None, seen: torch.Tensor, config: DecodeConfig
) -> torch.Tensor:
    """What the next token maximises, with minus infinity outside V_head: (V,).

    driver: of the method. user, amateur: the logits (V,) of both models, as far as the driver needs them. seen: the
    generated ids. The repetition penalty acts on the logits of the model that drives, before the head is cut; on those
    of an amateur that is subtracted where the settings say so (DecodeConfig.penalty_on).
    """
    logits = amateur if driver == "base" else user
    expert = penalize_repetition(logits, seen, config.repetition_penalty).log_softmax(-1)
    score = expert
    if driver == "contrast":
        if config.penalizes_both:
            amateur = penalize_repetition(amateur, seen, config.repetition_penalty)
        score = implicit_reward(expert, amateur.log_softmax(-1), config.alpha)
    return score.masked_fill(~plausible_head(expert, config.tau), float("-inf"))


def pick_token(allowed: torch.Tensor, random: torch.Generator, config: DecodeConfig) -> int:
    """The token that the scores (V,) choose: the best one, or at a temperature a sample."""
    if config.temperature == 0:
        return int(allowed.argmax())
    # The best one's is 0 then, however low the temperature; divided as they are, all would be infinite at 1e-40.
    return sample_token(((allowed - allowed.max()) / config.temperature).softmax(-1), random)


def sample_token(weights: torch.Tensor, random: torch.Generator) -> int:
    """A token by the weights (V,). Each call uses up the same share of the column's random numbers."""
    return int(torch.multinomial(weights.cpu(), 1, generator=random))
