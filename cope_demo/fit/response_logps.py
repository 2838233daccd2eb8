"""Log-probabilities of given responses, teacher-forced: in training with their gradient, and in scoring without.

On a CPU, for the families that attention.py knows, a batch is a tree of tokens: what texts begin with in common (the
template, a prompt that chosen, rejected and candidates share) is read once, there is no padding, and only responses get
logits. Other models, and GPUs, read padded rows.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.nn.functional import cross_entropy, pad
from transformers import Cache

from cope_demo.model.attention import reads_trees
from cope_demo.model.padding import pad_sequences
from cope_demo.model.target_logps import compute_target_logps
from cope_demo.model.token_tree import count_nodes, grow_tree

from .examples import Example


def read_responses(
    model: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor
) -> list[torch.Tensor]:
    """log pi(y_t | x, y_<t) in nats of each row's response, with its gradient: float32 tensors (len(y),).

    ids, mask, labels: (B, T), padded on the right; labels are -100 everywhere but at responses. A text's first token
    follows nothing, and counts as prompt.
    """
    own = labels[:, 1:] != -100
    starts, lengths = (own.int().argmax(-1) + 1).tolist(), own.sum(-1).tolist()
    if _reads_trees(model):
        rows = [row[: start + length] for row, start, length in zip(ids.tolist(), starts, lengths, strict=True)]
        return _read_tree(model, [Example(row[:start], row[start:]) for row, start in zip(rows, starts, strict=True)])
    # Logits from the last token of the shortest prompt on; those at a position are of the label at the next.
    last = min(starts) - 1
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=ids.shape[1] - last).logits
    targets = pad(labels[:, last + 1 :], (0, 1), value=-100)
    losses = cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none").view_as(targets)
    ends = [start + length - 1 - last for start, length in zip(starts, lengths, strict=True)]
    return [-row[end - length : end] for row, end, length in zip(losses, ends, lengths, strict=True)]


def _reads_trees(model: torch.nn.Module) -> bool:
    return reads_trees(_take_off(model))


def _take_off(model: torch.nn.Module) -> torch.nn.Module:
    """The language model under peft's; its layers keep their adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _read_tree(model: torch.nn.Module, examples: Sequence[Example]) -> list[torch.Tensor]:
    """The same for texts of a model that reads trees."""
    core = _take_off(model)
    head = core.get_output_embeddings().weight
    device, dtype = head.device, head.dtype
    tree = grow_tree([e.prompt_ids + e.response_ids[:-1] for e in examples], device, dtype)
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = core.model(input_ids=tree.ids[None], position_ids=tree.positions[None], use_cache=False, tree=tree)
    read = [path[len(e.prompt_ids) - 1 :][: len(e.response_ids)] for path, e in zip(tree.paths, examples, strict=True)]
    targets = torch.tensor([token for e in examples for token in e.response_ids], device=device)
    hidden = torch.nn.functional.embedding(torch.cat(read), out.last_hidden_state[0])
    logps = compute_target_logps(hidden.to(dtype), head, targets)
    return list(logps.split([len(e.response_ids) for e in examples]))


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

    Examples are batched by length, about `batch_tokens` tokens at a time, and returned in their own order; a prompt
    that several share is read once. `report` receives how many are done. The model keeps its adapters.
    """
    result: list[torch.Tensor | None] = [None] * len(examples)
    was_training = model.training
    model.eval()
    done = 0
    trees = _reads_trees(model)
    for batch in (_make_trees if trees else _make_batches)(examples, batch_tokens):
        many = [i for group in batch for i in group]
        if trees:
            found = _read_tree(model, [examples[i] for i in many])
        else:
            found = _read_padded(model, [[examples[i] for i in group] for group in batch], pad_id)
        for i, logps in zip(many, found, strict=True):
            result[i] = logps.cpu()
        done += len(many)
        report(done)
    model.train(was_training)
    return result


def _read_padded(model: torch.nn.Module, groups: Sequence[Sequence[Example]], pad_id: int) -> list[torch.Tensor]:
    """The same for groups of examples with the same prompt, in padded rows that go on from the prompts."""
    device = next(model.parameters()).device
    owner = torch.tensor([number for number, many in enumerate(groups) for _ in many])
    rows = [example for many in groups for example in many]
    ids, mask = pad_sequences([many[0].prompt_ids for many in groups], pad_id)
    # A row goes on with the prompt's last token and all of the response but its last.
    read, read_mask = pad_sequences([[e.prompt_ids[-1], *e.response_ids[:-1]] for e in rows], pad_id, "right")
    starts = torch.tensor([len(e.prompt_ids) - 1 for e in rows])
    logits = model(
        input_ids=read.to(device),
        attention_mask=torch.cat([mask[owner, :-1], read_mask], 1).to(device),
        position_ids=(starts[:, None] + torch.arange(read.shape[1])).to(device),
        past_key_values=read_prompts(model, ids.to(device), mask.to(device), owner.to(device)),
    ).logits
    found = []
    for row, example in zip(logits, rows, strict=True):
        target = torch.tensor(example.response_ids, device=device)
        own = row[: len(target)].float()
        found.append(own.gather(-1, target.unsqueeze(-1)).squeeze(-1) - own.logsumexp(-1))
    return found


def _make_trees(examples: Sequence[Example], batch_tokens: int) -> Iterator[list[list[int]]]:
    """Batches of groups of examples with the same prompt, each a tree of about `batch_tokens` nodes or one group."""
    batch: list[list[int]] = []

    def count(groups: list[list[int]]) -> int:
        return count_nodes([examples[i].prompt_ids + examples[i].response_ids for many in groups for i in many])

    for many in _group(examples):
        if batch and count([*batch, many]) > batch_tokens:
            yield batch
            batch = []
        batch.append(many)
    if batch:
        yield batch


def _group(examples: Sequence[Example]) -> list[list[int]]:
    """The examples with the same prompt together, the shortest groups first."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, example in enumerate(examples):
        groups.setdefault(tuple(example.prompt_ids), []).append(i)

    def length(many: list[int]) -> int:
        return len(examples[many[0]].prompt_ids) + max(len(examples[i].response_ids) for i in many)

    return sorted(groups.values(), key=lambda many: (length(many), many))


def _make_batches(examples: Sequence[Example], batch_tokens: int) -> list[list[list[int]]]:
    """Batches of groups of examples with the same prompt, each of about `batch_tokens` padded tokens or one group."""
    batches: list[list[list[int]]] = []
    prompt = response = 0
    for many in _group(examples):
        own = len(examples[many[0]].prompt_ids), max(len(examples[i].response_ids) for i in many)
        prompt, response = max(prompt, own[0]), max(response, own[1])
        rows = sum(len(others) for others in batches[-1]) if batches else 0
        if not batches or (len(batches[-1]) + 1) * prompt + (rows + len(many)) * response > batch_tokens:
            batches.append([])
            prompt, response = own
        batches[-1].append(many)
    return batches
