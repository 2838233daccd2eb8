"""The command for many comparisons at once: batch."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import list_optional, order_columns
from cope_demo.errors import CopeError, quote
from cope_demo.texts.tasks import find_task

PAGE = "index.html"


def add_batch(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds batch to the commands."""
    batch = command("batch", "Compare many prompts, users and alphas in shared steps; a run that was cut off goes on.")
    batch.add_argument("--users", required=True, metavar="LIST", help="sample users or fitted ones, joined by commas")
    batch.add_argument(
        "--prompts", required=True, type=Path, metavar="FILE", help=".txt (a prompt a line), .json or .jsonl"
    )
    batch.add_argument("--alphas", default=f"{DecodeConfig.alpha:g}", metavar="LIST", help="(default: %(default)s)")
    batch.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the traces and their page go")
    add_decoding(batch, "the first user's task's")


def add_decoding(command: argparse.ArgumentParser, defaults: str) -> None:
    """The options of how columns are written, and which. defaults: whose those are that depend on a task."""
    command.add_argument("--tau", type=float, default=DecodeConfig.tau, help="head cut (default: %(default)s)")
    command.add_argument("--repetition-penalty", type=float, help=f"(default: {defaults})")
    command.add_argument("--max-new-tokens", type=int, help=f"(default: {defaults})")
    command.add_argument("--temperature", type=float, default=0.0, help="0 takes the best (default), above samples")
    more = ", ".join(list_optional())
    command.add_argument("--columns", default="", metavar="LIST", help=f"more of them, of {more} (default: none)")
    command.add_argument("--against", default="", metavar="USER", help="one more: CoPe contrasted with another user")


def run(options) -> None:
    """Runs batch."""
    from cope_demo.service.batch import Plan, run_batch
    from cope_demo.service.service import Service
    from cope_demo.ui.batch.page import write_page

    from .terminal import trace_bar

    service = Service(options.model, options.users_dir, options.seed)
    users = tuple(dict.fromkeys(_split(options.users)))
    if not users:
        raise CopeError("--users names nobody; give the ids of users, joined by commas.")
    task = find_task([service.store.open(user).task for user in users][0])
    penalty, length = options.repetition_penalty, options.max_new_tokens
    config = DecodeConfig(
        tau=options.tau,
        repetition_penalty=task.repetition_penalty if penalty is None else penalty,
        max_new_tokens=task.max_new_tokens if length is None else length,
        temperature=options.temperature,
        seed=options.seed,
    )
    methods = order_columns(_split(options.columns), options.against)
    plan = Plan(users, read_prompts(options.prompts), read_alphas(options.alphas), methods, config, options.against)
    try:
        with trace_bar() as tell:
            run_batch(service, plan, options.out, tell)
    except KeyboardInterrupt:
        written = write_page(options.out, options.out / PAGE)
        print(f"Stopped. {written} traces are in {options.out}; the same command goes on.")
        raise
    written = write_page(options.out, options.out / PAGE)
    print(f"{written} traces are in {options.out}; open {options.out / PAGE}")


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def read_alphas(text: str) -> tuple[float, ...]:
    """Different alphas out of a list. Raises CopeError for what is none."""
    try:
        alphas = tuple(dict.fromkeys(float(part) for part in _split(text)))
    except ValueError as error:
        raise CopeError(f"--alphas must be numbers joined by commas, as 0,0.1,0.5, but is {quote(text)}.") from error
    if not alphas:
        raise CopeError("--alphas is empty; give numbers joined by commas, as 0,0.1,0.5.")
    for alpha in alphas:
        DecodeConfig(alpha=alpha)
    return alphas


def read_prompts(path: Path) -> tuple[str, ...]:
    """The prompts of a file: a line each, or in JSON texts or objects with a "prompt". Raises CopeError."""
    from cope_demo.service.checks import check_text

    text = path.read_bytes().decode("utf-8-sig", "replace")
    if path.suffix not in (".txt", ".json", ".jsonl"):
        raise CopeError(f"{path.name} is no .txt, .json or .jsonl file; give prompts in one of these.")
    try:
        lines = [line for line in text.splitlines() if line.strip()] if path.suffix != ".json" else []
        rows = (
            lines if path.suffix == ".txt" else json.loads(text) if path.suffix == ".json" else map(json.loads, lines)
        )
        prompts = [row["prompt"] if isinstance(row, dict) else row for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise CopeError(f'{path.name} must hold texts, or objects with a "prompt"; mend it and try again.') from error
    if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise CopeError(f"{path.name} holds no prompts, or some that are no texts; give a prompt a line.")
    return tuple(check_text("prompt", prompt) for prompt in prompts)
