"""A person's texts in tokens, as every stage of a fit reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cope_demo.config import FitConfig, TamConfig
from cope_demo.decode.prompting import make_rag_prompt
from cope_demo.model.base_model import BaseModel
from cope_demo.texts.embedding import find_most_similar
from cope_demo.texts.tasks import Sample


@dataclass(frozen=True)
class Example:
    """A sample in tokens: the prompt with its template, and the response with its end token."""

    prompt_ids: list[int]
    response_ids: list[int]


def encode(base: BaseModel, sample: Sample, config: FitConfig | TamConfig) -> Example:
    """A sample as tokens. A prompt over `max_prompt_tokens` loses the end of its own text, never its template."""
    ids = base.prompt_ids(_cut_prompt(base, sample.prompt, config.max_prompt_tokens))
    return Example(ids, base.response_ids(sample.response, config.max_response_tokens))


def encode_retrieving(base: BaseModel, samples: Sequence[Sample], config: FitConfig) -> list[Example]:
    """Samples as tokens, each prompt after the `retrieval` texts of the others that are nearest to it.

    The prompts are those of decoding (decode/prompting.py). `max_prompt_tokens` limits the instruction alone.
    """
    prompts = [sample.prompt for sample in samples]
    near = find_most_similar(prompts, prompts, config.retrieval + 1)
    examples = []
    for number, sample in enumerate(samples):
        similar = [samples[other] for other in near[number] if other != number][: config.retrieval]
        instruction = _cut_prompt(base, sample.prompt, config.max_prompt_tokens)
        ids = base.prompt_ids(make_rag_prompt(instruction, similar))
        examples.append(Example(ids, base.response_ids(sample.response, config.max_response_tokens)))
    return examples


def _cut_prompt(base: BaseModel, prompt: str, limit: int) -> str:
    """The prompt, without its end where it would be more than `limit` tokens with its template."""
    ids = base.prompt_ids(prompt)
    if len(ids) <= limit:
        return prompt
    words = base.text_ids(prompt)
    return base.tokenizer.decode(words[: max(1, len(words) - (len(ids) - limit))])
