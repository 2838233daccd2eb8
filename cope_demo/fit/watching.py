"""Watching a model learn: while a stage trains, a sentence that it is not shown is scored, and an answer written anew.

Both are the person's: the beginning of one of the texts held out for the report, and the answer to that text's
instruction. Nothing here draws a random number or changes a weight: the adapter is the same, bit for bit, with or
without it.
"""

import math
import time
from collections.abc import Sequence
from contextlib import contextmanager

import torch
from transformers import TrainerCallback

from cope_demo.decode.token_text import TokenText
from cope_demo.model.base_model import BaseModel
from cope_demo.texts.tasks import Sample

from .events import Emit, FitEvent
from .examples import Example
from .response_logps import response_logps

SENTENCE, LEAST = 32, 8
"""Tokens of the sentence, at most, and before which it does not end."""
WRITTEN = 14
"""Tokens that are written at each look."""
LOOKS = {"oppu": 3, "dpo": 2}
"""Looks while a stage trains, spread evenly, the last at its end; OPPU has one more before its first step."""
PATIENCE = 10.0
"""Between a stage's beginning and its end a look is left out, or its writing, that takes longer than this part of the
training since the last one: a slow machine, or a short fit, is looked at less often. What writing takes is not known
before the stage's first, so it is not risked between DPO's ends."""


class Watch(TrainerCallback):
    """Looks at the model now and then while a trainer trains it, each look one event with `watched`.

    texts: those held out of the fit, as samples and in tokens. stage: of LOOKS.
    """

    def __init__(self, base: BaseModel, texts: Sequence[tuple[Sample, Example]], stage: str, emit: Emit):
        self._base, self._stage, self._emit = base, stage, emit
        sample, text = min(texts, key=lambda one: abs(len(one[1].response_ids) - SENTENCE))
        self._prompt, self._sentence = sample.prompt, cut_sentence(base, text)
        self._written: list[int] = []
        self._looked = self._score_seconds = self._write_seconds = 0.0

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        """Before the first step OPPU's adapter is base; that of DPO was looked at when OPPU ended."""
        if self._stage == "oppu":
            self._look(model, state, write=True)
        self._looked = time.monotonic()

    def on_step_end(self, args, state, control, model=None, **kwargs):
        """A step is done."""
        count = LOOKS[self._stage]
        affordable = (time.monotonic() - self._looked) / PATIENCE
        if state.global_step == state.max_steps:
            self._look(model, state, write=True)
        elif state.global_step in {state.max_steps * number // count for number in range(1, count)}:
            if self._score_seconds <= affordable:
                known = self._write_seconds > 0
                self._look(model, state, write=known and self._score_seconds + self._write_seconds <= affordable)

    def _look(self, model: torch.nn.Module, state, write: bool) -> None:
        began = time.monotonic()
        with reading(model):
            tokens = score_sentence(model, self._base, self._sentence)
            watched = {"prompt": self._prompt, "tokens": tokens, "written": None}
            scored = time.monotonic()
            if write:
                self._written = write_greedily(model, self._base, self._sentence.prompt_ids, self._written)
                text = self._base.tokenizer.decode(self._written, skip_special_tokens=True)
                watched["written"] = text + ("…" if len(self._written) == WRITTEN else "")
                self._write_seconds = time.monotonic() - scored
        self._looked, self._score_seconds = time.monotonic(), scored - began
        self._emit(FitEvent(self._stage, state.global_step, state.max_steps, watched=watched))


@contextmanager
def reading(model: torch.nn.Module):
    """The model computes without dropout or gradients, and goes on training afterwards."""
    was_training, text = model.training, model.config.get_text_config()
    balances = getattr(text, "output_router_logits", None)
    model.eval()
    if balances:  # trl turns it on, and a mixture of experts then balances what is only read
        text.output_router_logits = False
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)
        if balances:
            text.output_router_logits = balances


def cut_sentence(base: BaseModel, text: Example) -> Example:
    """The prompt and the first sentence of a text, which has LEAST to SENTENCE tokens."""
    ids = [token for token in text.response_ids[:SENTENCE] if token not in base.end_ids]
    for count in range(LEAST, len(ids)):
        if base.tokenizer.decode(ids[:count]).endswith((".", "!", "?", "\n")):
            return Example(text.prompt_ids, ids[:count])
    return Example(text.prompt_ids, ids)


def score_sentence(model: torch.nn.Module, base: BaseModel, sentence: Example) -> list[list]:
    """[[text, surprise in bits], …]: -log2 pi(y_t | x, y_<t) of every token of the sentence."""
    ids, text = sentence.response_ids, TokenText(base.tokenizer)
    pieces = [text.add(token, number == len(ids) - 1) for number, token in enumerate(ids)]
    logps = response_logps(model, [sentence], base.tokenizer.pad_token_id)[0]
    bits = [round(-value / math.log(2), 2) for value in logps.tolist()]
    return [list(token) for token in zip(pieces, bits, strict=True)]


def write_greedily(
    model: torch.nn.Module, base: BaseModel, prompt_ids: Sequence[int], draft: Sequence[int] = ()
) -> list[int]:
    """The likeliest next tokens, one after the other, WRITTEN at most, without an end token.

    draft: what was written the last time; as far as it is still what the model would write, it is read at once.
    """
    read = torch.tensor([[*prompt_ids, *draft]], device=base.device)
    out = model(input_ids=read, use_cache=True, logits_to_keep=len(draft) + 1)
    best = out.logits[0].argmax(-1).tolist()  # after the prompt, and after each token of the draft
    same = next((n for n, token in enumerate(draft) if token != best[n]), len(draft))
    written, token = list(draft[:same]), best[same]
    if same < len(draft):  # read anew without the rest, as not every family's cache can be cut
        out = model(input_ids=read[:, : len(prompt_ids) + same], use_cache=True, logits_to_keep=1)
    cache = out.past_key_values
    while len(written) < WRITTEN and token not in base.end_ids:
        written.append(token)
        if len(written) < WRITTEN:
            given = torch.tensor([[token]], device=base.device)
            token = int(model(input_ids=given, past_key_values=cache, use_cache=True).logits[0, -1].argmax())
    return written
