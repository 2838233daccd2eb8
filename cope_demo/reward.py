"""The equations of CoPe as pure functions on tensors of natural log-probabilities; V is the vocabulary.

The implicit reward, V_head, the score that the decoder maximises and the repetition penalty. The reward selects the
synthetic negatives in fit/negatives.py; the DPO loss and its reference are in fit/dpo.py.

Source: Bu et al., "Personalized LLM Decoding via Contrasting Personal Preference", EMNLP 2025 (arXiv 2506.12109).
"""

import torch


def implicit_reward(logp_user: torch.Tensor, logp_base: torch.Tensor, alpha: float) -> torch.Tensor:
    """r_user(y_t) = log pi_user(y_t | y_<t) - alpha * log pi_base(y_t | y_<t), elementwise, any shape.

    The paper's implicit user reward; alpha weighs the amateur.
    """
    return logp_user - alpha * logp_base


def plausible_head(logp_user: torch.Tensor, tau: float) -> torch.Tensor:
    """V_head = {v : pi_user(v) >= tau * max_w pi_user(w)}, as a mask.

    logp_user: (..., V). Returns bool (..., V). tau 1 leaves only the likeliest token (and its exact ties), tau 0 all
    tokens. The adaptive plausibility constraint of Li et al., "Contrastive Decoding", ACL 2023, as CoPe uses it.
    """
    if tau == 0:
        return torch.ones_like(logp_user, dtype=torch.bool)
    floor = logp_user.max(dim=-1, keepdim=True).values + torch.log(torch.tensor(tau, dtype=logp_user.dtype))
    return logp_user >= floor


def cope_scores(logp_user: torch.Tensor, logp_base: torch.Tensor, alpha: float, tau: float) -> torch.Tensor:
    """The score CoPe maximises: the implicit reward inside V_head, minus infinity outside. Shapes (..., V)."""
    head = plausible_head(logp_user, tau)
    return implicit_reward(logp_user, logp_base, alpha).masked_fill(~head, float("-inf"))


def penalize_repetition(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Logits with those of already generated tokens made less likely: positive ones divided, negative ones multiplied.

    logits: (V,). seen: int64 (n,), the generated ids. penalty >= 1; 1 changes nothing.
    Source: Keskar et al., "CTRL", 2019, in the sign-aware form that transformers uses.
    """
    if penalty == 1 or seen.numel() == 0:
        return logits
    out = logits.clone()
    old = logits[seen]
    out[seen] = torch.where(old > 0, old / penalty, old * penalty)
    return out


def bits_per_token(logps: torch.Tensor) -> float:
    """Mean of -log2 pi over tokens, from natural log-probabilities of any shape."""
    return float(-logps.mean() / torch.log(torch.tensor(2.0)))
