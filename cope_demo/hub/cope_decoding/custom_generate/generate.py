"""CoPe decoding for `model.generate(..., custom_generate=...)`: a personal model contrasted with its own base.

The expert is the model with its adapters, the amateur the same model without them (or with those named). Of the tokens
that are plausible to the expert the one is taken that it likes most compared with the amateur:

    r(y_t) = log pi_expert(y_t | y_<t) - alpha * log pi_amateur(y_t | y_<t)
    V_head = {v : pi_expert(v) >= tau * max_w pi_expert(w)}

Bu et al., "Personalized LLM Decoding via Contrasting Personal Preference", EMNLP 2025, arXiv 2506.12109. All else is
transformers' own `generate`: this file is one logits processor, which reads the text along as the amateur.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from transformers import DynamicCache, GenerationMixin, LogitsProcessor, LogitsProcessorList


def generate(
    model,
    *args,
    alpha: float = 0.1,
    tau: float = 0.1,
    expert: str | Sequence[str] | None = None,
    amateur: str | Sequence[str] = (),
    seed: int | None = None,
    **kwargs,
):
    """What `generate` returns, decoded with CoPe; takes all that it takes, beams and assistants excepted.

    model: a transformers causal LM with peft's adapters on it.
    alpha: strength of the contrast, from 0 (none) to 2. tau: plausibility cut of V_head, from 0 to 1 (greedy).
    expert: the adapters of the personal model (default: those that are active); amateur: those of its base (default:
        none). With a task adapter in both: expert=["task", "cope"], amateur="task".
    seed: where `do_sample` is set, draws every text of the batch as if it was alone with this seed; by default torch's
        own random numbers are used.
    repetition_penalty counts generated tokens only, and only the expert's. Other logits processors act on the expert,
    before the head is cut; temperature acts on what is left in it, and so do top_k and top_p where they are given.
    Raises ValueError for a setting out of its range, beams, an assistant, a cache, or a model without adapters.
    """
    settings = _Settings(model, kwargs)
    layers = _find_adapters(model, expert, amateur)
    _check(alpha, tau, settings, kwargs)
    contrast = ContrastWithAmateur(
        model,
        alpha=alpha,
        tau=tau,
        penalty=settings.read("repetition_penalty", 1.0),
        mask=kwargs.get("attention_mask"),
        padding=settings.find_padding(),
        wear=lambda: _wearing(layers, amateur),
    )
    if seed is not None and settings.read("do_sample", False):
        contrast.draw_by(seed, settings.read("temperature", 1.0), settings.read("num_return_sequences", 1) or 1)
    own = LogitsProcessorList(kwargs.pop("logits_processor", None) or [])
    kwargs["repetition_penalty"] = 1.0  # it is the contrast's, and a model's default must not come on top
    for name, off in (("top_k", 0), ("top_p", 1.0)):
        kwargs.setdefault(name, off)  # V_head does their work
    with _keeping(layers), _wearing(layers, _active(layers) if expert is None else expert):
        return GenerationMixin.generate(model, *args, logits_processor=LogitsProcessorList([*own, contrast]), **kwargs)


class ContrastWithAmateur(LogitsProcessor):
    """Makes the expert's logits the scores that CoPe maximises: r inside V_head, minus infinity outside."""

    def __init__(self, model, *, alpha, tau, penalty, mask, padding, wear):
        self.model, self.alpha, self.tau, self.penalty = model, alpha, tau, penalty
        self.mask, self.padding, self.wear = mask, padding, wear
        self.cache, self.prompt = DynamicCache(config=model.config.get_text_config()), None
        self.accepted = set(inspect.signature(model.forward).parameters)
        self.seed = None

    def draw_by(self, seed: int, temperature: float, copies: int) -> None:
        """From now on the token is drawn here: every prompt by a generator of its own, its n-th copy from seed + n."""
        self.seed, self.temperature, self.copies, self.random = seed, temperature, copies, []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """input_ids: (B, T). scores: the expert's logits (B, V). Returns (B, V)."""
        if self.prompt is None:
            self.prompt = input_ids.shape[1]
            self.mask = self._prepare_mask(input_ids)
        expert = _penalize(scores.float(), input_ids[:, self.prompt :], self.penalty).log_softmax(-1)
        reward = expert
        if self.alpha:
            reward = expert - self.alpha * self._read_as_amateur(input_ids).to(expert.device).log_softmax(-1)
        if self.tau:
            floor = expert.max(-1, keepdim=True).values + math.log(self.tau)
            reward = reward.masked_fill(expert < floor, -torch.inf)
        return reward if self.seed is None else self._draw(reward)

    def _prepare_mask(self, input_ids: torch.LongTensor) -> torch.LongTensor:
        """1 where a prompt's token is no padding, (B, T)."""
        if self.mask is not None:
            return self.mask.repeat_interleave(len(input_ids) // len(self.mask), 0).to(input_ids.device, torch.long)
        return torch.ones_like(input_ids) if self.padding is None else (input_ids != self.padding).long()

    @torch.no_grad()
    def _read_as_amateur(self, input_ids: torch.LongTensor) -> torch.FloatTensor:
        """The amateur's logits for the next token, (B, V); it reads what it has not read yet."""
        read = self.cache.get_seq_length()
        new = input_ids[:, read:]
        grown = input_ids.shape[1] - self.mask.shape[1]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(input_ids), grown)], 1)
        inputs = {
            "position_ids": (self.mask.cumsum(-1) - 1).clamp(min=0)[:, read:],
            "attention_mask": self.mask,
            "logits_to_keep": 1,
        }
        inputs = {name: value for name, value in inputs.items() if name in self.accepted}
        with self.wear():
            out = self.model(input_ids=new, past_key_values=self.cache, use_cache=True, return_dict=True, **inputs)
        return out.logits[:, -1].float()

    def _draw(self, reward: torch.FloatTensor) -> torch.FloatTensor:
        """0 for a token that is drawn from softmax(reward / temperature), minus infinity for all others."""
        if not self.random:
            seeds = [self.seed + row % self.copies for row in range(len(reward))]
            self.random = [torch.Generator().manual_seed(seed) for seed in seeds]
        chances = (reward / self.temperature).softmax(-1).cpu()
        drawn = [torch.multinomial(row, 1, generator=random) for row, random in zip(chances, self.random, strict=True)]
        return torch.full_like(reward, -torch.inf).scatter(1, torch.stack(drawn).to(reward.device), 0.0)


