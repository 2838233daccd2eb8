"""Tokenizers of several families, made on the spot in the families' manner, and texts to try on them."""

import json
from collections.abc import Sequence
from random import Random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from tests.tiny import LINES

TURN = "{{ bos_token }}{% for m in messages %}"
END = "{% endfor %}{% if add_generation_prompt %}"
QWEN = (
    TURN + "{% if m['content'].startswith('<tool_response>') %}tool {% endif %}<|im_start|>{{ m['role'] }}\n"
    "{{ m['content'] }}<|im_end|>\n" + END + "<|im_start|>assistant\n{% endif %}"
)
LLAMA_3 = (
    TURN + "<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
    + END + "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)  # fmt: skip
GEMMA = (
    TURN + "<start_of_turn>{{ m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n"
    + END + "<start_of_turn>model\n{% endif %}"
)  # fmt: skip
INST = TURN + "[INST] {{ m['content'] }} [/INST]{% endfor %}"
ZEPHYR = TURN + "<|{{ m['role'] }}|>\n{{ m['content'] }}{{ eos_token }}\n" + END + "<|assistant|>\n{% endif %}"

MARKS = (
    "<s> </s> <unk> <pad> <bos> <eos> <|im_start|> <|im_end|> <|endoftext|> <tool_call> </tool_call> <tool_response> "
    "<|fim_prefix|> <|begin_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|> <start_of_turn> <end_of_turn> "
    "[INST] [/INST] <<SYS>> <</SYS>> <|user|> <|assistant|> <|system|> <repo_name> <file_sep> <|im_<|im_start|>start|> "
    "<|im_start <|im_ start|> |im_end|> < |eot_id|> ＜s＞ ＜/s＞ "
    "＜｜ｉｍ＿ｓｔａｒｔ｜＞ <\ufdd0\ufdd1s> <\ufdd0\ufdd1|im_start|>"
).split(" ")
"""How control tokens are written in these families and in the embedded model, and some that nearly are."""
ROLES = ["system\n", "user\n", "assistant\n", "\n\n", " ", "", "Say only no.", "\n"]
WORDS = (
    " ".join(LINES).split()
    + "Naïve café, 水 🧑‍🚀 don't 3.14 a<b b>c x|y [sic] {x} <b>bold</b>".split()
    + "# * -- … “so” I/O C:\\dir A_B [A] $1 <3 :-)".split()
)


def make_ordinary_text(random: Random) -> str:
    """A text without a control token: words, signs, other scripts, and spaces and line breaks in any number."""
    gaps = [" "] * 12 + ["\n", "\n\n", "  ", "\t", " \n "]
    return "".join(random.choice(WORDS) + random.choice(gaps) for _ in range(random.randint(1, 12)))


def make_hostile_text(random: Random, marks: list[str]) -> str:
    """A text with control tokens among its words, at its ends, within words and within each other."""
    parts = [lambda: random.choice(marks), lambda: random.choice(ROLES), lambda: random.choice(WORDS)]
    text = "".join(random.choice(parts)() for _ in range(random.randint(1, 8)))
    where = random.randint(0, len(text))
    return text[:where] + random.choice(marks) + text[where:]


def make_tokenizers() -> dict[str, PreTrainedTokenizerBase]:
    """Family -> its tokenizer."""
    pieces = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    qwen = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    llama = ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]
    return {
        "qwen": _finish(_byte_level(normalizers.NFC()), qwen, QWEN, ["<tool_call>", "</tool_call>", "<|fim_prefix|>"]),
        "llama 3": _finish(_byte_level(), llama, LLAMA_3, bos=True),
        "gemma": _finish(_pieces(normalizers.Replace(" ", "▁")), ["<bos>", "<eos>", "<pad>", "<unk>"], GEMMA,
                         ["<start_of_turn>", "<end_of_turn>", "\n\n", "▁▁"], bos=True),
        "llama 2": _finish(_pieces(pieces), ["<s>", "</s>", "<unk>"], INST, bos=True),
        "mistral": _finish(_pieces(pieces), ["<s>", "</s>", "<unk>", "[INST]", "[/INST]"], INST, bos=True),
        "zephyr": _finish(_pieces(pieces), ["<s>", "</s>", "<unk>"], ZEPHYR, bos=True),
        "gpt": _finish(_byte_level(), ["<|endoftext|>"], None),
        "wide letters": _finish(_byte_level(normalizers.NFKC()), ["<s>", "</s>"], QWEN, ["<|im_start|>", "<|im_end|>"],
                                bos=True, normalized=True),
        "unigram": _finish(_unigram(), ["<s>", "</s>", "<unk>"], None, bos=True),
        "slow": Letters(),
    }  # fmt: skip


def _byte_level(normalizer: normalizers.Normalizer | None = None) -> Tokenizer:
    core = Tokenizer(models.BPE())
    if normalizer:
        core.normalizer = normalizer
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator([*LINES, *MARKS], trainer)
    return core


def _pieces(normalizer: normalizers.Normalizer) -> Tokenizer:
    """As SentencePiece does it: spaces are letters, and a letter that it does not know is spelled in bytes.

    It learns some control tokens as words, too, so that merging letters leads to them.
    """
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizer
    of_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=620, special_tokens=["<unk>", *of_bytes], show_progress=False)
    trained.train_from_iterator([*LINES, *MARKS], trainer)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    core = Tokenizer(models.BPE(model["vocab"], merges, unk_token="<unk>", byte_fallback=True))
    core.normalizer = normalizer
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return core


def _unigram() -> Tokenizer:
    """One without bytes: `<s>` is in its vocabulary as a word, and unknown letters are one token."""
    letters = sorted({letter for text in [*LINES, *MARKS[:20]] for letter in text})
    words = [("<unk>", 0.0), ("<s>", -1.0), ("</s>", -1.0), *((letter, -4.0) for letter in letters), ("▁the", -2.0)]
    core = Tokenizer(models.Unigram(words, unk_id=0, byte_fallback=False))
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    return core


def _finish(
    core: Tokenizer,
    special: list[str],
    template: str | None,
    added: Sequence[str] = (),
    bos: bool = False,
    normalized: bool = False,
) -> PreTrainedTokenizerFast:
    """The tokenizer with its added tokens, the first two special ones beginning and ending a text."""
    core.add_special_tokens([AddedToken(token, normalized=normalized) for token in special])
    core.add_tokens([AddedToken(token, normalized=normalized) for token in added])
    if bos:
        core.post_processor = processors.TemplateProcessing(
            single=f"{special[0]} $A", special_tokens=[(special[0], core.token_to_id(special[0]))]
        )
    unknown = {"unk_token": "<unk>"} if "<unk>" in special else {}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=special[0], eos_token=special[1 % len(special)], **unknown
    )
    tokenizer.chat_template = template
    return tokenizer


class Letters(PreTrainedTokenizer):
    """A tokenizer without a fast form: a token a letter, and `<s>` and `</s>`."""

    def __init__(self):
        self.letters = [chr(number) for number in range(32, 127)]
        super().__init__(bos_token="<s>", eos_token="</s>", unk_token="?")
        self.chat_template = INST

    @property
    def vocab_size(self) -> int:
        return len(self.letters)

    def get_vocab(self) -> dict[str, int]:
        return {**{letter: i for i, letter in enumerate(self.letters)}, **self.added_tokens_encoder}

    def _tokenize(self, text: str, **options) -> list[str]:
        return list(text)

    def _convert_token_to_id(self, token: str) -> int:
        return self.letters.index(token) if token in self.letters else self.letters.index("?")

    def _convert_id_to_token(self, index: int) -> str:
        return self.letters[index]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens)
