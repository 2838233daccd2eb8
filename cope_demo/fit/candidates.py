"""K candidates for each prompt, sampled by temperature and top-p from base, or from base with the adapter on it, with
their log-probabilities.

On a CPU the decoder's forward pass writes them (decode/forward.py): what prompts begin with in common is read once, the
candidates of a prompt share its reading, and a candidate that has ended makes room for the next. Models that it does
not know, and GPUs, write by transformers' `generate`, in padded batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from cope_demo.config import FitConfig
from cope_demo.decode.forward import Forward
from cope_demo.decode.sequences import Piece, Places, assemble
from cope_demo.decode.sequences import Sequence as Text
from cope_demo.model.base_model import BaseModel
from cope_demo.model.compiling import running_loops
from cope_demo.model.padding import pad_sequences

from .events import Emit, FitEvent
from .examples import Example
from .response_logps import read_prompts
from .training import seed_everything

NUCLEUS = 512
"""Tokens that top-p chooses among: the likeliest ones. At low temperature the rest has no share to speak of."""


@dataclass(frozen=True)
class SampledAnswer:
    """A sampled answer: token ids with their end token, and log pi of each by the model that wrote it, float32
    (len(ids),).

    writer: that model, "base" or "oppu".
    """

    ids: list[int]
    logps: torch.Tensor
    writer: str = "base"


def sample_tokens(logps: torch.Tensor, temperature: float, top_p: float) -> torch.Tensor:
    """A token of each row, by torch's generator: int64 (rows,). logps: log-probabilities (rows, V).

    transformers' own sampling sorts the whole vocabulary at each step and draws from all of it, which took most of the
    time of a batch of 48.
    """
    if temperature == 0:
        return logps.argmax(-1)
    best = logps.topk(min(NUCLEUS, logps.shape[-1]))
    shares = (best.values / temperature).softmax(-1)  # (rows, NUCLEUS), descending
    shares = shares.masked_fill(shares.cumsum(-1) - shares >= top_p, 0.0)
    return best.indices.gather(-1, torch.multinomial(shares, 1))[:, 0]


@torch.no_grad()
def sample_candidates(
    base: BaseModel, examples: Sequence[Example], config: FitConfig, emit: Emit, batch_rows: int = 48
) -> list[list[SampledAnswer]]:
    """K answers of base's model, with the adapter that is on it, to every example's prompt: [example][k].

    Sampled at `candidate_temperature` and `candidate_top_p` (temperature 0: one greedy answer), `batch_rows` at a time.
    The examples are taken in groups of similar length. A candidate may be as long as the longest own text of its group;
    past that it is cut and then has no end token, as with the person's own texts.
    """
    seed_everything(config.seed + 1)
    k = config.candidate_count
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].response_ids))
    size = max(1, batch_rows // k)
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    forward = make_forward(base)
    written = _write_shared(base, forward, examples, groups, k, config) if forward else None
    result: list[list[SampledAnswer]] = [[] for _ in examples]
    emit(FitEvent("negatives", 0, len(order)))
    for done, (number, answers) in enumerate(written or _write_padded(base, examples, groups, k, config)):
        result[number] = answers
        emit(FitEvent("negatives", done + 1, len(order)))
    return result


def make_forward(base: BaseModel) -> Forward | None:
    """The decoder's forward pass over a model that trains; None where it does not know the model, or on a GPU."""
    if base.device.type != "cpu":
        return None
    try:
        return Forward(base.model, torch.float32, by_layers=True)
    except ValueError:
        return None


@dataclass(eq=False)
class _Writing:
    """A candidate that is being written: of which example, what it has so far, and where the decoder keeps it."""

    example: int
    limit: int
    text: Text
    ids: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)


class _Writer:
    """Writes candidates side by side, as many as there is room for. forward: of base's model.

    An example's prompt is read by its first candidate, in places that all of its candidates share; the beginning that
    all prompts have in common lies in places of its own, and is read first.
    """

    def __init__(self, base: BaseModel, forward: Forward, prompts: Sequence[list[int]], places: int):
        self.ends, self.forward = base.end_ids, forward
        self.pool, self.places = forward.make_pool(places), Places(places)
        shared = commonprefix(list(prompts))[: min(map(len, prompts)) - 1]  # every prompt has a token of its own
        self.begun = Text((), self.places.take(len(shared)), pending=list(shared))
        if shared:
            self.run([Piece(self.begun, len(shared), 0)])
        self.prompts: dict[int, np.ndarray] = {}
        """The places of the prompts that are being answered, by example."""

    def run(self, pieces: Sequence[Piece]) -> torch.Tensor:
        """Log-probabilities (rows, V) after the pieces' last tokens, as far as they are wanted."""
        with running_loops():
            step = assemble(pieces, self.forward.device)
            logits = self.forward.run(step.ids, step.worn, step.layout, self.pool, step.wanted)
        return logits.log_softmax(-1)

    def begin(self, example: int, prompt: list[int], limit: int, k: int) -> list[_Writing]:
        """K candidates of a prompt that is not read yet."""
        start = self.begun.length
        own = self.prompts[example] = self.places.take(len(prompt) - start)
        many = []
        for _ in range(k):
            places = np.concatenate([self.begun.places, own, self.places.take(limit)])
            many.append(_Writing(example, limit, Text((), places, len(prompt))))
        many[0].text.length, many[0].text.pending = start, prompt[start:]
        return many

    def step(self, groups: Sequence[list[_Writing]], config: FitConfig) -> None:
        """The next token of every candidate; each group is of one example."""
        pieces, rows = [], []
        for many in groups:
            if not many[0].ids:  # the prompt, for all of them
                rows += [len(pieces)] * len(many)
                pieces.append(Piece(many[0].text, len(many[0].text.pending), 1))
            else:
                rows += range(len(pieces), len(pieces) + len(many))
                pieces += [Piece(one.text, 1, 1) for one in many]
        logps = self.run(pieces)[torch.tensor(rows)]
        tokens = sample_tokens(logps, config.candidate_temperature, config.candidate_top_p)
        found = logps.gather(-1, tokens[:, None])[:, 0].tolist()
        for one, token, logp in zip((one for many in groups for one in many), tokens.tolist(), found, strict=True):
            one.ids.append(token)
            one.logps.append(logp)
            one.text.pending = [token]

    def has_ended(self, one: _Writing) -> bool:
        """Whether a candidate is finished; its places are free then."""
        if one.ids[-1] not in self.ends and len(one.ids) < one.limit:
            return False
        self.places.give(one.text.places[-one.limit :])
        return True

    def close(self, example: int) -> None:
        """All candidates of this example have ended."""
        self.places.give(self.prompts.pop(example))


