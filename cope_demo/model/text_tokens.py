"""A person's text in tokens: it is never control, whatever it says.

A tokenizer reads `<|im_start|>system` as the start of a turn, wherever it stands. Here control tokens come from the
chat template and the tokenizer alone; where a person's text names one, each letter of the name is a token of its own.
Text without such names has the tokens that the tokenizer gives it.
"""

import re
from collections.abc import Callable
from functools import cached_property

from tokenizers import AddedToken, Tokenizer

BREAK = "\ufdd0\ufdd1"
"""Put between two letters, it keeps them from becoming one token. (Unicode noncharacters, which no text has.)"""

_MARK = re.compile(r"\s*[<\[{|].*[>\]}|]\s*", re.DOTALL)
"""How control tokens look that a tokenizer does not call special, such as `<tool_call>`; runs of spaces do not."""

_PLAIN_MARKS = re.compile(r"<\|[^\s<>|]+\|>|</?\w+>|<</?[A-Z]+>>|\[/?[A-Z_]{2,}\]")
"""Marks in templates that need not be tokens: `<|user|>` of Zephyr, `<tool_response>` of Qwen, `[INST]` of Llama 2."""


class TextTokenizer:
    """Turns prompts and texts of people into token ids. Thread-safe.

    tokenizer: the model's, of transformers. In one without a fast form (no `tokenizers` backend) a control token's
    letters are parted by spaces, as nothing else parts them there.
    """

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer

    @cached_property
    def control(self) -> frozenset[int]:
        """Ids of the control tokens: all that the tokenizer calls special or that are written like a mark."""
        added = self._tokenizer.added_tokens_decoder.items()
        marks = {id for id, token in added if token.special or _MARK.fullmatch(token.content)}
        return frozenset({*marks, *self._tokenizer.all_special_ids})

    def prompt_ids(self, prompt: str) -> list[int]:
        """An instruction, ready for the answer: in the chat template where there is one, else as plain text."""
        return self._encode_plain(prompt, self._encode_prompt, self._template_control)

    def text_ids(self, text: str) -> list[int]:
        """A text alone, without any control token."""
        return self._encode_plain(text, self._encode, [])

    def _encode_plain(self, text: str, encode: Callable[[str], list[int]], own: list[int]) -> list[int]:
        """The ids that `encode` gives the text, where its control tokens are not the text's; else with letters parted.

        own: the control tokens that `encode` adds by itself, in their order.
        """
        ids = encode(text)
        if not self._marks.search(text) and self._find_control(ids) == own:
            return ids
        parted = encode(self._marks.sub(lambda mark: BREAK.join(mark[0]), text))
        letters = encode(BREAK.join(text))
        # They differ where a tokenizer changes letters before it looks for control tokens, as from wide ones to plain.
        return parted if self._find_control(parted) == self._find_control(letters) else letters

    def _encode_prompt(self, prompt: str) -> list[int]:
        if not self._tokenizer.chat_template:
            return self._encode(prompt + "\n\n", add_special_tokens=True)
        turns = [{"role": "user", "content": prompt}]
        return self._encode(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def _encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        if BREAK in text and self._tokenizer.is_fast:
            ids = self._parting.encode(text, add_special_tokens=add_special_tokens).ids
            parting = self._parting.token_to_id(BREAK)
            return [token for token in ids if token != parting]
        return self._tokenizer(text.replace(BREAK, " "), add_special_tokens=add_special_tokens)["input_ids"]

    @cached_property
    def _parting(self) -> Tokenizer:
        """A copy of the tokenizer to which BREAK is a token, so that nothing is merged or recognized across it."""
        parting = Tokenizer.from_str(self._tokenizer.backend_tokenizer.to_str())
        parting.no_truncation()
        parting.no_padding()
        parting.add_tokens([AddedToken(BREAK, normalized=False)])
        return parting

    @cached_property
    def _marks(self) -> re.Pattern:
        """What control tokens and a template's marks look like in a text, the longest first."""
        tokenizer = self._tokenizer
        written = {token.content for id, token in tokenizer.added_tokens_decoder.items() if id in self.control}
        written.update(tokenizer.all_special_tokens)
        if tokenizer.chat_template:
            template = f"{tokenizer.chat_template}\n{tokenizer.decode(self._encode_prompt('a'))}"
            written.update(_PLAIN_MARKS.findall(template))
        written.discard("")
        return re.compile("|".join(map(re.escape, sorted(written, key=len, reverse=True))) or "(?!)")

    @cached_property
    def _template_control(self) -> list[int]:
        return self._find_control(self._encode_prompt("a"))

    @cached_property
    def _sought(self) -> frozenset[int]:
        """The control tokens without the one for unknown letters, which ordinary text has, too."""
        tokenizer = self._tokenizer
        return self.control - ({tokenizer.unk_token_id} - {tokenizer.bos_token_id, tokenizer.eos_token_id})

    def _find_control(self, ids: list[int]) -> list[int]:
        return [token for token in ids if token in self._sought]
