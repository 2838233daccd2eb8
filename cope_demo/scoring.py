"""Log-probabilities of given responses, teacher-forced in padded batches: for candidates, references and reports."""

from collections.abc import Callable, Sequence

import torch

from .training import Example


@torch.no_grad()
def response_logps(
    model: torch.nn.Module,
    examples: Sequence[Example],
    pad_id: int,
    batch_tokens: int = 1024,
    tick: Callable[[int], None] = lambda done: None,
) -> list[torch.Tensor]:
    """log pi(y_t | x, y_<t) in nats for every response token of every example: one float32 tensor (len(y),) each.

    Examples are batched by length, about `batch_tokens` padded tokens at a time, and returned in their own order.
    `tick` hears how many are done. The model keeps its adapters as they are.
    """
    device = next(model.parameters()).device
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].prompt_ids) + len(examples[i].response_ids))
    result: list[torch.Tensor | None] = [None] * len(examples)
    was_training = model.training
    model.eval()
    done = 0
    while done < len(order):
        longest, rows = 0, []
        for i in order[done:]:
            length = len(examples[i].prompt_ids) + len(examples[i].response_ids)
            if rows and max(longest, length) * (len(rows) + 1) > batch_tokens:
                break
            longest = max(longest, length)
            rows.append(i)
        ids = torch.full((len(rows), longest), pad_id)
        attention = torch.zeros((len(rows), longest), dtype=torch.long)
        for row, i in enumerate(rows):
            whole = examples[i].prompt_ids + examples[i].response_ids
            ids[row, : len(whole)] = torch.tensor(whole)
            attention[row, : len(whole)] = 1
        first = min(len(examples[i].prompt_ids) for i in rows)
        out = model(
            input_ids=ids.to(device),
            attention_mask=attention.to(device),
            use_cache=False,
            logits_to_keep=longest - first + 1,
        )
        for row, i in enumerate(rows):
            start = len(examples[i].prompt_ids) - first
            target = torch.tensor(examples[i].response_ids, device=device)
            logits = out.logits[row, start : start + len(target)].float()
            logps = logits.gather(-1, target.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
            result[i] = logps.cpu()
        done += len(rows)
        tick(done)
    model.train(was_training)
    return result