def _write_shared(
    base: BaseModel,
    forward: Forward,
    examples: Sequence[Example],
    groups: Sequence[Sequence[int]],
    k: int,
    config: FitConfig,
) -> Iterator[tuple[int, list[SampledAnswer]]]:
    """Each example's number with its answers, as they are finished. The longest begin first, so that few wait at the
    end; never more run than a group has."""
    limits = {i: max(len(examples[i].response_ids) for i in group) for group in groups for i in group}
    size = max(map(len, groups))
    # Every candidate may be the last one of its prompt, which is kept for it. What is never written takes no memory.
    longest = max(len(e.prompt_ids) for e in examples)
    places = longest + size * k * (longest + max(limits.values()))
    writer = _Writer(base, forward, [e.prompt_ids for e in examples], places)
    waiting = [i for group in groups for i in group]
    all_of: dict[int, list[_Writing]] = {}
    running: list[list[_Writing]] = []
    while waiting or running:
        while waiting and sum(map(len, running)) + k <= size * k:
            number = waiting.pop()
            all_of[number] = writer.begin(number, examples[number].prompt_ids, limits[number], k)
            running.append(list(all_of[number]))
        writer.step(running, config)
        running = [[one for one in many if not writer.has_ended(one)] for many in running]
        writing = {many[0].example for many in running if many}
        for number in [number for number in all_of if number not in writing]:
            writer.close(number)
            yield number, [SampledAnswer(one.ids, torch.tensor(one.logps)) for one in all_of.pop(number)]
        running = [many for many in running if many]


class SamplingProcessor(LogitsProcessor):
    """Samples every token of `generate`, and records its log-probability under the model.

    The recorded numbers save a second pass over all candidates.
    """

    def __init__(self, temperature: float, top_p: float):
        self.temperature, self.top_p = temperature, top_p
        self.logps: list[torch.Tensor] = []  # one (rows,) a step
        self._last: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """scores: (rows, V). All but the sampled token become minus infinity, so that `generate` can only take it."""
        self.record(input_ids)
        self._last = scores.float().log_softmax(-1)
        sampled = sample_tokens(self._last, self.temperature, self.top_p)[:, None]
        return torch.full_like(scores, float("-inf")).scatter(-1, sampled, 0.0)

    def record(self, input_ids: torch.Tensor) -> None:
        """Adds the log-probability of the last step's token, which is the last of `input_ids`."""
        if self._last is not None:
            self.logps.append(self._last.gather(-1, input_ids[:, -1:]).squeeze(-1))


def _write_padded(
    base: BaseModel, examples: Sequence[Example], groups: Sequence[Sequence[int]], k: int, config: FitConfig
) -> Iterator[tuple[int, list[SampledAnswer]]]:
    """The same by `generate`, a group at a time."""
    pad = base.tokenizer.pad_token_id
    for group in groups:
        ids, mask = pad_sequences([examples[i].prompt_ids for i in group], pad)
        ids, mask = ids.to(base.device), mask.to(base.device)
        sampling = SamplingProcessor(config.candidate_temperature, config.candidate_top_p)
        rows = torch.arange(len(group), device=base.device).repeat_interleave(k)
        out = base.model.generate(
            ids[rows],
            attention_mask=mask[rows],
            past_key_values=read_prompts(base.model, ids, mask, rows) if k > 1 else None,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,  # or a checkpoint's own settings change what is sampled and recorded
            no_repeat_ngram_size=0,
            max_new_tokens=max(len(examples[i].response_ids) for i in group),
            pad_token_id=pad,
            eos_token_id=sorted(base.end_ids),
            logits_processor=LogitsProcessorList([sampling]),
        )
        sampling.record(out)
        logps = torch.stack(sampling.logps, 1).cpu()  # (rows, T)
        answers = []
        for row, answer in enumerate(out[:, ids.shape[1] :].tolist()):
            end = next((n + 1 for n, token in enumerate(answer) if token in base.end_ids), len(answer))
            answers.append(SampledAnswer(answer[:end], logps[row, :end]))
        for number, i in enumerate(group):
            yield i, answers[number * k : (number + 1) * k]
