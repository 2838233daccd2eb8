"""A person's texts in tokens, as every stage of a fit reads them."""

from dataclasses import dataclass

from cope_demo.config import FitConfig, TamConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.texts.tasks import Sample


@dataclass(frozen=True)
class Example:
    """A sample in tokens: the prompt with its template, and the response with its end token."""

    prompt_ids: list[int]
    response_ids: list[int]


def encode(base: BaseModel, sample: Sample, config: FitConfig | TamConfig) -> Example:
    """A sample as tokens. A prompt over `max_prompt_tokens` loses the end of its own text, never its template."""
    prompt = sample.prompt
    ids = base.prompt_ids(prompt)
    if len(ids) > config.max_prompt_tokens:
        words = base.text_ids(prompt)
        keep = max(1, len(words) - (len(ids) - config.max_prompt_tokens))
        ids = base.prompt_ids(base.tokenizer.decode(words[:keep]))
    return Example(ids, base.response_ids(sample.response, config.max_response_tokens))
