"""Traces of many comparisons, made up: words of a small vocabulary with the numbers that contrast decides by."""

import math
import random
from collections.abc import Iterator

USERS, ALPHAS = ("ines", "walter", "juno"), (0.1, 0.3, 0.5)
WORDS = "the a and was had kettle goose bus ward night stopped tea rain train sleep hands window late old blue".split()


def make_traces(prompts: int, tokens: int, users=USERS, alphas=ALPHAS) -> Iterator[dict]:
    """Every user's answers to so many prompts at every alpha: three columns of so many tokens."""
    for user in users:
        for number in range(prompts):
            for alpha in alphas:
                head = {
                    "model": "tiny",
                    "user": user,
                    "task": "free_writing",
                    "prompt": f"Write a post about {number}.",
                }
                head |= {"alpha": alpha, "tau": 0.1, "repetition_penalty": 1.0, "prompt_ids": [1, 2]}
                draws = {method: random.Random(f"{user} {number} {method}") for method in ("greedy", "oppu", "cope")}
                columns = [_make_column(draw, method, alpha, tokens) for method, draw in draws.items()]
                yield {**head, "columns": columns}


def _make_column(draw: random.Random, method: str, alpha: float, tokens: int) -> dict:
    made = [_make_token(draw, method, alpha) for _ in range(tokens)]
    return {"method": method, "text": "".join(t["text"] for t in made), "stopped": "length", "tokens": made}


def _make_token(draw: random.Random, method: str, alpha: float) -> dict:
    words, user = draw.sample(range(len(WORDS)), 10), [draw.random() ** 3 for _ in range(10)]
    base = [draw.random() ** 3 for _ in range(10)]
    rows = []
    for word, mine, other in zip(words, user, base, strict=True):
        logs = math.log((mine + 1e-6) / sum(user)), math.log((other + 1e-6) / sum(base))
        reward = logs[0] - alpha * logs[1]
        score = {"greedy": logs[1], "oppu": logs[0], "cope": reward}[method]
        row = {"id": word, "text": f" {WORDS[word]}", "logp_user": logs[0], "logp_base": logs[1]}
        rows.append(row | {"reward": reward, "score": score, "in_head": mine >= 0.1 * max(user)})
    rows.sort(key=lambda row: (method != "greedy" and not row["in_head"], -row["score"]))
    return {**rows[0], "head_size": sum(row["in_head"] for row in rows), "alternatives": rows}
