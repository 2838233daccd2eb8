"""Log-probabilities of given responses, teacher-forced in padded batches: for candidates, references and reports."""

from collections.abc import Callable, Sequence

import torch
from transformers import Cache

from cope_demo.model.padding import pad_sequences

from .examples import Example


def read_prompts(model: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor) -> Cache | None:
    """The cache of all but the last token of prompts, ready for `rows` that go on from them; None if that is nothing.

    ids, mask: (G, T), left-padded. rows: (N,), the prompt of each row; rows of the same prompt share its reading.
    """
    ids, mask = ids[:, :-1], mask[:, :-1]
    if ids.shape[1] == 0:
        return None
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
    out.past_key_values.reorder_cache(rows)
    return out.past_key_values


@torch.no_grad()
def response_logps(
    model: torch.nn.Module,
    examples: Sequence[Example],
    pad_id: int,
    batch_tokens: int = 1024,
    report: Callable[[int], None] = lambda done: None,
) -> list[torch.Tensor]:
    """log pi(y_t | x, y_<t) in nats for every response token of every example: one float32 tensor (len(y),) each.

    Examples are batched by length, about `batch_tokens` padded tokens at a time, and returned in their own order; a
    prompt that several share is read once. `report` receives how many are done. The model keeps its adapters.
    """
    device = next(model.parameters()).device
    result: list[torch.Tensor | None] = [None] * len(examples)
    was_training = model.training
    model.eval()
    done = 0
    for batch in _make_batches(examples, batch_tokens):
        rows = [i for many in batch for i in many]
        prompts = [examples[many[0]].prompt_ids for many in batch]
        owner = torch.tensor([group for group, many in enumerate(batch) for _ in many])
        ids, mask = pad_sequences(prompts, pad_id)
        # A row goes on with the prompt's last token and all of the response but its last.
        whole = [[examples[i].prompt_ids[-1], *examples[i].response_ids[:-1]] for i in rows]
        read, read_mask = pad_sequences(whole, pad_id, "right")
        starts = torch.tensor([len(examples[i].prompt_ids) - 1 for i in rows])
        logits = model(
            input_ids=read.to(device),
            attention_mask=torch.cat([mask[owner, :-1], read_mask], 1).to(device),
            position_ids=(starts[:, None] + torch.arange(read.shape[1])).to(device),
            past_key_values=read_prompts(model, ids.to(device), mask.to(device), owner.to(device)),
        ).logits
        for row, i in enumerate(rows):
            target = torch.tensor(examples[i].response_ids, device=device)
            own = logits[row, : len(target)].float()
            result[i] = (own.gather(-1, target.unsqueeze(-1)).squeeze(-1) - own.logsumexp(-1)).cpu()
        done += len(rows)
        report(done)
    model.train(was_training)
    return result


def _make_batches(examples: Sequence[Example], batch_tokens: int) -> list[list[list[int]]]:
    """Batches of groups of examples with the same prompt, each of about `batch_tokens` padded tokens or one group."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, example in enumerate(examples):
        groups.setdefault(tuple(example.prompt_ids), []).append(i)
    batches: list[list[list[int]]] = []
    prompt = response = 0

    def longest(many: list[int]) -> int:
        return max(len(examples[i].response_ids) for i in many)

    for ids, many in sorted(groups.items(), key=lambda group: (len(group[0]) + longest(group[1]), group[1])):
        prompt, response = max(prompt, len(ids)), max(response, longest(many))
        rows = sum(len(others) for others in batches[-1]) if batches else 0
        if not batches or (len(batches[-1]) + 1) * prompt + (rows + len(many)) * response > batch_tokens:
            batches.append([])
            prompt, response = len(ids), longest(many)
        batches[-1].append(many)
    return batches
