"""How long a lent GPU is needed for work of a model: what it is asked for, and so what a visitor's share of a day pays.

The figures of FORWARD and STEP were measured (benchmarks/speed_gpu.py: one H100, a random model of the shape of
Qwen2.5-7B-Instruct in NF4). START, READ and TOKEN are estimates. A smaller model is not taken to be faster: at a few
rows most of a step is the launching of its kernels.
"""

import math

STEP = 0.105
"""Seconds of a step of three columns with their traces."""
FORWARD = 0.033
"""Seconds of a forward pass of few tokens: plain `generate`, a token."""
START = 1.0
"""Seconds until a new worker computes, beside its model's way onto the GPU. Estimated."""
READ = 4e9
"""Bytes a second of that way. Estimated."""
TOKEN = 50e-6
"""Seconds that one more token adds to a forward pass of many: two operations a weight at 300 TFLOP/s. Estimated."""
BYTES = 5.5e9
"""What the measured model's weights take."""
CHARACTERS = 4
"""Characters of a token, about."""


def scale_seconds(seconds: float, model_bytes: int) -> float:
    """Seconds of the measured model as those of a model of this size, with the start of a worker."""
    return START + model_bytes / READ + seconds * max(1.0, model_bytes / BYTES)


def count_tokens(text: str) -> int:
    """The tokens of a text, about."""
    return math.ceil(len(text) / CHARACTERS)