class _Settings:
    """What a setting of this call is: as an argument, in the generation_config that was given, or the model's own."""

    def __init__(self, model, kwargs: dict):
        self.kwargs = kwargs
        self.configs = [c for c in (kwargs.get("generation_config"), model.generation_config) if c is not None]

    def read(self, name: str, default):
        found = [self.kwargs.get(name), *(getattr(config, name, None) for config in self.configs)]
        return next((value for value in found if value is not None), default)

    def find_padding(self) -> int | None:
        """The token that is no text in a batch without a mask, as `generate` sees it: pad, unless it ends texts."""
        ends = self.read("eos_token_id", [])
        pad = self.read("pad_token_id", None)
        return None if pad in (ends if isinstance(ends, (list, tuple)) else [ends]) else pad


def _check(alpha: float, tau: float, settings: _Settings, kwargs: dict) -> None:
    """Raises ValueError that names what will not do."""
    for name, value, high in (("alpha", alpha, 2), ("tau", tau, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
            raise ValueError(f"{name} must be a number from 0 to {high}, but is {value!r}.")
    if (settings.read("num_beams", 1) or 1) > 1:
        raise ValueError("CoPe takes the best token at each step, or samples it: leave num_beams at 1.")
    for name in ("assistant_model", "past_key_values", "inputs_embeds"):
        if kwargs.get(name) is not None:
            raise ValueError(f"CoPe reads the text twice, so it takes no {name}: leave it out.")


def _find_adapters(model, *names) -> list[torch.nn.Module]:
    """The layers that wear adapters. Raises ValueError without any, for a name that none has, and for merged ones."""
    if model.config.is_encoder_decoder:
        raise ValueError("CoPe contrasts causal language models; this one has an encoder.")
    layers = [module for module in model.modules() if isinstance(module, (BaseTunerLayer, AuxiliaryTrainingWrapper))]
    tuners = [layer for layer in layers if isinstance(layer, BaseTunerLayer)]
    if not tuners:
        raise ValueError(
            "The model has no adapters to contrast with its base: load them first with peft, "
            "PeftModel.from_pretrained(model, adapters)."
        )
    if any(layer.merged for layer in tuners):
        raise ValueError("The adapters are merged into the model, so its base is gone: call model.unmerge_adapter().")
    known = {name for layer in tuners for part in layer.adapter_layer_names for name in getattr(layer, part)}
    for name in (name for asked in names for name in _listed(asked)):
        if name not in known:
            raise ValueError(f"There is no adapter {name!r}; this model has {', '.join(sorted(known))}.")
    return layers


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _active(layers: list[torch.nn.Module]) -> list[str]:
    """The names of the adapters that are active now. Raises ValueError if they are switched off."""
    first = next(layer for layer in layers if isinstance(layer, BaseTunerLayer))
    if first.disable_adapters:
        raise ValueError("The model's adapters are switched off: leave disable_adapter(), or name the expert's.")
    return list(first.active_adapters)


@contextmanager
def _wearing(layers: list[torch.nn.Module], names: str | Sequence[str]) -> Iterator[None]:
    """The model with these adapters alone; afterwards with those it had."""
    before = [(layer, layer.active_adapters, layer.disable_adapters) for layer in layers]
    names = _listed(names)
    try:
        for layer in layers:
            if names and isinstance(layer, BaseTunerLayer):
                layer.set_adapter(names)
            layer.enable_adapters(bool(names))
        yield
    finally:
        for layer, active, off in before:
            if isinstance(layer, BaseTunerLayer):
                layer.set_adapter(active)
            layer.enable_adapters(not off)


@contextmanager
def _keeping(layers: list[torch.nn.Module]) -> Iterator[None]:
    """Leaves the adapters' weights as trainable as they were: peft changes that when it switches adapters."""
    before = [(weight, weight.requires_grad) for layer in layers for weight in layer.parameters()]
    try:
        yield
    finally:
        for weight, trainable in before:
            weight.requires_grad_(trainable)


def _penalize(logits: torch.FloatTensor, written: torch.LongTensor, penalty: float) -> torch.FloatTensor:
    """Logits (B, V) with those of written tokens (B, n) made less likely: positive ones divided, others multiplied."""
    if penalty == 1 or not written.shape[1]:
        return logits
    old = logits.gather(1, written)
    return logits.scatter(1, written, torch.where(old > 0, old / penalty, old * penalty))
